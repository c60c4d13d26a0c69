"""What a barewire server with statistics tells `barewire top`: calls by method."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from datetime import timedelta
from typing import Any

from ..rpc import Channel, Metadata, StatusCode
from ..rpc.call_stats import percentile
from ..rpc.services.bundled import bundled
from ..schema import wkt
from .top_view import Row, Table, View

_COLUMNS = {
    "method": "METHOD",
    "calls_per_second": "CALLS/S",
    "errors_per_second": "ERR/S",
    "p50_ms": "P50 MS",
    "p95_ms": "P95 MS",
    "p99_ms": "P99 MS",
    "active": "ACTIVE",
}
_PERCENTILES = {"p50_ms": 0.50, "p95_ms": 0.95, "p99_ms": 0.99}


async def views_of_stats(channel: Channel, metadata: Metadata, interval: float) -> AsyncGenerator[View, None]:
    """A view for each interval. Raises RpcError; UNIMPLEMENTED if the server records no statistics."""
    protocol: Any = bundled("barewire/v1/stats.proto")
    request = protocol.WatchRequest(interval=wkt.Duration.from_timedelta(timedelta(seconds=interval)))
    last: Any = None
    async for snapshot in protocol.StatsStub(channel).Watch(request, metadata=metadata):
        if last is not None:
            yield _between(last, snapshot)
        last = snapshot


def _between(before: Any, after: Any) -> View:
    seconds = max((after.clock.to_nanoseconds() - before.clock.to_nanoseconds()) / 1e9, 1e-9)
    earlier = {method.path: method for method in before.method}
    rows = [_row(earlier.get(method.path), method, seconds) for method in after.method]
    rows.sort(key=lambda row: (-row["calls_per_second"], row["method"]))
    return View("barewire.v1.Stats", seconds, [Table("methods", _COLUMNS, rows)])


def _row(before: Any, after: Any, seconds: float) -> Row:
    ended = _difference(before and before.ended, after.ended)
    latency = _difference(before and before.latency, after.latency)
    quantiles = {name: percentile(latency, fraction) for name, fraction in _PERCENTILES.items()}
    return {
        "method": after.path,
        "calls_per_second": round(sum(ended.values()) / seconds, 2),
        "errors_per_second": round(_errors(ended) / seconds, 2),
        **{name: None if value is None else round(value * 1000, 3) for name, value in quantiles.items()},
        "active": after.started - sum(after.ended.values()),
        "calls": after.started,
        "errors": _errors(after.ended),
        "codes": {_code_name(code): count for code, count in sorted(after.ended.items())},
    }


def _difference(before: Mapping[int, int] | None, after: Mapping[int, int]) -> dict[int, int]:
    return {key: count - (before or {}).get(key, 0) for key, count in after.items()}


def _errors(ended: Mapping[int, int]) -> int:
    return sum(count for code, count in ended.items() if code != StatusCode.OK)


def _code_name(code: int) -> str:
    try:
        return StatusCode(code).name
    except ValueError:
        return str(code)
