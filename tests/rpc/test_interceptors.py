"""Interceptors around calls of every shape, on either side."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import pytest

from barewire.rpc import InterceptedCall, Interceptor, Proceed, RpcError, StatusCode
from tests.support.rpc_counting import COUNTING, Recorder
from tests.support.rpc_service import Item, eventually, failure_of, serving

SHAPES = ["Unary", "Down", "Up", "Both"]
sides = pytest.mark.parametrize("side", ["client", "server"])
shapes = pytest.mark.parametrize("shape", SHAPES)


def call(stub: Any, shape: str, item: Any) -> Any:
    """Start a call of any shape with one request."""
    return getattr(stub, shape)([item] if shape in ("Up", "Both") else item)


async def responses(started: Any) -> list[Any]:
    """All responses of a call of any shape."""
    if hasattr(started, "receive"):
        return [item async for item in started]
    return [await started]


def on(side: str, *interceptors: Interceptor) -> dict[str, Any]:
    if side == "server":
        return {"interceptors": interceptors}
    return {"channel": {"interceptors": interceptors}}


@sides
@shapes
async def test_the_first_is_outermost(side: str, shape: str) -> None:
    log: list[str] = []
    async with serving(COUNTING, **on(side, Recorder("a", log), Recorder("b", log))) as (stub, _, _):
        assert (await responses(call(stub, shape, Item(number=1))))[0].number == 2
        await eventually(lambda: len(log) == 4)
        path = f"{side} /shapes.Shapes/{shape}"
        assert log == [f"a before {path}", f"b before {path}", "b after", "a after"]


@sides
@shapes
async def test_failures_pass_through(side: str, shape: str) -> None:
    log: list[str] = []
    async with serving(COUNTING, **on(side, Recorder("a", log))) as (stub, _, _):
        with pytest.raises(RpcError, match="from the handler"):
            await responses(call(stub, shape, Item(text="fail")))
        assert log[1:] == ["a failed NOT_FOUND"]


class Refuses(Interceptor):
    async def intercept(self, call: InterceptedCall, proceed: Proceed) -> None:
        raise RpcError(StatusCode.UNAUTHENTICATED, "who are you", metadata=[("k", "v")])


@sides
@shapes
async def test_refusing_before_the_call_takes_place(side: str, shape: str) -> None:
    async with serving(COUNTING, **on(side, Refuses())) as (stub, _, server):
        started = call(stub, shape, Item())
        with pytest.raises(RpcError, match="who are you") as caught:
            await responses(started)
        assert caught.value.code is StatusCode.UNAUTHENTICATED
        assert caught.value.metadata["k"] == "v"
        assert await started.code() is StatusCode.UNAUTHENTICATED
        assert bool(server.links) == (side == "server")


class Doubles(Interceptor):
    """Changes messages in both directions, and metadata."""

    async def intercept(self, call: InterceptedCall, proceed: Proceed) -> None:
        def double(item: Any) -> Any:
            return Item(number=item.number * 10, text=item.text)

        call.on_send(double)
        call.on_receive(double)
        if call.side == "client":
            call.metadata.add("added", "by the client")
        else:
            call.metadata.set("added", "by the server")
            call.trailing_metadata.add("trailing", "1")
            call.initial_metadata.add("initial", "1")
        await proceed()
        if call.side == "client":
            call.trailing_metadata["trailing-from-server"]


@sides
@shapes
async def test_hooks_and_metadata(side: str, shape: str) -> None:
    class Changes(Doubles):
        async def intercept(self, call: InterceptedCall, proceed: Proceed) -> None:
            with contextlib.suppress(KeyError):
                await super().intercept(call, proceed)

    async with serving(COUNTING, **on(side, Changes())) as (stub, _, _):
        started = call(stub, shape, Item(number=1))
        first, *_ = await responses(started)
        assert (first.number, first.text) == (110, f"by the {side}")
        if side == "server":
            assert (await started.initial_metadata())["initial"] == "1"
            assert (await started.trailing_metadata())["trailing"] == "1"


class Breaks(Interceptor):
    async def intercept(self, call: InterceptedCall, proceed: Proceed) -> None:
        await proceed()
        raise LookupError("the password is hunter2")


@sides
async def test_an_interceptor_that_breaks(side: str, caplog: pytest.LogCaptureFixture) -> None:
    async with serving(COUNTING, **on(side, Breaks())) as (stub, _, _):
        error = await failure_of(stub.Unary(Item()))
        if side == "server":  # the response had been sent, and so its status is what counts
            assert error.code is StatusCode.UNKNOWN
            assert "hunter2" not in str(error)
        else:
            assert error.code is StatusCode.UNKNOWN
            assert isinstance(error.__cause__, LookupError)


class Forgets(Interceptor):
    async def intercept(self, call: InterceptedCall, proceed: Proceed) -> None:
        return


@shapes
async def test_an_interceptor_that_does_not_proceed(shape: str) -> None:
    async with serving(COUNTING, **on("client", Forgets())) as (stub, _, _):
        with pytest.raises(RpcError, match="INTERNAL"):
            await responses(call(stub, shape, Item()))


@shapes
async def test_an_interceptor_that_does_not_proceed_on_a_server(shape: str) -> None:
    async with serving(COUNTING, **on("server", Forgets())) as (stub, _, _):
        with pytest.raises(RpcError, match="INTERNAL: an interceptor lost the call"):
            await responses(call(stub, shape, Item()))


@shapes
async def test_an_interceptor_that_swallows_the_failure_of_a_handler(shape: str) -> None:
    class Swallows(Interceptor):
        async def intercept(self, call: InterceptedCall, proceed: Proceed) -> None:
            with contextlib.suppress(RpcError):
                await proceed()

    async with serving(COUNTING, **on("server", Swallows())) as (stub, _, _):
        with pytest.raises(RpcError, match="INTERNAL: an interceptor lost the call"):
            await responses(call(stub, shape, Item(text="fail")))


async def test_an_interceptor_that_proceeds_twice_on_a_server(caplog: pytest.LogCaptureFixture) -> None:
    class Twice(Interceptor):
        async def intercept(self, call: InterceptedCall, proceed: Proceed) -> None:
            await proceed()
            await proceed()

    async with serving(COUNTING, **on("server", Twice())) as (stub, _, _):
        assert (await failure_of(stub.Unary(Item()))).code is StatusCode.UNKNOWN
    assert "`proceed` twice" in caplog.text


@shapes
async def test_cancelling_inside_an_interceptor(shape: str) -> None:
    entered, ended = asyncio.Event(), asyncio.Event()

    class Waits(Interceptor):
        async def intercept(self, call: InterceptedCall, proceed: Proceed) -> None:
            entered.set()
            try:
                await asyncio.Event().wait()
            finally:
                ended.set()

    async with serving(COUNTING, **on("client", Waits())) as (stub, _, _):
        started = call(stub, shape, Item())
        await entered.wait()
        assert started.cancel()
        assert await started.code() is StatusCode.CANCELLED
        await ended.wait()


async def test_bad_metadata_behind_an_interceptor() -> None:
    class Bad(Interceptor):
        async def intercept(self, call: InterceptedCall, proceed: Proceed) -> None:
            call.metadata.add("grpc-status", "0")
            await proceed()

    async with serving(COUNTING, **on("client", Bad())) as (stub, _, _):
        error = await failure_of(stub.Unary(Item()))
        assert "reserved" in error.message


async def test_a_large_message_behind_an_interceptor() -> None:
    log: list[str] = []
    options: Any = {"channel": {"interceptors": [Recorder("a", log)], "max_send_message_size": 100}}
    async with serving(COUNTING, **options) as (stub, _, _):
        for shape in SHAPES:
            with pytest.raises(RpcError, match="max_send_message_size"):
                await responses(call(stub, shape, Item(data=bytes(200))))
        assert (await stub.Unary(Item(number=1))).number == 2


@pytest.mark.rule(38)
@shapes
async def test_a_deadline_that_passes_inside_an_interceptor(shape: str) -> None:
    class Late(Interceptor):
        async def intercept(self, call: InterceptedCall, proceed: Proceed) -> None:
            await asyncio.Event().wait()

    async with serving(COUNTING, channel={"interceptors": [Late()]}) as (stub, _, _):
        started = getattr(stub, shape)([Item()] if shape in ("Up", "Both") else Item(), timeout=0.05)
        with pytest.raises(RpcError, match="an interceptor held the call back") as caught:
            await responses(started)
        assert caught.value.code is StatusCode.DEADLINE_EXCEEDED
