"""Threads for plain `def` handlers, bounded in a way that blocked ones do not starve the others.

Two bounds: how many handlers *run* at once, and how many calls there are at all. A handler that waits for its client in
`context.receive()` or `context.send()` does not run: its place goes to the next call, which gets a thread of its own.
So ten handlers that talk to ten slow clients hold up nobody. Past the second bound calls are refused at once.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from ..errors import RpcConfigurationError, RpcError
from ..status import StatusCode

Job = tuple["Future[Any]", Callable[[], Any]]


class SyncHandlers:
    """The handlers of one server. Threads start when they are needed, and are kept."""

    def __init__(self, running: int, calls: int, executor: Executor | None = None) -> None:
        """`running` handlers at once (`sync_handlers`), `calls` that run, wait for their client or wait for a place
        (`max_sync_calls`). `executor` has the threads, if they are not to be our own; it needs as many as there are
        calls for the promise to hold. Raises RpcConfigurationError."""
        if running < 1 or calls < running:
            raise RpcConfigurationError(
                f"sync_handlers ({running}) has to be at least 1, and max_sync_calls ({calls}) no less than it"
            )
        self._max_calls = calls
        self._threads = executor or ThreadPoolExecutor(calls, thread_name_prefix="barewire-handler")
        self._owns_threads = executor is None
        self._lock = threading.Lock()
        self._places = running  # below zero while handlers that waited for their clients go on
        self._calls = 0
        self._queue: deque[Job] = deque()
        self._of_thread = threading.local()

    def submit(self, function: Callable[[], Any]) -> Future[Any]:
        """Run `function` in a thread. Raises RpcError (RESOURCE_EXHAUSTED) if there are too many calls."""
        job: Job = (Future(), function)
        with self._lock:
            if self._calls >= self._max_calls:
                what = f"{self._calls} calls of plain `def` handlers run or wait already (max_sync_calls)"
                raise RpcError(StatusCode.RESOURCE_EXHAUSTED, what)
            self._calls += 1
            if self._places <= 0:
                self._queue.append(job)
                return job[0]
            self._places -= 1
        self._threads.submit(self._work, job)
        return job[0]

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
            self._threads.submit(self._work, following)
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
        for future, _ in waiting:
            future.cancel()
        if self._owns_threads:
            self._threads.shutdown(wait=False, cancel_futures=True)

    def _take(self) -> Job | None:
        """The next job, with a place for it. The lock is held."""
        if self._places <= 0 or not self._queue:
            return None
        self._places -= 1
        return self._queue.popleft()

    def _work(self, job: Job) -> None:
        following: Job | None = job
        while following is not None:
            future, function = following
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
