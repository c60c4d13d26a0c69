"""Token buckets: how much passes, for whom, in how much memory."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from barewire import rpc
from barewire.rpc import Interceptor, StatusCode
from barewire.rpc.interceptors import BearerAuthentication, RateLimit
from barewire.rpc.interceptors.rate_limit import TokenBucket, TokenBuckets
from tests.rpc.interceptors.calls import SHAPES, SHELLS, call, failure, serve
from tests.support.rpc_blocking import ServerThread
from tests.support.rpc_service import Item, Stub


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def limited(*before: Interceptor, **options: Any) -> tuple[ServerThread, Clock]:
    clock = Clock()
    return serve(interceptors=[*before, RateLimit(1.0, 2.0, clock=clock, **options)]), clock


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("shape", SHAPES)
def test_a_burst_then_the_rate(shell: str, shape: str) -> None:
    server, clock = limited()
    try:
        for _ in range(2):
            assert isinstance(call(shell, server, shape), list)
        error = failure(call(shell, server, shape))
        assert error.code is StatusCode.RESOURCE_EXHAUSTED
        retry = error_detail(error)
        assert (retry.retry_delay.seconds, retry.retry_delay.nanos) == (1, 0)
        clock.now += 0.75
        assert error_detail(failure(call(shell, server, shape))).retry_delay.nanos == 250_000_000
        clock.now += 0.25
        assert isinstance(call(shell, server, shape), list)
    finally:
        server.close()


def error_detail(error: rpc.RpcError) -> Any:
    from barewire.rpc.services.bundled import bundled

    details: Any = bundled("google/rpc/error_details.proto")
    assert error.details[0].type_url == "type.googleapis.com/google.rpc.RetryInfo"
    return details.RetryInfo.decode(error.details[0].value)


def test_grpcio_reads_the_details() -> None:
    import grpc
    from google.protobuf import any_pb2
    from google.rpc import error_details_pb2, status_pb2

    server, _ = limited()
    try:
        with grpc.insecure_channel(server.target) as channel:
            method: Any = channel.unary_unary("/shapes.Shapes/Unary")
            method(b"")
            method(b"")
            with pytest.raises(grpc.RpcError) as caught:
                method(b"")
        trailing: dict[str, Any] = dict(caught.value.trailing_metadata())  # type: ignore[attr-defined]
        status = status_pb2.Status.FromString(trailing["grpc-status-details-bin"])
        detail: any_pb2.Any = status.details[0]
        retry = error_details_pb2.RetryInfo()
        assert detail.Unpack(retry)
        assert retry.retry_delay.seconds == 1
    finally:
        server.close()


def test_each_method_its_own() -> None:
    server, _ = limited(per="method")
    try:
        for shape in SHAPES * 2:
            assert isinstance(call("sync", server, shape), list)
        failure(call("sync", server, "Down"))
    finally:
        server.close()


def test_each_peer_its_own_whatever_its_port() -> None:
    server, _ = limited(per="peer")
    try:
        outcomes = [call("sync", server, "Unary") for _ in range(3)]  # three connections
        assert failure(outcomes[2]).code is StatusCode.RESOURCE_EXHAUSTED
    finally:
        server.close()


def test_each_principal_its_own() -> None:
    server, _ = limited(BearerAuthentication(lambda token, call: token), per="principal")
    try:
        outcomes = [
            call("sync", server, "Unary", call_metadata=[("authorization", f"Bearer {name}")])
            for name in "abaab"
        ]
    finally:
        server.close()
    assert [isinstance(outcome, list) for outcome in outcomes] == [True, True, True, False, True]


def test_on_a_client_nothing_is_sent() -> None:
    server = serve()
    try:
        clock = Clock()
        limit = RateLimit(1.0, per=None, clock=clock)
        with rpc.sync.Channel(server.target, interceptors=[limit]) as channel:
            stub = Stub(channel)
            stub.Unary(Item())
            with pytest.raises(rpc.RpcError, match="too many calls") as caught:
                stub.Unary(Item())
            assert not caught.value.from_peer
    finally:
        server.close()


async def test_the_clock_is_the_loops() -> None:
    limit = RateLimit(1.0, per=None)
    assert 0 < limit._clock() < 1e12
    for wrong in ({"rate": 0}, {"rate": 1, "burst": 0.5}, {"rate": 1, "max_keys": 0}):
        with pytest.raises(ValueError, match=f"{list(wrong)[-1]} has to be"):
            RateLimit(**wrong)  # type: ignore[arg-type]


@given(st.floats(0.01, 1000), st.floats(1, 100), st.lists(st.floats(0, 10), min_size=1, max_size=100))
def test_never_more_than_the_burst_and_the_rate(rate: float, burst: float, gaps: list[float]) -> None:
    now, passed = 0.0, 0
    bucket = TokenBucket(rate, burst, now)
    for gap in gaps:
        now += gap
        wait = bucket.take(now)
        if wait:
            assert TokenBucket.take(bucket, now + wait + 1e-6) == 0.0
            now += wait + 1e-6
        passed += 1
    assert passed <= burst + now * rate + 1e-3


@given(st.lists(st.tuples(st.integers(0, 50), st.floats(0, 0.5)), max_size=300))
def test_memory_is_bounded_and_making_up_keys_gains_nothing(calls: list[tuple[int, float]]) -> None:
    buckets, now = TokenBuckets(1.0, 2.0, 5), 0.0
    passed: dict[int, int] = {}
    for key, gap in calls:
        now += gap
        if not buckets.take(key, now):
            passed[key] = passed.get(key, 0) + 1
        assert len(buckets) <= 5
    for count in passed.values():
        # At most its own bucket's, or that of a place which it lost only when it was full.
        assert count <= 2 * (2 + now) + 1


def test_details_are_those_of_googleapis() -> None:
    from google.rpc import error_details_pb2

    from barewire.rpc.services.bundled import bundled

    ours: Any = bundled("google/rpc/error_details.proto")
    file = error_details_pb2.DESCRIPTOR
    for name, message in file.message_types_by_name.items():
        fields = {field.name: field.number for field in message.fields}
        descriptor = getattr(ours, name).__descriptor__
        assert {field.name: field.number for field in descriptor.fields} == fields
