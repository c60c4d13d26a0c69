"""OpenTelemetry traces as gRPC defines them (A72, R102): spans for calls and their attempts, events for messages."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..arguments import check_arguments, having, optional
from ..errors import RpcConfigurationError
from ..interceptor import InterceptedCall, Interceptor, Proceed
from ..metadata import Metadata, MetadataPairs
from ..observer import AttemptKind, AttemptObserver, CallObserver, Observer
from ..status import Status, StatusCode
from ..version import __version__
from .call_record import CallRecord

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.propagators.textmap import TextMapPropagator
    from opentelemetry.trace import Span, Tracer, TracerProvider

_ARGUMENTS = {
    "tracer_provider": having(
        "a TracerProvider of OpenTelemetry (pip install 'barewire[otel]')", "get_tracer"
    ),
    "propagator": optional(having("a TextMapPropagator of OpenTelemetry", "inject")),
}


class OtelTracing(Interceptor):
    """Makes spans; one object may serve channels and servers. Needs `pip install barewire[otel]`.

    A client's call is the span `Sent.package.Service.Method`, each of its attempts a child `Attempt.…`. A server's call
    is `Recv.…`, a child of the attempt that it answers and the current span while its handler runs. The context
    travels in the metadata of each attempt.

    - `tracer_provider`: where spans go. The global one of OpenTelemetry is not used.
    - `propagator`: how the context is written; by default W3C Trace Context (`traceparent`, `tracestate`).
    """

    def __init__(
        self, tracer_provider: TracerProvider, *, propagator: TextMapPropagator | None = None
    ) -> None:
        check_arguments(_ARGUMENTS, locals())
        try:
            from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
        except ImportError as error:
            raise RpcConfigurationError(
                "OtelTracing needs opentelemetry-api: pip install 'barewire[otel]'"
            ) from error
        self._tracer = tracer_provider.get_tracer("barewire", __version__)
        self._propagator = propagator or TraceContextTextMapPropagator()

    async def intercept(self, call: InterceptedCall, proceed: Proceed) -> None:
        name = call.method.removeprefix("/").replace("/", ".")
        if call.side == "server":
            await self._receive(call, name, proceed)
        else:
            await self._send(call, name, proceed)

    async def _send(self, call: InterceptedCall, name: str, proceed: Proceed) -> None:
        from opentelemetry import trace

        # Not made current: on a blocking channel this coroutine runs, now and then, in the caller's own context.
        span = self._tracer.start_span(f"Sent.{name}", kind=trace.SpanKind.CLIENT)
        call.observe(_ClientCall(span, self._tracer, self._propagator, trace.set_span_in_context(span), name))
        record = CallRecord(call, time.monotonic)
        try:
            await record.run(proceed)
        finally:
            _end(span, record.status)

    async def _receive(self, call: InterceptedCall, name: str, proceed: Proceed) -> None:
        from opentelemetry import trace

        parent = self._propagator.extract(_text_of(call.metadata))
        span = self._tracer.start_span(f"Recv.{name}", context=parent, kind=trace.SpanKind.SERVER)
        call.observe(_ServerCall(span))
        with trace.use_span(span, record_exception=False, set_status_on_exception=False):
            await proceed()


class _Messages(Observer):
    """Events for the messages of an attempt, or of a server's call; ends its span."""

    def __init__(self, span: Span) -> None:
        self._span = span
        self._sent = self._received = 0

    def sent(self, payload: bytes, wire_size: int) -> None:
        self._add("Outbound message", self._sent, payload, wire_size)
        self._sent += 1

    def received(self, payload: bytes, wire_size: int) -> None:
        self._add("Inbound message", self._received, payload, wire_size)
        self._received += 1

    def _add(self, name: str, number: int, payload: bytes, wire_size: int) -> None:
        if not self._span.is_recording():
            return
        attributes = {"sequence-number": number, "message-size": len(payload)}
        if wire_size != len(payload):
            attributes["message-size-compressed"] = wire_size
        self._span.add_event(name, attributes)

    def ended(self, status: Status) -> None:
        _end(self._span, status)


class _ServerCall(_Messages, CallObserver):
    pass


class _Attempt(_Messages, AttemptObserver):
    def __init__(self, span: Span, propagator: TextMapPropagator, context: Context) -> None:
        super().__init__(span)
        self._propagator = propagator
        self._context = context

    def request_metadata(self) -> MetadataPairs:
        carrier: dict[str, str] = {}
        # The setter of dictionaries is typed for all mutable mappings.
        self._propagator.inject(carrier, self._context)  # pyright: ignore[reportArgumentType]
        return carrier

    def delayed(self) -> None:
        self._span.add_event("Delayed LB pick complete")


class _ClientCall(CallObserver):
    def __init__(
        self, span: Span, tracer: Tracer, propagator: TextMapPropagator, context: Context, name: str
    ) -> None:
        self._span = span
        self._tracer = tracer
        self._propagator = propagator
        self._context = context
        self._name = name

    def name_resolved(self) -> None:
        self._span.add_event("Delayed name resolution complete")

    def attempt_started(self, previous_attempts: int, kind: AttemptKind) -> AttemptObserver:
        from opentelemetry import trace

        span = self._tracer.start_span(
            f"Attempt.{self._name}",
            context=self._context,
            attributes={
                "previous-rpc-attempts": previous_attempts,
                "transparent-retry": kind == "transparent_retry",
            },
        )
        return _Attempt(span, self._propagator, trace.set_span_in_context(span, self._context))


def _end(span: Span, status: Status) -> None:
    from opentelemetry import trace

    if status.code is StatusCode.OK:
        span.set_status(trace.StatusCode.OK)
    else:
        described = f"{status.code.name}, {status.message}" if status.message else status.code.name
        span.set_status(trace.StatusCode.ERROR, described)
    span.end()


def _text_of(metadata: Metadata) -> Mapping[str, list[str]]:
    """Metadata as propagators read it: text, by key."""
    found: dict[str, list[str]] = {}
    for key, value in metadata:
        if isinstance(value, str):
            found.setdefault(key, []).append(value)
    return found
