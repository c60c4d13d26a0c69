"""What a call leaves behind on its server, and what may happen at the same time as its end."""

from __future__ import annotations

import asyncio
import gc
import threading
from typing import Any

import pytest

from barewire.rpc.aio.server_call import ServerCallRunner
from barewire.rpc.server_call import ServerCall
from tests.support.rpc_service import PATIENCE, Item, eventually, failure_of, servicer, serving


def calls_in_memory() -> int:
    return sum(isinstance(each, (ServerCall, ServerCallRunner)) for each in gc.get_objects())


@pytest.mark.parametrize("plain", [False, True], ids=["async", "def"])
async def test_a_call_that_is_over_leaves_no_cycle(plain: bool) -> None:
    """To collect them was a tenth of what a call cost."""

    async def echo(request: Any, context: Any) -> Any:
        return request

    def plain_echo(request: Any, context: Any) -> Any:
        return request

    async with serving(servicer(Unary=plain_echo if plain else echo)) as (stub, *_):
        await stub.Unary(Item())
        gc.collect()
        gc.disable()
        try:
            before = calls_in_memory()
            for _ in range(5):
                await stub.Unary(Item())
            await eventually(lambda: calls_in_memory() <= before)
        finally:
            gc.enable()


async def test_a_handler_that_polls_with_a_timeout_piles_up_nothing() -> None:
    lengths: list[int] = []

    async def polls(requests: Any, context: Any) -> Any:
        for _ in range(20):
            try:
                await asyncio.wait_for(context.receive(), 0.001)
            except TimeoutError:
                lengths.append(len(context._runner._waiters))
        return Item()

    async with serving(servicer(Up=polls)) as (stub, *_), stub.Up() as call:
        await eventually(lambda: len(lengths) == 20)
        await call.done_sending()
        await call
    assert max(lengths) <= 1


@pytest.mark.parametrize("name", ["add_done_callback", "add_callback"])
async def test_a_callback_that_a_thread_adds_cannot_miss_the_end(name: str) -> None:
    """A call ends on the loop, so only the loop may note who wants to know: in a thread, it could end between the look
    whether it has and the note."""
    blocked, added, called = threading.Event(), threading.Event(), threading.Event()
    noted_by_thread: list[Any] = []

    def works(request: Any, context: Any) -> Any:
        def block_then_end() -> None:
            blocked.set()
            added.wait()
            context._runner.cancel()

        def tell(*_: Any) -> None:
            called.set()

        context._runner.loop.call_soon_threadsafe(block_then_end)
        blocked.wait()
        getattr(context, name)(tell)
        noted_by_thread.append(context._runner._callbacks)
        added.set()
        called.wait()
        return request

    async with serving(servicer(Unary=works)) as (stub, *_):
        await failure_of(stub.Unary(Item()))
        await eventually(called.is_set)
    assert noted_by_thread == [None]


@pytest.mark.parametrize("plain", [False, True], ids=["async", "def"])
async def test_a_handler_may_raise_what_is_no_exception(
    plain: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """pytest.fail() raises a BaseException; a client that waited for the answer would wait for ever."""

    def fails(request: Any, context: Any) -> Any:
        pytest.fail("not what the test expects")

    async def fails_later(request: Any, context: Any) -> Any:
        fails(request, context)

    async with serving(servicer(Unary=fails if plain else fails_later)) as (stub, *_):
        error = await failure_of(stub.Unary(Item(), timeout=PATIENCE))
    assert str(error) == "UNKNOWN: the handler raised Failed"
    assert "not what the test expects" in caplog.text
