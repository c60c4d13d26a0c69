"""Metrics for Prometheus, under the names that gRPC's middlewares of other languages use."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..arguments import FUNCTION, NUMBERS, check_arguments, having
from ..errors import RpcConfigurationError
from ..interceptor import InterceptedCall, Interceptor, Proceed
from .call_record import CallRecord, Clock

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

_LABELS = ("grpc_type", "grpc_service", "grpc_method")
_TYPES = {
    (False, False): "unary",
    (False, True): "server_stream",
    (True, False): "client_stream",
    (True, True): "bidi_stream",
}
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)

_ARGUMENTS = {
    "registry": having("a CollectorRegistry of prometheus-client", "register"),
    "buckets": NUMBERS,
    "clock": FUNCTION,
}


class PrometheusMetrics(Interceptor):
    """Counts and times calls; one object may serve channels and servers. Needs `pip install barewire[metrics]`.

    With SIDE `server` or `client` and the labels grpc_type, grpc_service, grpc_method: grpc_SIDE_started_total,
    grpc_SIDE_handled_total (label grpc_code too), grpc_SIDE_msg_received_total, grpc_SIDE_msg_sent_total,
    grpc_SIDE_handling_seconds (a histogram) and grpc_SIDE_in_flight (a gauge). Methods that are not known in advance
    count as service and method "other".

    - `registry`: where the metrics are registered. Raises ValueError if they are there already.
    - `buckets`: upper bounds of the histogram, in seconds.
    """

    def __init__(
        self,
        registry: CollectorRegistry,
        *,
        buckets: Sequence[float] = _SECONDS,
        clock: Clock = time.perf_counter,
    ) -> None:
        check_arguments(_ARGUMENTS, locals())
        self._clock = clock
        self._sides = {side: _Side(side, registry, buckets) for side in ("client", "server")}

    async def intercept(self, call: InterceptedCall, proceed: Proceed) -> None:
        side = self._sides[call.side]
        labels = _labels(call)
        side.started.labels(*labels).inc()
        in_flight = side.in_flight.labels(*labels)
        in_flight.inc()
        record = CallRecord(call, self._clock)
        try:
            await record.run(proceed)
        finally:
            in_flight.dec()
            side.finished(labels, record)


class _Side:
    """The metrics of clients, or those of servers."""

    def __init__(self, side: str, registry: CollectorRegistry, buckets: Sequence[float]) -> None:
        try:
            from prometheus_client import Counter, Gauge, Histogram
        except ImportError as error:
            raise RpcConfigurationError(
                "PrometheusMetrics needs prometheus-client: pip install 'barewire[metrics]'"
            ) from error
        done = "completed by the client" if side == "client" else "answered by the server"

        def counter(name: str, text: str, labels: tuple[str, ...] = _LABELS) -> Counter:
            return Counter(f"grpc_{side}_{name}", text, labels, registry=registry)

        self.started = counter("started_total", f"RPCs started on the {side}.")
        self.handled = counter("handled_total", f"RPCs {done}, however they ended.", (*_LABELS, "grpc_code"))
        self.received = counter("msg_received_total", f"Messages received by the {side}.")
        self.sent = counter("msg_sent_total", f"Messages sent by the {side}.")
        self.in_flight = Gauge(f"grpc_{side}_in_flight", "RPCs in flight.", _LABELS, registry=registry)
        self.seconds = Histogram(
            f"grpc_{side}_handling_seconds",
            f"How long RPCs {done} took.",
            _LABELS,
            registry=registry,
            buckets=buckets,
        )

    def finished(self, labels: tuple[str, ...], record: CallRecord) -> None:
        self.handled.labels(*labels, _code_name(record.status.code.name)).inc()
        self.received.labels(*labels).inc(record.messages_received)
        self.sent.labels(*labels).inc(record.messages_sent)
        self.seconds.labels(*labels).observe(record.duration)


def _labels(call: InterceptedCall) -> tuple[str, ...]:
    kind = _TYPES[call.client_streaming, call.server_streaming]
    return (kind, call.service, call.name) if call.registered else (kind, "other", "other")


def _code_name(name: str) -> str:
    """The name as grpc-go spells it, which dashboards expect: NOT_FOUND is NotFound, CANCELLED is Canceled."""
    if name == "CANCELLED":
        return "Canceled"
    return name if name == "OK" else name.title().replace("_", "")
