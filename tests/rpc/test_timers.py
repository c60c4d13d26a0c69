"""Timers: the heap, and `schedule` in both shells."""

from __future__ import annotations

import asyncio
from functools import partial

from hypothesis import given
from hypothesis import strategies as st

from barewire import rpc
from barewire.rpc.timers import Timers


@given(st.lists(st.tuples(st.integers(0, 20), st.booleans())), st.integers(0, 20))
def test_what_is_due_is_called_in_order(plan: list[tuple[int, bool]], now: int) -> None:
    timers = Timers()
    called: list[int] = []
    for number, (when, cancelled) in enumerate(plan):
        timer = timers.schedule(when, partial(called.append, number))
        if cancelled:
            timer.cancel()
    alive = [(when, number) for number, (when, cancelled) in enumerate(plan) if not cancelled]
    timers.run(now)
    assert called == [number for when, number in sorted(alive) if when <= now]
    assert timers.next_due() == min((when for when, _ in alive if when > now), default=None)


def test_a_callback_may_schedule_and_cancel() -> None:
    timers = Timers()
    called: list[str] = []

    def first() -> None:
        second.cancel()
        timers.schedule(0, lambda: called.append("third"))

    timers.schedule(1, first)
    second = timers.schedule(2, lambda: called.append("second"))
    timers.run(5)
    assert called == []
    timers.run(5)
    assert called == ["third"]


async def test_schedule_on_asyncio() -> None:
    async with rpc.Channel("127.0.0.1:1") as channel:
        rang = asyncio.Event()
        called: list[int] = []
        channel.schedule(channel.now(), lambda: called.append(2)).cancel()
        channel.schedule(channel.now(), rang.set)
        await asyncio.wait_for(rang.wait(), 20)
        assert not called


def test_schedule_on_threads() -> None:
    with rpc.sync.Channel("127.0.0.1:1") as channel:
        called: list[int] = []
        with channel.entered():
            channel.schedule(channel.now() + 0.01, lambda: (called.append(1), channel.driver.notify("test")))
            channel.driver.wait("test", lambda: bool(called), channel.now() + 20)
        assert called == [1]
