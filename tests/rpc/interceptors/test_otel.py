"""OpenTelemetry (R102): A66's metrics and A72's spans, read with the SDK's own exporters."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from barewire import rpc
from barewire.rpc import RpcConfigurationError, RpcError, StatusCode
from barewire.rpc.interceptors import RETRY_METRICS, OtelMetrics, OtelTracing
from barewire.rpc.interceptors.otel_retries import CallRetries, RetryInstruments
from tests.rpc.interceptors.calls import MESSAGES, SHAPES, SHELLS, call, failure, serve, unknown_method
from tests.support.rpc_attempts import Served, World
from tests.support.rpc_blocking import eventually
from tests.support.rpc_counting import COUNTING
from tests.support.rpc_service import Item, Stub, servicer, serving
from tests.support.rpc_service import eventually as eventually_async

pytestmark = pytest.mark.rule(102)

SECONDS = [
    0,
    1e-05,
    5e-05,
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
]
SECONDS += [
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
]
SECONDS += [0.65, 0.8, 1, 2, 5, 10, 20, 50, 100]
BYTES = [
    0,
    1024,
    2048,
    4096,
    16384,
    65536,
    262144,
    1048576,
    4194304,
    16777216,
    67108864,
    268435456,
    1073741824,
]
BYTES += [4294967296]
RETRIES = {
    "methodConfig": [
        {
            "name": [{}],
            "retryPolicy": {
                "maxAttempts": 4,
                "initialBackoff": "0.01s",
                "maxBackoff": "0.01s",
                "backoffMultiplier": 1,
                "retryableStatusCodes": ["UNAVAILABLE"],
            },
        }
    ]
}


def flaky(failures: int) -> Any:
    """A servicer whose first calls are UNAVAILABLE."""
    tries = itertools.count()

    async def unary(request: Any, context: Any) -> Any:
        if next(tries) < failures:
            raise RpcError(StatusCode.UNAVAILABLE, "not yet")
        return Item(number=1)

    return servicer(Unary=unary)


class Metrics:
    """What has been measured: name → {sorted attributes: data point}."""

    def __init__(self, **options: Any) -> None:
        self.reader = InMemoryMetricReader()
        clock = iter(itertools.count(0.0, 0.25))
        provider = MeterProvider([self.reader])
        self.interceptor = OtelMetrics(provider, clock=clock.__next__, **options)
        self.units: dict[str, str] = {}

    def read(self) -> dict[str, list[Any]]:
        data: Any = self.reader.get_metrics_data()
        found: dict[str, list[Any]] = {}
        for resource in data.resource_metrics if data else ():
            for scope in resource.scope_metrics:
                assert scope.scope.name == "barewire"
                for metric in scope.metrics:
                    self.units[metric.name] = metric.unit
                    found[metric.name] = list(metric.data.data_points)
        return found

    def attributes(self, name: str) -> list[dict[str, str]]:
        return [dict(point.attributes) for point in self.read()[name]]


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("shape", SHAPES)
def test_metrics_of_both_sides(shell: str, shape: str) -> None:
    client, ours = Metrics(), Metrics()
    server = serve(interceptors=[ours.interceptor])
    item = Item(number=1, text="x" * 5000)
    try:
        outcome = call(shell, server, shape, item, interceptors=[client.interceptor], compression="gzip")
        assert isinstance(outcome, list)
        eventually(lambda: "grpc.server.call.duration" in ours.read())
    finally:
        server.close()
    there, here = ours.read(), client.read()
    method, target = f"shapes.Shapes/{shape}", f"dns:///{server.target}"
    assert set(here) == {
        "grpc.client.attempt.started",
        "grpc.client.attempt.duration",
        "grpc.client.attempt.sent_total_compressed_message_size",
        "grpc.client.attempt.rcvd_total_compressed_message_size",
        "grpc.client.call.duration",
    }
    assert set(there) == {
        "grpc.server.call.started",
        "grpc.server.call.duration",
        "grpc.server.call.sent_total_compressed_message_size",
        "grpc.server.call.rcvd_total_compressed_message_size",
    }
    for name, points in here.items():
        expected = {"grpc.method": method, "grpc.target": target}
        assert dict(points[0].attributes) == expected | (
            {} if name.endswith("started") else {"grpc.status": "OK"}
        )
    for name, points in there.items():
        expected = {"grpc.method": method}
        assert dict(points[0].attributes) == expected | (
            {} if name.endswith("started") else {"grpc.status": "OK"}
        )
    sent = here["grpc.client.attempt.sent_total_compressed_message_size"][0].sum
    assert 0 < sent < 200  # 5000 of the same, compressed
    assert there["grpc.server.call.rcvd_total_compressed_message_size"][0].sum == sent
    received = here["grpc.client.attempt.rcvd_total_compressed_message_size"][0].sum
    assert received == len(Item(number=2).encode()) * MESSAGES[shape][1]
    assert there["grpc.server.call.sent_total_compressed_message_size"][0].sum == received


def test_units_and_buckets() -> None:
    metrics = Metrics()
    server = serve(interceptors=[metrics.interceptor])
    try:
        call("sync", server, "Unary", interceptors=[metrics.interceptor])
        eventually(lambda: "grpc.server.call.duration" in metrics.read())
    finally:
        server.close()
    points = metrics.read()
    for name, unit in metrics.units.items():
        if name.endswith("started"):
            assert unit == ("{attempt}" if "attempt" in name else "{call}")
        else:
            assert unit == ("s" if name.endswith("duration") else "By")
            assert list(points[name][0].explicit_bounds) == (SECONDS if unit == "s" else BYTES)


def test_statuses_and_attempts() -> None:
    metrics = Metrics()
    server = serve(flaky(2))
    try:
        outcome = call("sync", server, "Unary", interceptors=[metrics.interceptor], service_config=RETRIES)
        assert isinstance(outcome, list)
    finally:
        server.close()
    points = metrics.read()
    assert points["grpc.client.attempt.started"][0].value == 3
    by_status = {
        point.attributes["grpc.status"]: point.count for point in points["grpc.client.attempt.duration"]
    }
    assert by_status == {"UNAVAILABLE": 2, "OK": 1}
    assert metrics.attributes("grpc.client.call.duration")[0]["grpc.status"] == "OK"
    assert points["grpc.client.call.duration"][0].count == 1


class Retried:
    """A call against scripted servers in virtual time, and what A96 says of it: name → (count, sum) and the buckets."""

    def __init__(self, config: dict[str, Any], also: Any = RETRY_METRICS) -> None:
        self.world = World(config, connections=2)
        self._reader = InMemoryMetricReader()
        meter = MeterProvider([self._reader]).get_meter("test")
        self._retries = CallRetries(RetryInstruments(meter, also, SECONDS), self.world.now)
        self.world.observers = (self._retries,)

    def read(self) -> dict[str, tuple[int, float]]:
        self._retries.record({"grpc.method": "a.B/C", "grpc.target": "dns:///a"})
        data: Any = self._reader.get_metrics_data()
        if data is None:
            return {}
        self.metrics = {each.name: each for each in data.resource_metrics[0].scope_metrics[0].metrics}
        (points,) = zip(*(each.data.data_points for each in self.metrics.values()), strict=True)
        return {name: (point.count, point.sum) for name, point in zip(self.metrics, points, strict=True)}


def test_a96_retries_and_the_time_between_attempts() -> None:
    retried = Retried(RETRIES)
    world = retried.world

    def answer(attempt: Served) -> None:
        match len(world.served):
            case 1:
                attempt.refuse()  # repeated transparently
            case 2 | 3:
                attempt.fail(StatusCode.UNAVAILABLE)
            case _:
                pass

    world.answer = answer
    call = world.call(b"x")
    world.advance(10)
    world.served[3].answer(b"yes")  # it took its time; that is no delay
    world.settle()
    assert call.code is StatusCode.OK
    assert retried.read() == {
        "grpc.client.call.retries": (1, 2),
        "grpc.client.call.transparent_retries": (1, 1),
        "grpc.client.call.retry_delay": (1, pytest.approx(world.times[3], abs=1e-5)),
    }
    units = {name: metric.unit for name, metric in retried.metrics.items()}
    assert list(units.values()) == ["{retry}", "{transparent_retry}", "s"]
    bounds = [list(each.data.data_points[0].explicit_bounds) for each in retried.metrics.values()]
    assert bounds == [[1, 2, 3, 4, 5], [1, 2, 3, 4, 5, 10], SECONDS]


def test_a96_hedges() -> None:
    policy = {"maxAttempts": 3, "hedgingDelay": "1s", "nonFatalStatusCodes": ["UNAVAILABLE"]}
    retried = Retried({"methodConfig": [{"name": [{}], "hedgingPolicy": policy}]})
    retried.world.call(b"x")
    retried.world.advance(5)
    retried.world.served[2].answer(b"yes")
    retried.world.settle()
    assert retried.read() == {"grpc.client.call.hedges": (1, 2), "grpc.client.call.retry_delay": (1, 0)}
    assert retried.metrics["grpc.client.call.hedges"].unit == "{hedge}"


def test_a96_a_call_without_retries_reports_none() -> None:
    retried = Retried(RETRIES)
    retried.world.answer = lambda attempt: attempt.answer(b"yes")
    assert retried.world.call(b"x").code is StatusCode.OK
    assert retried.read() == {}


@pytest.mark.parametrize("wanted", [[], ["grpc.client.call.retries"], RETRY_METRICS], ids=len)
def test_a96_is_off_unless_asked_for_by_name(wanted: list[str]) -> None:
    metrics = Metrics(also=wanted)
    server = serve(flaky(2))
    try:
        call("sync", server, "Unary", interceptors=[metrics.interceptor], service_config=RETRIES)
    finally:
        server.close()
    here = metrics.read()
    assert {name for name in here if name in RETRY_METRICS} == (
        set(wanted) - {"grpc.client.call.transparent_retries", "grpc.client.call.hedges"}
    )
    for name in set(wanted) & set(here):
        assert metrics.attributes(name) == [
            {"grpc.method": "shapes.Shapes/Unary", "grpc.target": f"dns:///{server.target}"}
        ]


def test_made_up_methods_are_other() -> None:
    metrics = Metrics()
    server = serve(interceptors=[metrics.interceptor])
    try:
        unknown_method(server)
        unknown_method(server, "/made/up")
        eventually(lambda: metrics.read()["grpc.server.call.duration"][0].count == 2)
    finally:
        server.close()
    expected = {"grpc.method": "other", "grpc.status": "UNIMPLEMENTED"}
    assert metrics.attributes("grpc.server.call.duration") == [expected]
    kept = Metrics(keep_method=lambda method: method.startswith("/made/"))
    server = serve(interceptors=[kept.interceptor])
    try:
        unknown_method(server, "/made/up")
        eventually(lambda: "grpc.server.call.duration" in kept.read())
    finally:
        server.close()
    assert kept.attributes("grpc.server.call.started") == [{"grpc.method": "made/up"}]


def test_what_is_no_provider() -> None:
    with pytest.raises(RpcConfigurationError, match="MeterProvider"):
        OtelMetrics(None)  # type: ignore[arg-type]


# -- traces -------------------------------------------------------------------------------------------------------


class Traces:
    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()
        self.provider = TracerProvider()
        self.provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.interceptor = OtelTracing(self.provider)

    def named(self, prefix: str) -> list[Any]:
        return [span for span in self.exporter.get_finished_spans() if span.name.startswith(prefix)]


def events(span: Any) -> list[tuple[str, dict[str, Any]]]:
    return [(event.name, dict(event.attributes)) for event in span.events]


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("shape", SHAPES)
def test_one_trace_from_caller_to_handler(shell: str, shape: str) -> None:
    traces = Traces()
    server = serve(interceptors=[traces.interceptor])
    tracer = traces.provider.get_tracer("test")
    try:
        with tracer.start_as_current_span("caller"):
            assert isinstance(call(shell, server, shape, interceptors=[traces.interceptor]), list)
            assert trace.get_current_span().name == "caller"  # type: ignore[attr-defined]
        eventually(lambda: traces.named("Recv."))
    finally:
        server.close()
    caller, sent, attempt, received = (
        traces.named(name)[0] for name in ("caller", "Sent.", "Attempt.", "Recv.")
    )
    for span in (sent, attempt, received):
        assert span.name.partition(".")[2] == f"shapes.Shapes.{shape}"
        assert span.status.status_code is trace.StatusCode.OK
        assert span.context.trace_id == caller.context.trace_id
    assert sent.parent.span_id == caller.context.span_id
    assert attempt.parent.span_id == sent.context.span_id
    assert received.parent.span_id == attempt.context.span_id
    assert received.parent.is_remote
    assert (sent.kind, received.kind) == (trace.SpanKind.CLIENT, trace.SpanKind.SERVER)
    assert dict(attempt.attributes) == {"previous-rpc-attempts": 0, "transparent-retry": False}
    requests, responses = MESSAGES[shape]
    size = len(Item(number=1).encode())
    outbound = [("Outbound message", {"sequence-number": n, "message-size": size}) for n in range(requests)]
    inbound = [("Inbound message", {"sequence-number": n, "message-size": size}) for n in range(responses)]
    assert events(sent) == [("Delayed name resolution complete", {})]
    assert events(attempt) == [("Delayed LB pick complete", {}), *outbound, *inbound]
    inbound, outbound = inbound[:requests], [*outbound, *outbound]
    assert [name for name, _ in events(received)].count("Inbound message") == requests
    assert [name for name, _ in events(received)].count("Outbound message") == responses


def test_compressed_messages_tell_both_sizes() -> None:
    traces = Traces()
    server = serve(interceptors=[traces.interceptor], compression="gzip")
    item = Item(text="x" * 5000)
    try:
        call("sync", server, "Unary", item, interceptors=[traces.interceptor], compression="gzip")
        eventually(lambda: traces.named("Recv."))
    finally:
        server.close()
    outbound = dict(events(traces.named("Attempt.")[0]))["Outbound message"]
    inbound = dict(events(traces.named("Recv.")[0]))["Inbound message"]
    assert outbound == inbound
    assert outbound["message-size"] == len(item.encode())
    assert outbound["message-size-compressed"] < 200
    answer = dict(events(traces.named("Attempt.")[0]))["Inbound message"]
    assert answer == dict(events(traces.named("Recv.")[0]))["Outbound message"]
    assert "message-size-compressed" in answer


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("shape", SHAPES)
def test_failures(shell: str, shape: str) -> None:
    traces = Traces()
    server = serve(interceptors=[traces.interceptor])
    try:
        failure(call(shell, server, shape, Item(text="fail"), interceptors=[traces.interceptor]))
        eventually(lambda: traces.named("Recv."))
    finally:
        server.close()
    for name in ("Sent.", "Attempt.", "Recv."):
        status = traces.named(name)[0].status
        assert status.status_code is trace.StatusCode.ERROR
        assert status.description == "NOT_FOUND, from the handler"


def test_each_attempt_has_a_span() -> None:
    traces = Traces()
    server = serve(flaky(2), interceptors=[traces.interceptor])
    try:
        call("sync", server, "Unary", interceptors=[traces.interceptor], service_config=RETRIES)
        eventually(lambda: len(traces.named("Recv.")) == 3)
    finally:
        server.close()
    attempts = traces.named("Attempt.")
    assert [span.attributes["previous-rpc-attempts"] for span in attempts] == [0, 1, 2]
    assert [span.status.is_ok for span in attempts] == [False, False, True]
    assert traces.named("Sent.")[0].status.status_code is trace.StatusCode.OK
    parents = {span.parent.span_id for span in traces.named("Recv.")}
    assert parents == {span.context.span_id for span in attempts}


@pytest.mark.parametrize("plain", [False, True], ids=["coroutine", "function"])
def test_the_span_is_current_in_the_handler(plain: bool) -> None:
    traces, seen = Traces(), list[Any]()

    async def unary(request: Any, context: Any) -> Any:
        seen.append(trace.get_current_span())
        return Item()

    def unary_plain(request: Any, context: Any) -> Any:
        seen.append(trace.get_current_span())
        return Item()

    server = serve(servicer(Unary=unary_plain if plain else unary), interceptors=[traces.interceptor])
    try:
        call("sync", server, "Unary")
    finally:
        server.close()
    assert seen[0].name == "Recv.shapes.Shapes.Unary"


async def test_only_calls_that_wait_for_the_resolver_say_so() -> None:
    traces, known = Traces(), asyncio.Event()

    async def lookup(target: Any) -> list[str]:
        await known.wait()
        return [server.address]

    async with serving(COUNTING) as (_, _, server):
        options: dict[str, Any] = {"resolvers": {"slow": rpc.polling_resolver(lookup)}}
        async with rpc.Channel("slow:///x", interceptors=[traces.interceptor], **options) as channel:
            call = Stub(channel).Unary(Item(number=1))
            await eventually_async(lambda: channel._pending)
            known.set()
            await call
            await Stub(channel).Unary(Item(number=1))
    first, second = traces.named("Sent.")
    assert (events(first), events(second)) == ([("Delayed name resolution complete", {})], [])
    first, second = traces.named("Attempt.")
    assert [events(each)[0][0] for each in (first, second)] == [
        "Delayed LB pick complete",
        "Outbound message",
    ]


def test_calls_that_never_connect_have_attempts_too() -> None:
    traces = Traces()
    server = serve()
    server.close()
    failure(call("sync", server, "Unary", interceptors=[traces.interceptor]))
    assert traces.named("Attempt.")[0].status.description.startswith("UNAVAILABLE, ")
