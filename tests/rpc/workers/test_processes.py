"""Real worker processes: killed, reloaded and stopped while clients call."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from barewire import rpc
from tests.support.processes import Child
from tests.support.rpc_service import PATIENCE, Item, Stub, eventually, failure_of

RETRYING = {
    "methodConfig": [
        {
            "name": [{}],
            "retryPolicy": {
                "maxAttempts": 5,
                "initialBackoff": "0.05s",
                "maxBackoff": "0.5s",
                "backoffMultiplier": 2,
                "retryableStatusCodes": ["UNAVAILABLE"],
            },
        }
    ]
}


class Workers:
    """The program, and what it has said."""

    def __init__(self, child: Child) -> None:
        self.child = child
        self.said: list[str] = []
        self.target = self.until("listening ").split()[1]

    def until(self, begin: str) -> str:
        """The next line that begins so, or has it in it."""
        while begin not in (line := self.child.line()):
            self.said.append(line)
        self.said.append(line)
        return line


@asynccontextmanager
async def running(
    workers: int, address: str = "127.0.0.1:0", grace: float = 20.0, maker: str = "make_server"
) -> AsyncIterator[Workers]:
    with Child("tests.rpc.workers.program", address, str(workers), str(grace), maker) as child:
        async with asyncio.timeout(3 * PATIENCE):
            yield await asyncio.to_thread(Workers, child)


@asynccontextmanager
async def stubs(target: str, count: int, **options: Any) -> AsyncIterator[list[Any]]:
    """Stubs on connections of their own, so that the system spreads them over the workers."""
    async with AsyncExitStack() as stack:
        yield [Stub(await stack.enter_async_context(rpc.Channel(target, **options))) for _ in range(count)]


class Load:
    """Calls in a row on each stub, until `stop`."""

    def __init__(self, stubs: list[Any]) -> None:
        self.pids: list[int] = []
        self.failures: list[rpc.RpcError] = []
        self._stopping = False
        self._tasks = [asyncio.ensure_future(self._call(stub)) for stub in stubs]

    async def _call(self, stub: Any) -> None:
        while not self._stopping:
            try:
                self.pids.append((await stub.Unary(Item(number=1), wait_for_ready=True)).number)
            except rpc.RpcError as error:
                self.failures.append(error)

    async def made(self, calls: int) -> None:
        """Until so many more calls have been made."""
        goal = len(self.pids) + calls
        await eventually(lambda: len(self.pids) >= goal)

    async def stop(self) -> None:
        self._stopping = True
        await asyncio.gather(*self._tasks)


async def begun(stubs: list[Any]) -> list[Any]:
    """A call of each stub that a worker has taken, and that is not going to end before its requests do."""
    calls = [stub.Up() for stub in stubs]
    for call in calls:
        await call.initial_metadata()
    return calls


async def answering(target: str, count: int) -> set[int]:
    """Connect until `count` different workers have answered."""
    pids: set[int] = set()
    while len(pids) < count:
        async with rpc.Channel(target) as channel:
            pids.add((await Stub(channel).Unary(Item(), wait_for_ready=True)).number)
    return pids


async def test_connections_are_spread() -> None:
    async with running(3) as workers:
        assert len(await answering(workers.target, 3)) == 3


async def test_a_killed_worker_costs_no_call_that_may_be_retried() -> None:
    async with running(2) as workers:
        before = await answering(workers.target, 2)
        async with stubs(workers.target, 8, service_config=RETRYING) as many:
            load = Load(many)
            await load.made(200)
            victim = load.pids[-1]
            os.kill(victim, signal.SIGKILL)
            await load.made(500)
            await load.stop()
        assert not load.failures
        await asyncio.to_thread(workers.until, f"(pid {victim}) was killed by SIGKILL")
        await asyncio.to_thread(workers.until, "is ready")
        after = await answering(workers.target, 2)
        assert len(after & before) == 1


async def test_a_reload_fails_no_call() -> None:
    async with running(2) as workers:
        before = await answering(workers.target, 2)
        async with stubs(workers.target, 8, retries=False) as many:
            long = await begun(many)
            load = Load(many)
            await load.made(100)
            for _ in range(2):
                workers.child.interrupt(signal.SIGHUP)
                await asyncio.to_thread(workers.until, "reloaded: the old workers finish their calls")
                await load.made(100)
            for call in long:
                await call.done_sending()
            assert {(await call).number for call in long} <= before
            await load.made(200)
            await load.stop()
        assert not load.failures
        assert not before & set(load.pids[-100:])
        assert not before & await answering(workers.target, 2)


@pytest.mark.parametrize("kind", ["tcp", "unix"])
async def test_a_signal_lets_calls_finish(kind: str, tmp_path: Path) -> None:
    address = "127.0.0.1:0" if kind == "tcp" else f"unix:{tmp_path}/s"
    async with running(2, address) as workers, stubs(workers.target, 4) as many:
        calls = await begun(many)
        workers.child.interrupt(signal.SIGTERM)
        await asyncio.to_thread(workers.until, "received SIGTERM")
        for call in calls:
            await call.done_sending()
            await call
        await asyncio.to_thread(workers.until, "over")
        assert workers.child.wait() == 0
        assert kind == "tcp" or not (tmp_path / "s").exists()


async def test_a_second_signal_does_not_wait() -> None:
    async with running(2) as workers, stubs(workers.target, 1) as (stub,):
        (call,) = await begun([stub])
        workers.child.interrupt(signal.SIGINT)
        await asyncio.to_thread(workers.until, "received SIGINT")
        workers.child.interrupt(signal.SIGTERM)
        await failure_of(call)
        await asyncio.to_thread(workers.until, "over")
        assert workers.child.wait() == 0


async def test_workers_do_not_outlive_their_supervisor() -> None:
    async with running(2) as workers:
        pids = await answering(workers.target, 2)
        workers.child.interrupt(signal.SIGKILL)
        await eventually(lambda: not any(map(is_alive, pids)))


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


async def test_workers_that_cannot_start() -> None:
    with Child("tests.rpc.workers.program", "127.0.0.1:0", "2", "1", "make_none") as child:
        assert await asyncio.to_thread(child.wait) == 1


def test_what_cannot_be_run() -> None:
    with pytest.raises(rpc.RpcConfigurationError, match="workers has to be"):
        rpc.run_workers("x:y", ["127.0.0.1:0"], workers=0)
    with pytest.raises(rpc.RpcConfigurationError, match="no port"):
        rpc.run_workers("x:y", ["127.0.0.1"], workers=1)
