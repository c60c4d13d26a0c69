"""barewire.v1.Stats: the calls of a server by method, as `barewire top` shows them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from ...schema import wkt
from ..call_stats import CallStats
from .bundled import bundled

_pb: Any = bundled("barewire/v1/stats.proto")
_Base: Any = _pb.StatsServicer

_SHORTEST_INTERVAL = 0.1


class StatsServicer(_Base):
    """Shows what a CallStats has recorded."""

    def __init__(self, stats: CallStats) -> None:
        self._stats = stats

    async def Watch(self, request: Any, context: Any) -> AsyncIterator[Any]:
        """A snapshot now, and after every interval, until the client has seen enough."""
        interval = request.interval.to_timedelta().total_seconds() if request.interval is not None else 1.0
        while True:
            yield self._snapshot(asyncio.get_running_loop().time())
            await asyncio.sleep(max(interval, _SHORTEST_INTERVAL))

    def _snapshot(self, now: float) -> Any:
        methods = [
            _pb.Method(
                path=path, started=method.started, ended=dict(method.ended), latency=dict(method.latency)
            )
            for path, method in self._stats.methods.items()
        ]
        return _pb.Snapshot(clock=wkt.Duration.from_nanoseconds(int(now * 1e9)), method=methods)
