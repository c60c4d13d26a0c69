"""Threads for plain `def` handlers, bounded in a way that blocked ones do not starve the others.

Two bounds: how many handlers *run* at once, and how many calls there are at all. A handler that waits for its client in
`context.receive()` or `context.send()` does not run: its place goes to the next call, which gets a thread of its own.
So ten handlers that talk to ten slow clients hold up nobody. Past the second bound calls are refused at once. So are
those for which the system can start no thread; what waits in line then waits for the threads that there are.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Generator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from ..errors import RpcConfigurationError, RpcError
from ..status import StatusCode

logger = logging.getLogger("barewire.rpc.server")


class _Job:
    """A handler that is to run. `function` is None once it runs, or never will."""

    __slots__ = ("function", "future")

    def __init__(self, function: Callable[[], Any]) -> None:
        self.function: Callable[[], Any] | None = function
        self.future: Future[Any] = Future()


class SyncHandlers:
    """The handlers of one server. Threads start when they are needed, and are kept."""

    def __init__(self, running: int, calls: int, executor: Executor | None = None) -> None:
        """`running` handlers at once (`sync_handlers`), `calls` that run, wait for their client or wait for a place
        (`max_sync_calls`). `executor` has the threads, if they are not to be our own; it needs as many as there are
        calls for the promise to hold. Raises RpcConfigurationError."""
        if calls < running:
            raise RpcConfigurationError(
                f"max_sync_calls has to be no less than sync_handlers ({running}), and is {calls}"
            )
        self._max_calls = calls
        self._threads = executor or ThreadPoolExecutor(calls, thread_name_prefix="barewire-handler")
        self._owns_threads = executor is None
        self._lock = threading.Lock()
        self._places = running  # below zero while handlers that waited for their clients go on
        self._calls = 0
        self._queue: deque[_Job] = deque()
        self._of_thread = threading.local()

    def submit(self, function: Callable[[], Any]) -> Future[Any]:
        """Run `function` in a thread. Raises RpcError (RESOURCE_EXHAUSTED) if there are too many calls; with too many
        threads the future does."""
        job = _Job(function)
        with self._lock:
            if self._calls >= self._max_calls:
                what = f"{self._calls} calls of plain `def` handlers run or wait already (max_sync_calls)"
                raise RpcError(StatusCode.RESOURCE_EXHAUSTED, what)
            self._calls += 1
            if self._places <= 0:
                self._queue.append(job)
                return job.future
            self._places -= 1
        self._launch(job)
        return job.future

    @contextmanager
    def parked(self) -> Generator[None]:
        """Around what a handler blocks on that is not its own work: others may run meanwhile."""
        if not getattr(self._of_thread, "has_place", False):  # a thread that a handler has started by itself
            yield
            return
        self._of_thread.has_place = False
        with self._lock:
            self._places += 1
            following = self._take()
        if following is not None:
            self._launch(following)
        try:
            yield
        finally:
            with self._lock:
                self._places -= 1
            self._of_thread.has_place = True

    def shut_down(self) -> None:
        """Start nothing more. Handlers that run are not waited for: a thread cannot be stopped from outside."""
        with self._lock:
            waiting, self._queue = self._queue, deque()
        for job in waiting:
            job.future.cancel()
        if self._owns_threads:
            self._threads.shutdown(wait=False, cancel_futures=True)

    def _launch(self, job: _Job) -> None:
        """Give a job that has its place to a thread, or fail it."""
        try:
            self._threads.submit(self._work, job)
        except Exception as error:  # no thread could be started; or a user's executor
            # The executor may have the job in its line all the same: whoever begins it first has it.
            if self._begin(job) is None:
                return
            logger.error("no thread for a handler: %s", error)
            with self._lock:
                self._calls -= 1
                self._places += 1
            if job.future.set_running_or_notify_cancel():
                reason = f"the server has no thread for the call: {error}"
                job.future.set_exception(RpcError(StatusCode.RESOURCE_EXHAUSTED, reason))

    def _begin(self, job: _Job) -> Callable[[], Any] | None:
        """What is to be run; None if somebody else has begun."""
        with self._lock:
            function, job.function = job.function, None
        return function

    def _take(self) -> _Job | None:
        """The next job, with a place for it. The lock is held."""
        if self._places <= 0 or not self._queue:
            return None
        self._places -= 1
        return self._queue.popleft()

    def _work(self, job: _Job) -> None:
        following: _Job | None = job
        while following is not None:
            future, function = following.future, self._begin(following)
            if function is None:
                return
            if future.set_running_or_notify_cancel():
                self._of_thread.has_place = True
                try:
                    future.set_result(function())
                except BaseException as error:
                    future.set_exception(error)
                self._of_thread.has_place = False
            del future, function  # nothing of a call is kept while the thread is idle
            with self._lock:
                self._calls -= 1
                self._places += 1
                following = self._take()
