"""Interceptors on a client: their hooks see every message, however late they are registered."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from barewire import rpc, schema
from tests.support.protos import BOOKSTORE
from tests.support.rpc_blocking import ServerThread
from tests.support.rpc_service import PATIENCE, eventually

books = schema.load(BOOKSTORE)


class Bookstore(books.BookstoreServicer):
    async def AddBooks(self, requests: Any, context: Any) -> Any:
        return books.BookList(books=[book async for book in requests])

    async def Chat(self, requests: Any, context: Any) -> AsyncIterator[Any]:
        async for book in requests:
            yield book


class Late(rpc.Interceptor):
    """Registers its hook only after it has waited, as one that fetches a token would."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    async def intercept(self, call: rpc.InterceptedCall, proceed: rpc.Proceed) -> None:
        await asyncio.sleep(0.01)
        call.on_send(lambda message: self.seen.append(message.id))
        await proceed()


class Refusing(rpc.Interceptor):
    async def intercept(self, call: rpc.InterceptedCall, proceed: rpc.Proceed) -> None:
        raise rpc.RpcError(rpc.StatusCode.ABORTED, "not today")


async def test_messages_wait_for_the_interceptors() -> None:
    late = Late()
    async with rpc.Server([Bookstore()]) as server:
        port = await server.start("127.0.0.1:0")
        async with rpc.Channel(f"127.0.0.1:{port}", interceptors=[late]) as channel:
            stub = books.BookstoreStub(channel)
            async with stub.Chat() as call:
                await call.send(books.Book(id="1"))
                assert (await call.receive()).id == "1"
                await call.done_sending()
                assert await call.receive() is None
            await stub.AddBooks([books.Book(id="2"), books.Book(id="3")])
    assert late.seen == ["1", "2", "3"]


async def test_a_sender_is_told_when_an_interceptor_refuses() -> None:
    async with rpc.Channel("127.0.0.1:1", interceptors=[Refusing()]) as channel:
        stub = books.BookstoreStub(channel)
        with pytest.raises(rpc.RpcError, match="not today"):
            await stub.AddBooks([books.Book(id="2")])
        call = stub.Chat()
        with pytest.raises(rpc.RpcError, match="not today"):
            await call.send(books.Book(id="1"))


class Clumsy(rpc.Interceptor):
    def __init__(self, when: str) -> None:
        self.when = when

    async def intercept(self, call: rpc.InterceptedCall, proceed: rpc.Proceed) -> None:
        getattr(call, self.when)(self.stumble)
        await proceed()

    def stumble(self, message: Any) -> None:
        raise ZeroDivisionError


async def turn(call: Any) -> None:
    await call.send(books.Book(id="1"))
    await call.receive()


def blocking_turn(call: Any) -> None:
    call.send(books.Book(id="1"))
    call.receive()


@pytest.mark.parametrize("when", ["on_send", "on_receive"])
async def test_a_hook_that_fails_ends_its_call(when: str) -> None:
    """Whoever catches RpcError catches it, and the server does not go on for nobody."""
    async with rpc.Server([Bookstore()]) as server:
        port = await server.start("127.0.0.1:0")
        async with rpc.Channel(f"127.0.0.1:{port}", interceptors=[Clumsy(when)]) as channel:
            call = books.BookstoreStub(channel).Chat()
            with pytest.raises(rpc.RpcError, match="UNKNOWN: an interceptor raised ZeroDivisionError"):
                await turn(call)
            assert await asyncio.wait_for(call.code(), PATIENCE) is rpc.StatusCode.UNKNOWN
            await eventually(lambda: not server.runners)


@pytest.mark.parametrize("when", ["on_send", "on_receive"])
def test_a_hook_that_fails_ends_its_blocking_call(when: str) -> None:
    server = ServerThread(Bookstore())
    try:
        with rpc.sync.Channel(server.target, interceptors=[Clumsy(when)]) as channel:
            call = books.BookstoreStub(channel).Chat(timeout=PATIENCE)
            with pytest.raises(rpc.RpcError, match="UNKNOWN: an interceptor raised ZeroDivisionError"):
                blocking_turn(call)
            assert call.code() is rpc.StatusCode.UNKNOWN
    finally:
        server.close()
