"""Workers behind a proxy, and their rolling restart."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from types import TracebackType
from typing import Self

from tests.support.processes import Child, reserved_port


class Fleet:
    """`size` workers, each on a port of its own. A restart keeps the port and changes the name."""

    def __init__(self, size: int) -> None:
        self._workers: dict[int, Child] = {}
        self._stack = contextlib.ExitStack()
        # Reserved: between a worker and its successor, a connection could get the port as its own.
        self.ports = [self._stack.enter_context(reserved_port()) for _ in range(size)]
        self._generation = 0

    @property
    def names(self) -> set[str]:
        """The names of the workers that run now."""
        return {f"{port}#{self._generation}" for port in self.ports}

    def _start(self, port: int) -> None:
        name = f"{port}#{self._generation}"
        child = Child("tests.interop.proxies.backend", str(port), name)
        self._workers[port] = self._stack.enter_context(child)
        assert child.line() == "ready"

    async def rolling_restart(self, pause: float) -> None:
        """Restart one after the other: SIGTERM, wait for its end, start its successor, wait `pause` seconds."""
        self._generation += 1
        for port in self.ports:
            worker = self._workers[port]
            worker.interrupt(signal.SIGTERM)
            assert await asyncio.to_thread(worker.wait) == 0, worker.errors
            await asyncio.to_thread(self._start, port)
            await asyncio.sleep(pause)

    def __enter__(self) -> Self:
        for port in self.ports:
            self._start(port)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()
