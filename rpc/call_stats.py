"""Calls by method: how often, how they end, how long they take. Off unless a server is given a `CallStats`."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping

from .status import StatusCode

OTHER = "other"
_MAX_METHODS = 1000  # handlers that take any path must not fill the memory

# Latencies are counted in fixed buckets, four to each doubling: bucket n ends at 2^(n/4) microseconds. So any two
# snapshots can be subtracted, those of several servers added, and a percentile is off by less than a fifth.
BUCKETS = 113
_ENDS = [2 ** (n / 4) * 1e-6 for n in range(BUCKETS - 1)]


def percentile(buckets: Mapping[int, int], fraction: float) -> float | None:
    """The latency in seconds that this fraction of the calls stays below, None without calls.

    Inside a bucket, calls are taken to be spread evenly on the logarithmic scale.
    """
    wanted = fraction * sum(buckets.values())
    for bucket in sorted(buckets):
        size = buckets[bucket]
        if size and wanted <= size:
            part = wanted / size if bucket < BUCKETS - 1 else 0.0  # the last one has no end
            return 2 ** ((bucket - 1 + part) / 4) * 1e-6
        wanted -= size
    return None


class MethodStats:
    """What is counted of one method. `ended` by status code, `latency` by bucket."""

    __slots__ = ("ended", "latency", "started")

    def __init__(self) -> None:
        self.started = 0
        self.ended: dict[int, int] = {}
        self.latency: dict[int, int] = {}

    def call_ended(self, code: StatusCode, seconds: float) -> None:
        """A call has ended, `seconds` after it came."""
        self.ended[code] = self.ended.get(code, 0) + 1
        bucket = bisect_right(_ENDS, seconds)
        self.latency[bucket] = self.latency.get(bucket, 0) + 1


class CallStats:
    """Records the calls of a server, or of several that share it.

    `methods` are by path; calls of what a server does not have are counted under "other".
    """

    def __init__(self) -> None:
        self.methods: dict[str, MethodStats] = {}

    def call_started(self, path: str, *, known: bool) -> MethodStats:
        """A call has come, for what the server has (`known`) or has not. Returns whom to tell its end."""
        method = self.methods.get(path)
        if method is None:
            named = known and len(self.methods) < _MAX_METHODS
            method = self.methods.setdefault(path if named else OTHER, MethodStats())
        method.started += 1
        return method
