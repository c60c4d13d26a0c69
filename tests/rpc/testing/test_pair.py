"""A server and a channel in memory, and what a recorder keeps of their calls."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from barewire import rpc, schema
from barewire.rpc import testing

PROTO = """
syntax = "proto3";
package kit;
message Text { string text = 1; }
service Echo {
  rpc One(Text) returns (Text);
  rpc Plain(Text) returns (Text);
  rpc Each(stream Text) returns (stream Text);
}
"""
kit: Any = schema.loads(PROTO, name="kit.proto")


class Echo(kit.EchoServicer):
    async def One(self, request: Any, context: Any) -> Any:
        if request.text == "sleep":
            await asyncio.sleep(3600)
        if request.text == "fail":
            raise rpc.RpcError(rpc.StatusCode.ABORTED, "as you wish")
        return request

    def Plain(self, request: Any, context: Any) -> Any:
        return request

    async def Each(self, requests: Any, context: Any) -> Any:
        async for request in requests:
            yield request


def text(value: str) -> Any:
    return kit.Text(text=value)


async def test_calls_of_all_kinds_on_a_real_clock() -> None:
    async with testing.connected([Echo()]) as pair:
        stub = pair.stub(kit.EchoStub)
        assert await stub.One(text("a")) == text("a")
        assert await stub.Plain(text("b")) == text("b")
        assert [reply async for reply in stub.Each([text("c"), text("d")])] == [text("c"), text("d")]
        assert len(pair.connections) == 1
    assert pair.connection.is_closed


@testing.virtual_time
async def test_deadlines_and_threads_on_a_virtual_clock() -> None:
    loop = asyncio.get_running_loop()
    async with testing.connected([Echo()], latency=0.1) as pair:
        stub = pair.stub(kit.EchoStub)
        assert await stub.Plain(text("b"), timeout=5) == text("b")
        before = loop.time()
        with pytest.raises(rpc.RpcError) as caught:
            await stub.One(text("sleep"), timeout=60)
        assert caught.value.code is rpc.StatusCode.DEADLINE_EXCEEDED
        assert loop.time() - before == pytest.approx(60, abs=0.5)


@testing.virtual_time
async def test_an_unreachable_server_and_one_that_comes_back() -> None:
    async with testing.connected([Echo()]) as pair:
        stub = pair.stub(kit.EchoStub)
        pair.reachable = False
        with pytest.raises(rpc.RpcError) as caught:
            await stub.One(text("a"))
        assert caught.value.code is rpc.StatusCode.UNAVAILABLE
        assert "not reachable" in caught.value.message
        asyncio.get_running_loop().call_later(300, lambda: setattr(pair, "reachable", True))
        assert await stub.One(text("a"), wait_for_ready=True) == text("a")


@testing.virtual_time
async def test_a_connection_that_breaks_under_a_call() -> None:
    async with testing.connected([Echo()]) as pair:
        stub = pair.stub(kit.EchoStub)
        call = stub.One(text("sleep"))
        asyncio.get_running_loop().call_later(5, lambda: pair.connection.sever("cable cut"))
        with pytest.raises(rpc.RpcError, match="cable cut"):
            await call
        assert await stub.One(text("b")) == text("b")
        assert len(pair.connections) == 2


def test_the_connection_before_the_first_call() -> None:
    async def main() -> None:
        async with testing.connected([Echo()]) as pair:
            with pytest.raises(RuntimeError, match="not connected yet"):
                _ = pair.connection

    asyncio.run(main())


@pytest.mark.parametrize("side", ["client", "server"])
def test_the_recorder(side: str) -> None:
    async def main() -> testing.Recorder:
        recorder = testing.Recorder(asyncio.get_running_loop().time)
        channel = {"interceptors": [recorder]} if side == "client" else {}
        interceptors = [recorder] if side == "server" else []
        async with testing.connected([Echo()], interceptors=interceptors, channel=channel) as pair:
            stub = pair.stub(kit.EchoStub)
            await stub.One(text("a"), metadata=[("key", "value")])
            with pytest.raises(rpc.RpcError):
                await stub.One(text("fail"))
            with pytest.raises(rpc.RpcError):
                await stub.One(text("sleep"), timeout=30)
            assert len([reply async for reply in stub.Each([text("c"), text("d")])]) == 2
        return recorder

    recorder = testing.run_virtual(main())
    first, failed, late, stream = recorder.calls
    assert {call.side for call in recorder} == {side}
    assert recorder.to("One") == recorder.to("/kit.Echo/One") == recorder.to("kit.Echo/One")
    assert recorder.to("One") == [first, failed, late]
    assert (first.requests, first.responses, first.code) == ([text("a")], [text("a")], rpc.StatusCode.OK)
    assert first.metadata.get("key") == "value"
    assert (failed.code, failed.message) == (rpc.StatusCode.ABORTED, "as you wish")
    assert late.code is (rpc.StatusCode.DEADLINE_EXCEEDED if side == "client" else rpc.StatusCode.CANCELLED)
    assert late.duration == pytest.approx(30, abs=0.5)
    assert stream.requests == stream.responses == [text("c"), text("d")]
    recorder.clear()
    assert not recorder.calls
    assert len(recorder) == 0
