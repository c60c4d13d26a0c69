"""For all tests: settings that have to stand before a peer is imported, and how Hypothesis searches."""

from __future__ import annotations

import os
from typing import Any

from hypothesis import HealthCheck, settings

# grpcio: no log lines from its C threads, and no fork handlers (tests start child processes while its threads run).
os.environ.setdefault("GRPC_VERBOSITY", "NONE")
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")

# Schemas and messages are large examples on purpose, and a loaded machine is slow: neither makes a test fail.
EVERY_CHECK: list[Any] = list(HealthCheck)  # its metaclass hides from checkers what the items are
settings.register_profile("search", deadline=None, suppress_health_check=EVERY_CHECK)
# In CI the same examples each time: a change is judged by what it changes. New ones are looked for elsewhere.
settings.register_profile("ci", parent=settings.get_profile("search"), derandomize=True, database=None)
settings.load_profile("ci" if os.environ.get("CI") == "true" else "search")
