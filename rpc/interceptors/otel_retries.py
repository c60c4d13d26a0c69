"""OpenTelemetry metrics of retries and hedges (A96): what a call needed besides its first attempt."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from ..interceptor import InterceptedCall
from ..observer import AttemptKind, AttemptObserver, CallObserver
from ..status import Status
from .call_record import Clock

if TYPE_CHECKING:
    from opentelemetry.metrics import Histogram, Meter

_COUNTS: Mapping[AttemptKind, str] = {
    "retry": "grpc.client.call.retries",
    "transparent_retry": "grpc.client.call.transparent_retries",
    "hedge": "grpc.client.call.hedges",
}
_DELAY = "grpc.client.call.retry_delay"
_BUCKETS: Mapping[AttemptKind, Sequence[float]] = {
    "retry": (1, 2, 3, 4, 5),
    "transparent_retry": (1, 2, 3, 4, 5, 10),
    "hedge": (1, 2, 3, 4, 5),
}

RETRY_METRICS: Collection[str] = (*_COUNTS.values(), _DELAY)  # for `OtelMetrics(also=…)`


class RetryInstruments:
    """Those of RETRY_METRICS that are wanted."""

    def __init__(self, meter: Meter, wanted: Collection[str], latency: Sequence[float]) -> None:
        self.counts: dict[AttemptKind, Histogram] = {
            kind: meter.create_histogram(
                name,
                unit=f"{{{kind}}}",
                description=f"Number of attempts of a call that were of the kind {kind}, if there were any.",
                explicit_bucket_boundaries_advisory=_BUCKETS[kind],
            )
            for kind, name in _COUNTS.items()
            if name in wanted
        }
        self.delay: Histogram | None = None
        if _DELAY in wanted:
            self.delay = meter.create_histogram(
                _DELAY,
                unit="s",
                description="Time of a call in which none of its attempts was under way.",
                explicit_bucket_boundaries_advisory=latency,
            )

    def observe(self, call: InterceptedCall, clock: Clock) -> CallRetries:
        """Watch one call."""
        retries = CallRetries(self, clock)
        call.observe(retries)
        return retries


class CallRetries(CallObserver):
    """The attempts of one call."""

    def __init__(self, instruments: RetryInstruments, clock: Clock) -> None:
        self._instruments = instruments
        self._clock = clock
        self._attempts: Counter[AttemptKind] = Counter()
        self._under_way = 0
        self._idle_since = 0.0
        self._idle = 0.0

    def attempt_started(self, previous_attempts: int, kind: AttemptKind) -> AttemptObserver:
        if self._attempts and not self._under_way:
            self._idle += self._clock() - self._idle_since
        self._attempts[kind] += 1
        self._under_way += 1
        return _Attempt(self)

    def attempt_ended(self) -> None:
        """One of them is over."""
        self._under_way -= 1
        if not self._under_way:
            self._idle_since = self._clock()

    def record(self, attributes: Mapping[str, str]) -> None:
        """The call is over."""
        for kind, histogram in self._instruments.counts.items():
            if self._attempts[kind]:
                histogram.record(self._attempts[kind], attributes)
        if self._instruments.delay is not None and self._attempts.total() > 1:
            self._instruments.delay.record(self._idle, attributes)


class _Attempt(AttemptObserver):
    def __init__(self, call: CallRetries) -> None:
        self._call = call

    def ended(self, status: Status) -> None:
        self._call.attempt_ended()
