"""For all tests: settings that have to stand before a peer is imported."""

from __future__ import annotations

import os

# grpcio: no log lines from its C threads, and no fork handlers (tests start child processes while its threads run).
os.environ.setdefault("GRPC_VERBOSITY", "NONE")
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
