"""Timers without a clock: callbacks in the order in which they are due, run by whoever knows the time."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from itertools import count
from typing import Protocol


class TimerHandle(Protocol):
    """What `schedule` returns (asyncio.TimerHandle is one)."""

    def cancel(self) -> None:
        """The callback is not called any more."""
        ...


class Timer:
    """One callback that waits for its time."""

    __slots__ = ("callback",)

    def __init__(self, callback: Callable[[], object]) -> None:
        self.callback: Callable[[], object] | None = callback

    def cancel(self) -> None:
        self.callback = None


class Timers:
    """A heap of timers. Times are those of the caller's clock, in seconds."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Timer]] = []
        self._order = count()

    def schedule(self, when: float, callback: Callable[[], object]) -> Timer:
        """Have `run` call this once `when` has come, unless it is cancelled before."""
        timer = Timer(callback)
        heapq.heappush(self._heap, (when, next(self._order), timer))
        return timer

    def next_due(self) -> float | None:
        """When the next callback is due; None without any."""
        heap = self._heap
        while heap and heap[0][2].callback is None:
            heapq.heappop(heap)
        return heap[0][0] if heap else None

    def run(self, now: float) -> None:
        """Call all that is due; not what the callbacks schedule for now, that is the next run's."""
        due: list[Timer] = []
        while (when := self.next_due()) is not None and when <= now:
            due.append(heapq.heappop(self._heap)[2])
        for timer in due:
            callback, timer.callback = timer.callback, None
            if callback is not None:
                callback()
