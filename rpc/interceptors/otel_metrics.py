"""OpenTelemetry metrics as gRPC defines them (A66, R102)."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING

from ..arguments import FUNCTION, check_arguments, having, items, one_of
from ..interceptor import InterceptedCall, Interceptor, Proceed
from ..observer import AttemptKind, AttemptObserver, CallObserver, Observer
from ..status import Status
from ..version import __version__
from .call_record import CallRecord, Clock
from .otel_retries import RETRY_METRICS, RetryInstruments

if TYPE_CHECKING:
    from opentelemetry.metrics import Counter, Histogram, Meter, MeterProvider

# Of A66, "Units": seconds, and bytes.
_LATENCY = (
    *(
        0,
        0.00001,
        0.00005,
        0.0001,
        0.0003,
        0.0006,
        0.0008,
        0.001,
        0.002,
        0.003,
        0.004,
        0.005,
        0.006,
        0.008,
        0.01,
    ),
    *(
        0.013,
        0.016,
        0.02,
        0.025,
        0.03,
        0.04,
        0.05,
        0.065,
        0.08,
        0.1,
        0.13,
        0.16,
        0.2,
        0.25,
        0.3,
        0.4,
        0.5,
        0.65,
        0.8,
    ),
    *(1, 2, 5, 10, 20, 50, 100),
)
_SIZE = (0, 1024, 2048, 4096, *(4**n for n in range(7, 17)))

_Attributes = Mapping[str, str]

_ARGUMENTS = {
    "meter_provider": having("a MeterProvider of OpenTelemetry (pip install 'barewire[otel]')", "get_meter"),
    "also": items(f"a list of {', '.join(RETRY_METRICS)}", one_of(RETRY_METRICS)),
    "keep_method": FUNCTION,
    "clock": FUNCTION,
}


class OtelMetrics(Interceptor):
    """Records A66's instruments; one object may serve channels and servers. Needs `pip install barewire[otel]`.

    Clients: grpc.client.attempt.started, .duration, .sent_total_compressed_message_size and
    .rcvd_total_compressed_message_size, and grpc.client.call.duration; servers: grpc.server.call.started, .duration and
    the same two sizes. Seconds and bytes; sizes are those of messages as they are on the wire, without framing.

    - `meter_provider`: where they go. The global one of OpenTelemetry is not used.
    - `also`: the names of instruments that gRPC leaves off by default; RETRY_METRICS has those of A96: retries,
      transparent retries and hedges of a call, where it had some, and the time between its attempts.
    - `keep_method`: whether the name of a method that is not known in advance is recorded; by default such methods are
      recorded as "other", since peers could make up names without end.
    """

    def __init__(
        self,
        meter_provider: MeterProvider,
        *,
        also: Collection[str] = (),
        keep_method: Callable[[str], bool] = lambda method: False,
        clock: Clock = time.monotonic,
    ) -> None:
        check_arguments(_ARGUMENTS, locals())
        meter = meter_provider.get_meter("barewire", __version__)
        self._keep_method = keep_method
        self._clock = clock
        self._attempts = _Instruments(meter, "grpc.client.attempt", "attempt")
        self._calls = _Instruments(meter, "grpc.server.call", "call")
        self._call_duration = _histogram(
            meter, "grpc.client.call.duration", "s", _LATENCY, "Time that calls took for the application."
        )
        self._retries = RetryInstruments(meter, also, _LATENCY) if also else None

    async def intercept(self, call: InterceptedCall, proceed: Proceed) -> None:
        known = call.registered or self._keep_method(call.method)
        attributes = {"grpc.method": call.method.removeprefix("/") if known else "other"}
        if call.side == "server":
            call.observe(_ServerCall(self._calls, attributes, self._clock))
            await proceed()
            return
        attributes["grpc.target"] = call.target
        call.observe(_ClientCall(self._attempts, attributes, self._clock))
        retries = None if self._retries is None else self._retries.observe(call, self._clock)
        record = CallRecord(call, self._clock)
        try:
            await record.run(proceed)
        finally:
            if retries is not None:
                retries.record(attributes)
            self._call_duration.record(
                record.duration, {**attributes, "grpc.status": record.status.code.name}
            )


class _Instruments:
    """The four instruments of client attempts, or of server calls."""

    def __init__(self, meter: Meter, prefix: str, what: str) -> None:
        self.started: Counter = meter.create_counter(
            f"{prefix}.started", unit=f"{{{what}}}", description=f"Number of {what}s started."
        )
        self.duration = _histogram(meter, f"{prefix}.duration", "s", _LATENCY, f"Time that {what}s took.")
        self.sent = _histogram(
            meter,
            f"{prefix}.sent_total_compressed_message_size",
            "By",
            _SIZE,
            f"Bytes of all messages sent, by {what}.",
        )
        self.received = _histogram(
            meter,
            f"{prefix}.rcvd_total_compressed_message_size",
            "By",
            _SIZE,
            f"Bytes of all messages received, by {what}.",
        )


def _histogram(meter: Meter, name: str, unit: str, bounds: tuple[float, ...], description: str) -> Histogram:
    return meter.create_histogram(
        name, unit=unit, description=description, explicit_bucket_boundaries_advisory=bounds
    )


class _Measured(Observer):
    """One attempt of a client, or one call of a server."""

    def __init__(self, instruments: _Instruments, attributes: _Attributes, clock: Clock) -> None:
        self._instruments = instruments
        self._attributes = attributes
        self._clock = clock
        self._started = clock()
        self._sent = self._received = 0
        instruments.started.add(1, attributes)

    def sent(self, payload: bytes, wire_size: int) -> None:
        self._sent += wire_size

    def received(self, payload: bytes, wire_size: int) -> None:
        self._received += wire_size

    def ended(self, status: Status) -> None:
        attributes = {**self._attributes, "grpc.status": status.code.name}
        self._instruments.duration.record(self._clock() - self._started, attributes)
        self._instruments.sent.record(self._sent, attributes)
        self._instruments.received.record(self._received, attributes)


class _ServerCall(_Measured, CallObserver):
    pass


class _Attempt(_Measured, AttemptObserver):
    pass


class _ClientCall(CallObserver):
    def __init__(self, instruments: _Instruments, attributes: _Attributes, clock: Clock) -> None:
        self._arguments = instruments, attributes, clock

    def attempt_started(self, previous_attempts: int, kind: AttemptKind) -> AttemptObserver:
        return _Attempt(*self._arguments)
