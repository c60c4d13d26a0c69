"""The proxy of examples/proxy: what a client sees through it is what it sees without it."""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import ModuleType
from typing import Any

import pytest

from barewire import rpc, schema
from barewire.rpc import StatusCode
from tests.support.processes import ROOT
from tests.support.rpc_service import PATIENCE, Item, Stub, eventually, failure_of, servicer, serving


def load_example() -> ModuleType:
    spec = importlib.util.spec_from_file_location("proxy_example", ROOT / "examples/proxy/proxy.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@asynccontextmanager
async def through_the_proxy(service: Any) -> AsyncIterator[tuple[Any, Any]]:
    """A stub whose calls take the way through the proxy, and the server behind it."""
    proxy = load_example().Proxy
    async with serving(service) as (_, channel, server):
        options = {"generic_handlers": [proxy(channel)], "health": False, "reflection": False}
        async with rpc.Server(**options) as front:
            port = await front.start("127.0.0.1:0")
            async with rpc.Channel(f"127.0.0.1:{port}") as outer:
                yield Stub(outer), server


async def unary(request: Any, context: Any) -> Any:
    given = context.invocation_metadata()
    if request.text:
        detail = schema.wkt.StringValue(value="detail")
        raise rpc.RpcError(
            StatusCode.NOT_FOUND, "no ü", details=[detail], metadata=[("t", "1"), ("t-bin", b"\0")]
        )
    await context.send_initial_metadata([("head", str(given["k"])), ("head-bin", given["k-bin"])])
    context.set_trailing_metadata([("tail", "2")])
    return request


async def down(request: Any, context: Any) -> AsyncIterator[Any]:
    for number in range(request.number):
        yield Item(number=number)


async def up(requests: Any, context: Any) -> Any:
    return Item(number=sum([item.number async for item in requests]))


async def both(requests: Any, context: Any) -> AsyncIterator[Any]:
    async for item in requests:
        yield item


ALL = servicer(Unary=unary, Down=down, Up=up, Both=both)


async def test_all_shapes() -> None:
    async with through_the_proxy(ALL) as (stub, _):
        call = stub.Unary(Item(data=bytes(300_000)), metadata=[("k", "v"), ("k-bin", b"\xff")])
        assert (await call).data == bytes(300_000)
        assert (await call.initial_metadata())["head-bin"] == b"\xff"
        assert (await call.trailing_metadata())["tail"] == "2"
        assert [item.number async for item in stub.Down(Item(number=100))] == list(range(100))
        assert (await stub.Up([Item(number=1), Item(number=2)])).number == 3
        async with stub.Both() as call:
            for number in range(3):
                await call.send(Item(number=number))
                assert (await call.receive()).number == number
            await call.done_sending()
            assert await call.receive() is None


async def test_a_failure() -> None:
    async with through_the_proxy(ALL) as (stub, _):
        error = await failure_of(stub.Unary(Item(text="x")))
        assert (error.code, error.message) == (StatusCode.NOT_FOUND, "no ü")
        assert error.metadata["t-bin"] == b"\0"
        assert [detail.unpack(schema.wkt.StringValue).value for detail in error.details] == ["detail"]


async def test_a_method_that_is_not_there() -> None:
    async with through_the_proxy(servicer(Unary=unary)) as (stub, _):
        assert (await failure_of(stub.Up([]))).code is StatusCode.UNIMPLEMENTED


@pytest.mark.rule(38)
async def test_deadlines_and_cancellation_reach_the_server_behind() -> None:
    remaining: list[float] = []
    ended = asyncio.Event()

    async def waits(request: Any, context: Any) -> Any:
        remaining.append(context.time_remaining())
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with asyncio.timeout(PATIENCE), through_the_proxy(servicer(Unary=waits)) as (stub, server):
        call = stub.Unary(Item(), timeout=100)
        await eventually(lambda: remaining)
        assert 0 < remaining[0] <= 100
        call.cancel()
        await ended.wait()
        await eventually(lambda: not server.runners)
