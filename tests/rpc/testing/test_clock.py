"""The virtual clock: time passes when nothing else is left to do, and only then."""

from __future__ import annotations

import asyncio
import threading
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


@pytest.mark.parametrize("executor", ["run_in_executor", "watch"])
def test_no_time_passes_while_a_thread_works(executor: str) -> None:
    """Not even the little that the thread takes: a machine under load makes it any amount."""

    async def main() -> float:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, testing.VirtualClockLoop)
        with ThreadPoolExecutor(1) as pool:
            async with asyncio.timeout(0.001):
                if executor == "watch":
                    loop.watch(working := pool.submit(time.sleep, 0.05))
                    await asyncio.wrap_future(working)
                else:
                    await loop.run_in_executor(pool, time.sleep, 0.05)
        return loop.time()

    with asyncio.Runner(loop_factory=lambda: testing.VirtualClockLoop(patience=20)) as runner:
        assert runner.run(main()) == 0


def test_a_thread_that_waits_for_the_clock_gets_it() -> None:
    rang = threading.Event()

    async def main() -> float:
        loop = asyncio.get_running_loop()
        loop.call_later(3600, rang.set)
        ticks = asyncio.create_task(tick())
        with ThreadPoolExecutor(1) as pool:
            assert await loop.run_in_executor(pool, rang.wait, 20)
        ticks.cancel()
        return loop.time()

    async def tick() -> None:
        while True:
            await asyncio.sleep(10)

    with asyncio.Runner(loop_factory=lambda: testing.VirtualClockLoop(patience=0.1)) as runner:
        assert runner.run(main()) >= 3600  # 360 ticks, for one patience


def test_the_decorator_passes_arguments_and_results() -> None:
    @testing.virtual_time
    async def double(number: int, *, plus: int = 0) -> int:
        await asyncio.sleep(number)
        return 2 * number + plus

    assert double(21, plus=1) == 43
    assert double.__name__ == "double"
