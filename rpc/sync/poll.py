"""Waiting for sockets. Nothing is kept in the kernel between two calls, so a fork has nothing to inherit."""

from __future__ import annotations

import math
import select
from collections.abc import Mapping

READ = 1
WRITE = 2

_LONGEST = 86_400.0  # seconds; the system counts milliseconds in an int of C, and has no infinity


def wait_for_sockets(wants: Mapping[int, int], timeout: float | None) -> dict[int, int]:
    """Which of these file descriptors are ready, and for what, after at most `timeout` seconds (None: no limit).

    It may come back earlier with none of them."""
    if timeout is not None:
        timeout = min(timeout, _LONGEST)
    if hasattr(select, "poll"):
        return _poll(wants, timeout)
    reading = [fd for fd, events in wants.items() if events & READ]
    writing = [fd for fd, events in wants.items() if events & WRITE]
    readable, writable, failed = select.select(reading, writing, writing, timeout)
    ready: dict[int, int] = dict.fromkeys(readable, READ)
    for fd in (*writable, *failed):
        ready[fd] = ready.get(fd, 0) | WRITE
    return ready


def _poll(wants: Mapping[int, int], timeout: float | None) -> dict[int, int]:
    poller = select.poll()
    for fd, events in wants.items():
        poller.register(
            fd, (select.POLLIN if events & READ else 0) | (select.POLLOUT if events & WRITE else 0)
        )
    ready: dict[int, int] = {}
    for fd, events in poller.poll(None if timeout is None else math.ceil(timeout * 1000)):
        trouble = events & ~(select.POLLIN | select.POLLOUT)  # the next read or write says what it is
        readable = READ if events & select.POLLIN or trouble else 0
        ready[fd] = readable | (WRITE if events & select.POLLOUT or trouble else 0)
    return ready
