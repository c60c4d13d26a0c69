"""Callers: each makes one call after the other, of any shape, and ends it in any way."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

from barewire import rpc
from tests.soak.server import soak

# What a call may end with, besides OK, in a run in which nothing is wrong.
_EXPECTED = {
    rpc.StatusCode.ABORTED,  # asked for
    rpc.StatusCode.CANCELLED,  # given up here
    rpc.StatusCode.DEADLINE_EXCEEDED,
}
_SIZES = (0, 10, 1_000, 20_000)
_RARE_SIZE = 1_000_000


class Callers:
    """`outcomes` counts calls by what they ended with; `surprises` are the ends that should not have been."""

    def __init__(self, channel: rpc.Channel, count: int, seed: int) -> None:
        self._stub = soak.SoakStub(channel)
        self._count = count
        self._random = random.Random(seed)
        self._over = False
        self.outcomes: Counter[str] = Counter()
        self.surprises: Counter[str] = Counter()
        self._kinds: list[Callable[[], Awaitable[None]]] = [
            *(self._unary, self._down, self._up, self._both),
            *(self._given_up, self._left_early, self._dropped),
        ]

    async def run(self, stop: asyncio.Event) -> None:
        """Call until `stop` is set; returns when all calls have ended."""
        async with asyncio.TaskGroup() as group:
            for _ in range(self._count):
                group.create_task(self._call_on(stop))

    async def _call_on(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                await self._random.choice(self._kinds)()
                self.outcomes["OK"] += 1
            except rpc.RpcError as error:
                self.outcomes[error.code.name] += 1
                if error.code not in _EXPECTED:
                    self.surprises[str(error)] += 1
            except AssertionError as error:
                self.surprises[f"wrong answer: {error}"] += 1

    def _job(self, **fields: Any) -> Any:
        size = _RARE_SIZE if self._random.random() < 0.005 else self._random.choice(_SIZES)
        milliseconds = self._random.choice((0, 0, 1, 10))
        code = 10 if self._random.random() < 0.1 else 0
        return soak.Job(**{"payload": bytes(size), "milliseconds": milliseconds, "code": code, **fields})

    def _timeout(self) -> float | None:
        return self._random.choice((None, 60, 60, 0.005))

    async def _unary(self) -> None:
        job = self._job()
        reply = await self._stub.Unary(job, timeout=self._timeout())
        assert reply.payload == job.payload

    async def _down(self) -> None:
        wanted = self._random.randrange(10)
        job = self._job(responses=wanted)
        replies = [reply async for reply in self._stub.Down(job, timeout=self._timeout())]
        assert len(replies) == wanted

    async def _up(self) -> None:
        jobs = [self._job() for _ in range(self._random.randrange(8))]
        reply = await self._stub.Up(jobs, timeout=self._timeout())
        assert int.from_bytes(reply.payload, "big") == sum(len(job.payload) for job in jobs)

    async def _both(self) -> None:
        async with self._stub.Both(timeout=self._timeout()) as call:
            for _ in range(self._random.randrange(6)):
                job = self._job()
                await call.send(job)
                reply = await call.receive()
                assert reply is not None
                assert reply.payload == job.payload
            await call.done_sending()
            assert await call.receive() is None

    async def _given_up(self) -> None:
        """Cancelled by the task's own cancellation, at any time."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._random.random() * 0.02):
                async for _ in self._stub.Both(self._endless()):
                    pass

    async def _endless(self) -> AsyncIterator[Any]:
        while True:
            yield self._job(code=0)

    async def _left_early(self) -> None:
        """Left by the block, with responses unread and requests unsent."""
        async with self._stub.Both() as call:
            for _ in range(self._random.randrange(3)):
                await call.send(self._job(code=0))

    async def _dropped(self) -> None:
        """Begun, and forgotten."""
        call = self._stub.Down(self._job(responses=1000, code=0))
        if self._random.random() < 0.5:
            await call.receive()
        del call
        await asyncio.sleep(0)


class BlockingCallers:
    """The same from a thread, on a blocking channel; one call at a time."""

    def __init__(self, channel: rpc.sync.Channel, seed: int) -> None:
        self._stub = soak.SoakStub(channel)
        self._random = random.Random(seed)
        self.outcomes: Counter[str] = Counter()
        self.surprises: Counter[str] = Counter()

    def run(self, is_over: Callable[[], bool]) -> None:
        """Call until it is over."""
        while not is_over():
            try:
                self._call()
                self.outcomes["OK"] += 1
            except rpc.RpcError as error:
                self.outcomes[error.code.name] += 1
                if error.code not in _EXPECTED:
                    self.surprises[str(error)] += 1

    def _call(self) -> None:
        job = soak.Job(payload=bytes(self._random.choice(_SIZES)), milliseconds=self._random.choice((0, 1)))
        kind = self._random.randrange(4)
        if kind == 0:
            self._stub.Unary(job, timeout=self._random.choice((60, 0.002)))
        elif kind == 1:
            job.responses = 20
            replies: Iterator[Any] = iter(self._stub.Down(job))
            for _ in range(self._random.randrange(20)):
                next(replies)
        elif kind == 2:
            self._stub.Up([job] * self._random.randrange(5))
        else:
            with self._stub.Both() as call:
                call.send(job)
                call.receive()
