"""A server in several processes, for the tests: python -m tests.rpc.workers.program ADDRESS WORKERS [GRACE]

It prints the supervisor's log lines, and a line with the address once all workers are ready.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from typing import Any

from barewire import rpc
from tests.support.rpc_service import Item, servicer


async def unary(request: Any, context: Any) -> Any:
    """Who answers, after `number` milliseconds."""
    await asyncio.sleep(request.number / 1000)
    return Item(number=os.getpid())


async def up(requests: Any, context: Any) -> Any:
    """Who answers, once the client has ended the stream. The response begins at once."""
    await context.send_initial_metadata()
    async for _ in requests:
        pass
    return Item(number=os.getpid())


def make_server() -> rpc.Server:
    return rpc.Server([servicer(Unary=unary, Up=up)])


def make_none() -> None:
    return None


if __name__ == "__main__":
    address, workers, grace = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
    maker = sys.argv[4] if len(sys.argv) > 4 else "make_server"
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    status = rpc.run_workers(
        f"tests.rpc.workers.program:{maker}",
        [address],
        workers=workers,
        policy=rpc.WorkerPolicy(grace=grace, backoff=rpc.BackoffPolicy(0.05, 2.0, 0.0, 1.0)),
        on_ready=lambda names: print("listening", *names, flush=True),
    )
    print("over", flush=True)
    sys.exit(status)
