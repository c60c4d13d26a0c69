"""The virtual clock: time passes when nothing else is left to do, and only then."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from barewire.rpc import testing


def test_a_year_passes_at_once() -> None:
    async def main() -> float:
        await asyncio.sleep(365 * 86_400)
        return asyncio.get_running_loop().time()

    assert testing.run_virtual(main()) == pytest.approx(365 * 86_400)


@testing.virtual_time
async def test_timers_fire_in_order_whatever_order_they_were_set_in() -> None:
    fired: list[float] = []
    loop = asyncio.get_running_loop()
    for delay in (30.0, 0.5, 7_200.0, 0.25):
        loop.call_later(delay, lambda delay=delay: fired.append(delay))
    await asyncio.sleep(10_000)
    assert fired == [0.25, 0.5, 30.0, 7_200.0]


@testing.virtual_time
async def test_a_timeout_does_not_fire_while_there_is_work() -> None:
    async with asyncio.timeout(1):
        for _ in range(1_000):
            await asyncio.sleep(0)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1):
            await asyncio.sleep(2)


@testing.virtual_time
async def test_a_thread_is_given_time_to_answer() -> None:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, testing.VirtualClockLoop)
    with ThreadPoolExecutor(1) as pool:
        async with asyncio.timeout(1):
            await loop.run_in_executor(pool, time.sleep, 0.01)
        assert loop.time() < 1
        future = pool.submit(time.sleep, 0.01)
        loop.watch(future)
        async with asyncio.timeout(1):
            await asyncio.wrap_future(future)
        assert loop.time() < 1


def test_the_decorator_passes_arguments_and_results() -> None:
    @testing.virtual_time
    async def double(number: int, *, plus: int = 0) -> int:
        await asyncio.sleep(number)
        return 2 * number + plus

    assert double(21, plus=1) == 43
    assert double.__name__ == "double"
