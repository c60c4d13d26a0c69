"""Prometheus metrics: names, labels and numbers, on both sides."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from barewire.rpc import StatusCode
from barewire.rpc.interceptors import PrometheusMetrics
from tests.rpc.interceptors.calls import MESSAGES, SHAPES, SHELLS, call, failure, serve, unknown_method
from tests.support.rpc_blocking import eventually
from tests.support.rpc_service import Item, servicer

TYPES = {"Unary": "unary", "Down": "server_stream", "Up": "client_stream", "Both": "bidi_stream"}


class Metrics:
    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        clock = iter(itertools.count(0.0, 0.2))
        self.interceptor = PrometheusMetrics(self.registry, clock=clock.__next__)

    def value(self, name: str, shape: str, **labels: str) -> float | None:
        common = {"grpc_type": TYPES[shape], "grpc_service": "shapes.Shapes", "grpc_method": shape}
        return self.registry.get_sample_value(name, {**common, **labels})


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("shape", SHAPES)
def test_both_sides_of_calls(shell: str, shape: str) -> None:
    metrics = Metrics()  # one object, one registry: the sides do not get in each other's way
    server = serve(interceptors=[metrics.interceptor])
    options: Any = {"interceptors": [metrics.interceptor]}
    try:
        assert isinstance(call(shell, server, shape, **options), list)
        failure(call(shell, server, shape, Item(text="fail"), **options))
        eventually(lambda: metrics.value("grpc_server_handled_total", shape, grpc_code="NotFound"))
    finally:
        server.close()
    requests, responses = MESSAGES[shape]
    sent = {"client": requests * 2, "server": responses}
    received = {"client": responses, "server": requests * 2}
    for side in ("client", "server"):
        assert metrics.value(f"grpc_{side}_started_total", shape) == 2
        assert metrics.value(f"grpc_{side}_handled_total", shape, grpc_code="OK") == 1
        assert metrics.value(f"grpc_{side}_handled_total", shape, grpc_code="NotFound") == 1
        assert metrics.value(f"grpc_{side}_msg_sent_total", shape) == sent[side]
        assert metrics.value(f"grpc_{side}_msg_received_total", shape) == received[side]
        assert metrics.value(f"grpc_{side}_in_flight", shape) == 0
        assert metrics.value(f"grpc_{side}_handling_seconds_count", shape) == 2
        assert metrics.value(f"grpc_{side}_handling_seconds_bucket", shape, le="0.1") == 0


def test_calls_in_flight() -> None:
    metrics, seen = Metrics(), list[float | None]()

    async def looks(request: Any, context: Any) -> Any:
        seen.append(metrics.value("grpc_server_in_flight", "Unary"))
        return Item()

    server = serve(servicer(Unary=looks), interceptors=[metrics.interceptor])
    try:
        call("sync", server, "Unary")
    finally:
        server.close()
    assert seen == [1]


def test_made_up_methods_are_one() -> None:
    metrics = Metrics()
    server = serve(interceptors=[metrics.interceptor])
    try:
        for number in range(3):
            assert unknown_method(server, f"/made.Up/Name{number}").code is StatusCode.UNIMPLEMENTED
        eventually(lambda: b'"Unimplemented"' in generate_latest(metrics.registry))
    finally:
        server.close()
    text = generate_latest(metrics.registry).decode()
    assert "made.Up" not in text
    assert (
        'grpc_code="Unimplemented",grpc_method="other",grpc_service="other",grpc_type="bidi_stream"} 3.0'
        in text
    )


def test_codes_are_spelt_as_elsewhere() -> None:
    from barewire.rpc.interceptors.prometheus import _code_name

    names = [_code_name(code.name) for code in StatusCode]
    assert names[:5] == ["OK", "Canceled", "Unknown", "InvalidArgument", "DeadlineExceeded"]
    assert names[-1] == "Unauthenticated"
