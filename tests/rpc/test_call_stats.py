"""Calls by method: what is recorded, and what percentiles can be had from it."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from barewire import rpc
from barewire.rpc.call_stats import BUCKETS, OTHER, CallStats, MethodStats, percentile
from barewire.rpc.services.bundled import bundled
from barewire.rpc.services.stats import StatsServicer
from barewire.rpc.testing import connected, run_virtual, virtual_time
from barewire.schema import wkt
from tests.support.rpc_service import Item, Stub, eventually, failure_of, servicer, serving

pb: Any = bundled("barewire/v1/stats.proto")
UNARY, DOWN = "/shapes.Shapes/Unary", "/shapes.Shapes/Down"
LATENCIES = st.floats(1e-6, 200, allow_nan=False)


def buckets_of(latencies: list[float]) -> dict[int, int]:
    method = MethodStats()
    for latency in latencies:
        method.call_ended(rpc.StatusCode.OK, latency)
    return method.latency


@given(st.lists(LATENCIES, min_size=1, max_size=200), st.sampled_from([0.01, 0.5, 0.95, 0.99, 1.0]))
def test_percentiles_are_off_by_less_than_a_fifth(latencies: list[float], fraction: float) -> None:
    exact = sorted(latencies)[math.ceil(fraction * len(latencies)) - 1]
    found = percentile(buckets_of(latencies), fraction)
    assert found is not None
    assert exact / 2**0.26 <= found <= exact * 2**0.26


@given(st.lists(LATENCIES), st.lists(LATENCIES))
def test_what_came_between_is_the_difference(before: list[float], since: list[float]) -> None:
    earlier, later = buckets_of(before), buckets_of(before + since)
    difference = {bucket: count - earlier.get(bucket, 0) for bucket, count in later.items()}
    for fraction in (0.5, 0.99):
        assert percentile(difference, fraction) == percentile(buckets_of(since), fraction)


@pytest.mark.parametrize(
    ("seconds", "bucket"), [(0, 0), (0.5e-6, 0), (1e-6, 1), (1e-3, 40), (225, 111), (226, 112), (1e9, 112)]
)
def test_buckets(seconds: float, bucket: int) -> None:
    assert buckets_of([seconds]) == {bucket: 1}
    assert bucket < BUCKETS


def test_no_calls_have_no_percentile() -> None:
    assert percentile({}, 0.5) is None
    assert percentile({3: 0}, 0.5) is None


def test_what_is_longer_than_the_last_bucket_has_its_beginning() -> None:
    assert percentile(buckets_of([1e6]), 0.5) == pytest.approx(2**27.75 * 1e-6)


def test_any_number_of_paths_fits() -> None:
    stats = CallStats()
    for number in range(3000):
        stats.call_started(f"/x.X/{number}", known=True)
        stats.call_started(f"/y.Y/{number}", known=False)
    assert len(stats.methods) <= 1001
    assert sum(method.started for method in stats.methods.values()) == 6000
    assert stats.methods[OTHER].started >= 3000


@virtual_time
async def test_what_a_server_records() -> None:
    async def unary(request: Any, context: Any) -> Any:
        if request.text == "wait":
            await asyncio.Event().wait()
        if request.text:
            raise rpc.RpcError(rpc.StatusCode[request.text], "as you wish")
        return request

    async def down(request: Any, context: Any) -> AsyncIterator[Any]:
        yield Item()
        yield Item()

    stats = CallStats()
    async with connected([servicer(Unary=unary, Down=down)], stats=stats) as pair:
        stub = pair.stub(Stub)
        await stub.Unary(Item())
        for code in ("NOT_FOUND", "NOT_FOUND", "ABORTED"):
            await failure_of(stub.Unary(Item(text=code)))
        await failure_of(stub.Unary(Item(text="wait"), timeout=0.2))
        cancelled = stub.Unary(Item(text="wait"))
        running = stub.Unary(Item(text="wait"))
        await eventually(lambda: stats.methods[UNARY].started == 7)
        cancelled.cancel()
        assert len([item async for item in stub.Down(Item())]) == 2
        await failure_of(stub.Up([]))  # of the service, but not defined
        await failure_of(pair.channel.unary_unary("/no.Such/Thing")(b""))
        await eventually(lambda: rpc.StatusCode.CANCELLED in stats.methods[UNARY].ended)

        method = stats.methods[UNARY]
        code = rpc.StatusCode
        assert method.ended.pop(code.DEADLINE_EXCEEDED, 0) + method.ended.pop(code.CANCELLED) == 2
        assert method.ended == {code.OK: 1, code.NOT_FOUND: 2, code.ABORTED: 1}
        assert sum(method.latency.values()) == 6
        assert stats.methods[DOWN].ended == {code.OK: 1}
        assert stats.methods[OTHER].ended == {code.UNIMPLEMENTED: 2}
        assert "/shapes.Shapes/Up" not in stats.methods
        running.cancel()


def test_a_call_is_as_long_as_its_handler() -> None:
    async def unary(request: Any, context: Any) -> Any:
        await asyncio.sleep(request.number)
        return request

    async def main() -> dict[int, int]:
        stats = CallStats()
        async with connected([servicer(Unary=unary)], stats=stats) as pair:
            for seconds in (1, 1, 50):
                await pair.stub(Stub).Unary(Item(number=seconds))
        return stats.methods[UNARY].latency

    latency = run_virtual(main())
    assert percentile(latency, 0.5) == pytest.approx(1, rel=0.2)
    assert percentile(latency, 1) == pytest.approx(50, rel=0.2)


async def test_watching() -> None:
    async def unary(request: Any, context: Any) -> Any:
        return request

    async with serving(servicer(Unary=unary), stats=True) as (stub, channel, _):
        interval = wkt.Duration.from_timedelta(timedelta(milliseconds=100))
        async with pb.StatsStub(channel).Watch(pb.WatchRequest(interval=interval)) as watch:
            first = await watch.receive()
            assert [(method.path, method.started) for method in first.method] == [
                ("/barewire.v1.Stats/Watch", 1)
            ]
            for _ in range(3):
                await stub.Unary(Item())
            second = await watch.receive()
            while not any(method.path == UNARY and method.started == 3 for method in second.method):
                second = await watch.receive()
            method = next(method for method in second.method if method.path == UNARY)
            assert method.ended == {0: 3}
            assert sum(method.latency.values()) == 3
            assert second.clock.to_timedelta() > first.clock.to_timedelta()


def test_intervals() -> None:
    """A second unless asked for something else; never so short that it is a load of its own."""

    async def gaps(request: Any) -> list[float]:
        watch: Any = StatsServicer(CallStats()).Watch(request, None)
        clocks = [(await anext(watch)).clock.to_timedelta().total_seconds() for _ in range(3)]
        await watch.aclose()
        return [round(b - a, 6) for a, b in pairwise(clocks)]

    assert run_virtual(gaps(pb.WatchRequest())) == [1, 1]
    assert run_virtual(gaps(pb.WatchRequest(interval=wkt.Duration(seconds=60)))) == [60, 60]
    assert run_virtual(gaps(pb.WatchRequest(interval=wkt.Duration(nanos=1)))) == [0.1, 0.1]
    assert run_virtual(gaps(pb.WatchRequest(interval=wkt.Duration(seconds=-9)))) == [0.1, 0.1]


async def test_statistics_are_off_by_default() -> None:
    async with serving() as (_, channel, server):
        assert server.stats is None
        watch = pb.StatsStub(channel).Watch(pb.WatchRequest())
        with pytest.raises(rpc.RpcError) as caught:
            await watch.receive()
        assert caught.value.code is rpc.StatusCode.UNIMPLEMENTED
