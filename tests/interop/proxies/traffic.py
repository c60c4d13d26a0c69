"""Load: callers that call without a pause, and a count of what became of their calls."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from typing import Any

from barewire import rpc
from tests.interop.proxies.schema import load


class Traffic:
    """`made` and `failed` calls, `failures` by what was wrong, `workers` by who answered.

    The callers repeat nothing that has failed, and have no retry policy.
    """

    def __init__(self, channel: rpc.Channel, callers: int) -> None:
        self._stub = load.LoadStub(channel)
        self._random = random.Random(7)
        self._over = False
        self._callers = callers
        self._tasks: list[asyncio.Task[None]] = []
        self.made = 0
        self.failures: Counter[str] = Counter()
        self.workers: Counter[str] = Counter()

    @property
    def failed(self) -> int:
        return sum(self.failures.values())

    def start(self) -> None:
        self._tasks = [asyncio.create_task(self._call_on(number)) for number in range(self._callers)]

    async def stop(self) -> None:
        """Let the calls in flight end."""
        self._over = True
        await asyncio.gather(*self._tasks)

    async def _call_on(self, caller: int) -> None:
        number = 0
        while not self._over:
            number += 1
            self.made += 1
            try:
                if (caller + number) % 5:
                    await self._work(number)
                else:
                    await self._report()
            except rpc.RpcError as error:
                self.failures[str(error)] += 1
            except AssertionError as error:
                self.failures[f"wrong answer: {error}"] += 1

    async def _work(self, number: int) -> None:
        job = load.Job(number=number, milliseconds=self._random.choice((0, 1, 5, 50)))
        done = await self._stub.Work(job, timeout=30)
        assert done.number == number
        self.workers[done.worker] += 1

    async def _report(self) -> None:
        job = load.Job(milliseconds=self._random.choice((10, 300)))
        replies: list[Any] = [done async for done in self._stub.Report(job, timeout=30)]
        assert [done.number for done in replies] == list(range(10))
        assert len({done.worker for done in replies}) == 1
        self.workers[replies[0].worker] += 1
