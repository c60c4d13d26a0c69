"""The same interceptors as on asyncio, without a loop."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from barewire import rpc
from barewire.rpc import InterceptedCall, Interceptor, Proceed, RpcError, StatusCode
from tests.support.rpc_blocking import ServerThread, failure_of
from tests.support.rpc_counting import COUNTING, Recorder
from tests.support.rpc_service import Item, Stub

SHAPES = ["Unary", "Down", "Up", "Both"]
shapes = pytest.mark.parametrize("shape", SHAPES)


@pytest.fixture(scope="module")
def server() -> Iterator[ServerThread]:
    thread = ServerThread(COUNTING)
    yield thread
    thread.close()


def responses(stub: Any, shape: str, item: Any) -> list[Any]:
    answer = getattr(stub, shape)([item] if shape in ("Up", "Both") else item)
    return list(answer) if shape in ("Down", "Both") else [answer]


@shapes
def test_the_first_is_outermost(server: ServerThread, shape: str) -> None:
    log: list[str] = []
    with rpc.sync.Channel(server.target, interceptors=[Recorder("a", log), Recorder("b", log)]) as channel:
        stub = Stub(channel)
        assert responses(stub, shape, Item(number=1))[0].number == 2
        path = f"/shapes.Shapes/{shape}"
        assert log == [f"a before client {path}", f"b before client {path}", "b after", "a after"]
        log.clear()
        assert failure_of(responses, stub, shape, Item(text="fail")).message == "from the handler"
        assert log[2:] == ["b failed NOT_FOUND", "a failed NOT_FOUND"]


@shapes
def test_changing_messages_and_metadata(server: ServerThread, shape: str) -> None:
    class Changes(Interceptor):
        async def intercept(self, call: InterceptedCall, proceed: Proceed) -> None:
            call.metadata.add("added", "yes")
            call.on_send(lambda item: Item(number=item.number * 2))
            call.on_receive(lambda item: Item(number=item.number * 100, text=item.text))
            await proceed()

    with rpc.sync.Channel(server.target, interceptors=[Changes()]) as channel:
        answer = responses(Stub(channel), shape, Item(number=4))[0]
        assert (answer.number, answer.text) == (900, "yes")


@shapes
def test_refusing_before_the_call_takes_place(server: ServerThread, shape: str) -> None:
    class Refuses(Interceptor):
        async def intercept(self, call: InterceptedCall, proceed: Proceed) -> None:
            raise RpcError(StatusCode.UNAUTHENTICATED, "who are you", metadata=[("k", "v")])

    with rpc.sync.Channel(server.target, interceptors=[Refuses()]) as channel:
        error = failure_of(responses, Stub(channel), shape, Item())
        assert (error.code, error.metadata["k"]) == (StatusCode.UNAUTHENTICATED, "v")
        assert not channel.links


class Waits(Interceptor):
    def __init__(self, when: str) -> None:
        self.when = when

    async def intercept(self, call: InterceptedCall, proceed: Proceed) -> None:
        if self.when == "before":
            await asyncio.sleep(0)
        await proceed()
        await asyncio.sleep(0)


@shapes
@pytest.mark.parametrize("when", ["before", "after"])
def test_waiting_for_something_else_is_an_error_that_says_so(
    server: ServerThread, shape: str, when: str
) -> None:
    with rpc.sync.Channel(server.target, interceptors=[Waits(when)]) as channel:
        error = failure_of(responses, Stub(channel), shape, Item())
        assert error.code is StatusCode.INTERNAL
        assert "no event loop" in error.message


def test_one_that_raises_or_loses_the_call(server: ServerThread) -> None:
    class Raises(Interceptor):
        async def intercept(self, call: InterceptedCall, proceed: Proceed) -> None:
            raise KeyError("oops")

    class Loses(Interceptor):
        async def intercept(self, call: InterceptedCall, proceed: Proceed) -> None:
            return

    for interceptor, code in ((Raises(), StatusCode.UNKNOWN), (Loses(), StatusCode.INTERNAL)):
        with rpc.sync.Channel(server.target, interceptors=[interceptor]) as channel:
            assert failure_of(Stub(channel).Unary, Item()).code is code


def test_cancelling_tells_the_interceptors(server: ServerThread) -> None:
    log: list[str] = []
    with rpc.sync.Channel(server.target, interceptors=[Recorder("a", log)]) as channel:
        with Stub(channel).Both() as call:
            call.send(Item(number=1))
            assert call.receive().number == 2
        assert call.code() is StatusCode.CANCELLED
        assert log[1:] == ["a failed CANCELLED"]
