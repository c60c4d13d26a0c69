"""Retries and hedging through both shells, over sockets: servers that push back, interceptors, errors, connections."""

from __future__ import annotations

import pickle
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from barewire import rpc
from barewire.rpc import HedgingPolicy, MethodConfig, RetryPolicy, RpcError, ServiceConfig, StatusCode
from tests.support.rpc_blocking import eventually as blocking_eventually
from tests.support.rpc_blocking import failure_of as blocking_failure_of
from tests.support.rpc_blocking import serving as blocking
from tests.support.rpc_service import PATIENCE, Item, Stub, eventually, failure_of, servicer, serving

UNAVAILABLE = StatusCode.UNAVAILABLE
RETRY = ServiceConfig(
    {
        "": MethodConfig(
            retry=RetryPolicy(
                max_attempts=3, initial_backoff=0.01, max_backoff=0.01, retryable_status_codes={UNAVAILABLE}
            )
        )
    }
)
HEDGE = ServiceConfig(
    {
        "": MethodConfig(
            hedging=HedgingPolicy(max_attempts=3, hedging_delay=60, non_fatal_status_codes={UNAVAILABLE})
        )
    }
)


class Flaky:
    """Fails so many attempts of each call; `seen` is what they said of the ones before them."""

    def __init__(self, failures: int, pushback: str | None = None) -> None:
        self.failures = failures
        self.pushback = pushback
        self.seen: list[Any] = []

    async def unary(self, request: Any, context: Any) -> Any:
        self._step(context)
        return Item(number=request.number + 1)

    async def up(self, requests: Any, context: Any) -> Any:
        total = 0
        async for request in requests:
            total += request.number
            if request.number == 2:
                self._step(context)
        return Item(number=total)

    def _step(self, context: Any) -> None:
        self.seen.append(context.invocation_metadata().get("grpc-previous-rpc-attempts"))
        if len(self.seen) <= self.failures:
            metadata = [("grpc-retry-pushback-ms", self.pushback)] if self.pushback else []
            raise RpcError(UNAVAILABLE, f"attempt {len(self.seen)}", metadata=metadata)

    @property
    def servicer(self) -> Any:
        return servicer(Unary=self.unary, Up=self.up)


class Counting(rpc.Interceptor):
    def __init__(self) -> None:
        self.calls = 0

    async def intercept(self, call: rpc.InterceptedCall, proceed: rpc.Proceed) -> None:
        self.calls += 1
        await proceed()


@pytest.mark.rule(95)
@pytest.mark.parametrize("config", [RETRY, HEDGE])
async def test_asyncio(config: ServiceConfig) -> None:
    flaky, counting = Flaky(2), Counting()
    options = {"service_config": config, "interceptors": [counting]}
    async with serving(flaky.servicer, channel=options) as (stub, channel, _):
        call = stub.Unary(Item(number=1))
        assert (await call).number == 2
        assert call.attempts() == 3
        assert counting.calls == 1  # interceptors see the call, not its attempts
        assert flaky.seen == [None, "1", "2"]
        assert channel.retries.buffered == 0


@pytest.mark.rule(95)
@pytest.mark.parametrize("config", [RETRY, HEDGE])
def test_blocking(config: ServiceConfig) -> None:
    flaky, counting = Flaky(2), Counting()
    options = {"service_config": config, "interceptors": [counting]}
    with blocking(flaky.servicer, channel=options) as (stub, channel, _):
        response, call = stub.Unary.with_call(Item(number=1), timeout=PATIENCE)
        assert response.number == 2
        assert call.attempts() == 3
        assert counting.calls == 1
        assert flaky.seen == [None, "1", "2"]
        assert channel.retries.buffered == 0


@pytest.mark.rule(92)
async def test_a_stream_is_replayed_on_asyncio() -> None:
    flaky = Flaky(2)
    async with serving(flaky.servicer, channel={"service_config": RETRY}) as (stub, _, _server):
        assert (await stub.Up([Item(number=n) for n in (1, 2, 3)])).number == 6


@pytest.mark.rule(92)
def test_a_stream_is_replayed_by_the_blocking_shell() -> None:
    flaky = Flaky(2)
    with blocking(flaky.servicer, channel={"service_config": RETRY}) as (stub, _, _server):
        assert stub.Up([Item(number=n) for n in (1, 2, 3)], timeout=PATIENCE).number == 6


@pytest.mark.rule(25)
@pytest.mark.rule(94)
async def test_r94_our_servers_can_push_back() -> None:
    flaky = Flaky(9, pushback="-1")
    async with serving(flaky.servicer, channel={"service_config": RETRY}) as (stub, _, _server):
        error = await failure_of(stub.Unary(Item()))
        assert error.metadata["grpc-retry-pushback-ms"] == "-1"
        assert error.attempts == 1
        assert len(flaky.seen) == 1


def test_the_error_of_a_blocking_call_tells_of_its_attempts() -> None:
    flaky = Flaky(9)
    with blocking(flaky.servicer, channel={"service_config": RETRY}) as (stub, _, _server):
        error = blocking_failure_of(stub.Unary, Item(), timeout=PATIENCE)
    assert str(error) == (
        "UNAVAILABLE: attempt 3 (after 3 attempts; earlier: UNAVAILABLE: attempt 1; UNAVAILABLE: attempt 2)"
    )
    copy = pickle.loads(pickle.dumps(error))
    assert (copy.attempts, copy.earlier_failures) == (3, error.earlier_failures)


async def test_retries_can_be_turned_off() -> None:
    flaky = Flaky(9)
    options = {"service_config": RETRY, "retries": False}
    async with serving(flaky.servicer, channel=options) as (stub, _, _server):
        assert (await failure_of(stub.Unary(Item()))).code is UNAVAILABLE
        assert len(flaky.seen) == 1


async def test_a_policy_covers_failing_to_connect() -> None:
    async with rpc.Channel("unix:/nobody/listens/here", service_config=RETRY) as channel:
        error = await failure_of(Stub(channel).Unary(Item()))
        assert error.code is UNAVAILABLE
        assert error.attempts == 3


async def test_closing_the_channel_ends_a_call_that_waits_for_its_next_attempt() -> None:
    flaky = Flaky(9, pushback="60000")
    async with serving(flaky.servicer, channel={"service_config": RETRY}) as (stub, channel, _):
        call = stub.Unary(Item())
        await eventually(lambda: channel.retries.waiting)
        await channel.close()
        error = await failure_of(call)
        assert error.code is StatusCode.CANCELLED
        assert error.message == "the channel was closed"
        assert channel.retries.buffered == 0


def test_closing_a_blocking_channel_does_too() -> None:
    flaky = Flaky(9, pushback="60000")
    with blocking(flaky.servicer, channel={"service_config": RETRY}) as (stub, channel, _):
        call = stub.Unary.start(Item())
        with ThreadPoolExecutor(1) as pool:
            code = pool.submit(call.code)
            blocking_eventually(lambda: channel.retries.waiting)
            channel.close()
            assert code.result(PATIENCE) is StatusCode.CANCELLED
