"""A server in several processes: started, watched, replaced and drained by one supervisor.

def make_server() -> rpc.Server:
    return rpc.Server([Bookstore()])

if __name__ == "__main__":
    sys.exit(run_workers(make_server, ["0.0.0.0:50051"], workers=4))
"""

from __future__ import annotations

from .run import run_workers
from .supervisor import WorkerPolicy

__all__ = ["WorkerPolicy", "run_workers"]
