"""A virtual clock for asyncio: seconds, hours and days pass as soon as nothing else is left to do.

An event loop asks its selector to wait until the next timer is due. Here the clock is moved there instead, so keepalive
(hours), backoff (minutes) and deadlines take no time, and happen in the same order every time.
"""

from __future__ import annotations

import asyncio
import functools
import selectors
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import Executor, Future
from typing import Any, ParamSpec, TypeVar

from ..arguments import SECONDS_OR_ZERO, check

Result = TypeVar("Result")
Parameters = ParamSpec("Parameters")

_PATIENCE = 1.0


class VirtualClockLoop(asyncio.SelectorEventLoop):
    """An event loop with a virtual clock. It begins at 0.

    Threads do not see the clock. While one of them works for the loop (`run_in_executor`, or an executor that is
    watched), time stands still; after `patience` real seconds in which nothing has come from any of them it goes on,
    since they may be waiting for it.
    """

    _closed = True  # for asyncio's finalizer, should there be no loop because of a wrong argument

    def __init__(self, *, patience: float = _PATIENCE) -> None:
        check("patience", patience, SECONDS_OR_ZERO)
        self._now = 0.0
        self._patience = patience
        self._working = 0
        self._in_vain = False  # whether the threads have been waited for since something came from them
        super().__init__(_JumpingSelector(self._pass_time, self._real_wait, self._heard))
        # asyncio adds this to the time to see which timers are due. After a year, nanoseconds are lost in rounding.
        self._clock_resolution = 1e-6

    def time(self) -> float:
        """The virtual time in seconds."""
        return self._now

    def _pass_time(self, seconds: float) -> None:
        self._now += seconds
        self._in_vain = True

    def _heard(self) -> None:
        self._in_vain = False

    def _real_wait(self) -> float:
        """How many real seconds to wait for threads before the clock is moved."""
        return self._patience if self._working and not self._in_vain else 0.0

    def watch(self, work: Future[Any]) -> None:
        """Let time stand while this future of a thread is pending (see `patience`)."""
        self._begin()
        # A turn later, so that those who wait for the future are told before the clock may be moved.
        self.call_soon(work.add_done_callback, self._tell_done)

    def _begin(self) -> None:
        self._working += 1
        self._in_vain = False

    def _tell_done(self, _: Future[Any]) -> None:
        if not self.is_closed():
            self.call_soon_threadsafe(self._done)

    def _done(self) -> None:
        self._working -= 1

    def run_in_executor(
        self, executor: Executor | None, func: Callable[..., Result], *args: Any
    ) -> asyncio.Future[Result]:
        future = super().run_in_executor(executor, func, *args)
        self._begin()
        future.add_done_callback(lambda _: self._done())
        return future


class _JumpingSelector(selectors.BaseSelector):
    """A selector that does not wait: it says how long it would have waited."""

    def __init__(
        self,
        pass_time: Callable[[float], None],
        real_wait: Callable[[], float],
        heard: Callable[[], None],
    ) -> None:
        self._real = selectors.DefaultSelector()
        self._pass_time = pass_time
        self._real_wait = real_wait
        self._heard = heard

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:  # no timer is set: whatever comes next comes from outside
            return self._real.select(None)
        ready = self._real.select(self._real_wait() if timeout > 0 else 0)
        if ready:
            self._heard()
        elif timeout > 0:
            self._pass_time(timeout)
        return ready

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._real.unregister(fileobj)

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.modify(fileobj, events, data)

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._real.get_map()

    def close(self) -> None:
        self._real.close()


def run_virtual(main: Coroutine[Any, Any, Result]) -> Result:
    """`asyncio.run` on a virtual clock. Returns what `main` returns, raises what it raises."""
    with asyncio.Runner(loop_factory=VirtualClockLoop) as runner:
        return runner.run(main)


def virtual_time(
    test: Callable[Parameters, Coroutine[Any, Any, Result]],
) -> Callable[Parameters, Result]:
    """Make a test that is an `async def` run on a virtual clock of its own, under any test runner."""

    @functools.wraps(test)
    def run(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        return run_virtual(test(*args, **kwargs))

    return run
