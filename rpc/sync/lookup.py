"""Resolvers' lookups in blocking code."""

from __future__ import annotations

import inspect
from typing import Any

from ..resolver import Lookup


def run_lookup(lookup: Lookup) -> Any:
    """The result of a function, or of a coroutine function in a loop of its own; or the exception that it raised."""
    try:
        found = lookup()
        return _run(found) if inspect.iscoroutine(found) else found
    except Exception as error:
        return error


def _run(coroutine: Any) -> Any:
    import asyncio  # for those who have such a resolver

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(coroutine)
    coroutine.close()
    raise RuntimeError(
        "a blocking channel cannot run a resolver's coroutine inside an event loop; use barewire.rpc.Channel there"
    )
