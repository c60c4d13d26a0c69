"""What a plain `def` handler waits for by a blocking channel ends with the handler's call."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from barewire.rpc import RpcError, StatusCode, sync
from barewire.rpc.dependents import Dependents, current_dependents
from tests.support.rpc_blocking import ServerThread, eventually
from tests.support.rpc_service import PATIENCE, Item, Stub, servicer


class Backend:
    """Hangs until its call is over, and says so."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.over = threading.Event()

    async def unary(self, request: Any, context: Any) -> Any:
        self.entered.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.over.set()

    async def down(self, request: Any, context: Any) -> Any:
        yield Item()
        await self.unary(request, context)


@pytest.mark.parametrize("shape", ["Unary", "Down"])
@pytest.mark.parametrize("how", ["cancel", "stop"])
def test_a_blocking_call_ends_with_its_handlers(shape: str, how: str) -> None:
    backend = Backend()
    raised: list[StatusCode] = []
    behind = ServerThread(servicer(Unary=backend.unary, Down=backend.down))
    with sync.Channel(behind.target) as inner:

        def forward(request: Any, context: Any) -> Any:
            try:
                started = getattr(Stub(inner), shape)
                if shape == "Unary":
                    return started(request)
                *_, last = started(request)
                return last
            except RpcError as error:
                raised.append(error.code)
                raise

        front = ServerThread(servicer(Unary=forward))
        with sync.Channel(front.target) as channel:
            call = Stub(channel).Unary.start(Item())
            waits = threading.Thread(target=call.code)  # a blocking channel moves while somebody waits
            waits.start()
            assert backend.entered.wait(PATIENCE)
            if how == "cancel":
                call.cancel()
            else:
                front.run(front.server.stop(0))
            assert backend.over.wait(PATIENCE)
            eventually(lambda: raised == [StatusCode.CANCELLED])
            waits.join(PATIENCE)
        front.close(0)
    behind.close(0)


def test_calls_that_have_ended_are_forgotten() -> None:
    async def echo(request: Any, context: Any) -> Any:
        return request

    kept: list[int] = []
    behind = ServerThread(servicer(Unary=echo))
    with sync.Channel(behind.target) as inner:

        def forward(request: Any, context: Any) -> Any:
            for _ in range(20):
                Stub(inner).Unary(request)
            dependents = current_dependents.get()
            assert dependents is not None
            kept.append(len(dependents._calls))
            return request

        front = ServerThread(servicer(Unary=forward))
        with sync.Channel(front.target) as channel:
            assert Stub(channel).Unary(Item(number=3)).number == 3
        front.close()
    behind.close()
    assert kept == [0]
    assert current_dependents.get() is None


def test_a_call_that_begins_too_late_is_given_up_at_once() -> None:
    class Late:
        given_up = 0

        def abandon(self) -> None:
            self.given_up += 1

    dependents, early, ended, late = Dependents(), Late(), Late(), Late()
    dependents.add(early)
    dependents.add(ended)
    dependents.discard(ended)
    dependents.end()
    dependents.add(late)
    assert (early.given_up, ended.given_up, late.given_up) == (1, 0, 1)
