"""Who does a channel's I/O: of all threads that wait for something, one at a time.

The *leader* waits for the sockets and feeds the cores, for everybody; the others, its *followers*, sleep until what
happens concerns them. A leader that has got what it waited for hands over to a follower. One lock guards the channel
and its cores; it is free while the leader waits and while code of the user runs.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from .poll import READ, wait_for_sockets

Result = TypeVar("Result")


class Port(Protocol):
    """A socket that the leader watches."""

    @property
    def fd(self) -> int: ...

    @property
    def events(self) -> int: ...

    def on_ready(self, events: int) -> None: ...


class Work(Protocol):
    """What there is to do in a channel. All of it is called with the lock held."""

    def turn(self) -> float | None:
        """Do all that is due. Returns when more will be."""
        ...

    def tidy(self) -> None:
        """Send what can be sent at once, and see off what has ended. Nobody waits for the sockets."""
        ...

    def ports(self) -> list[Port]: ...

    def has_mail(self) -> bool:
        """Whether a thread without the lock has left something to do."""
        ...

    def needs_leader(self, wakes_at: float | None) -> bool:
        """Send what can be sent at once. Whether the leader, which is going to wake at that time, has to know."""
        ...


class _Line:
    """The followers that wait for one thing."""

    def __init__(self, lock: threading.Lock) -> None:
        self.changed = threading.Condition(lock)
        self.length = 0


class Driver:
    """The lock of a channel, and the threads that wait under it."""

    def __init__(self, work: Work) -> None:
        self.lock = threading.Lock()
        self._work = work
        self._has_leader = False
        self._leads_for: object = None
        self._waiting = False  # the leader is waiting for the sockets, and the lock is free
        self._wakes_at: float | None = None
        self._lines: dict[object, _Line] = {}
        self._bell: tuple[socket.socket, socket.socket] | None = None  # what wakes the leader

    @property
    def has_leader(self) -> bool:
        return self._has_leader

    def notify(self, key: object) -> None:
        """Something has changed for those who wait for `key`."""
        line = self._lines.get(key)
        if line is not None:
            line.changed.notify_all()
        if key is self._leads_for:
            self.ring()

    def wait(self, key: object, done: Callable[[], bool], until: float | None = None) -> None:
        """Return when `done` (looked at again after each `notify(key)`), or at the time `until`. The lock is held
        before and after."""
        try:
            while not done() and (until is None or time.monotonic() < until):
                if self._has_leader:
                    self._follow(key, until)
                else:
                    self._lead(key, done, until)
        finally:
            if not self._has_leader and self._lines:
                next(iter(self._lines.values())).changed.notify_all()

    def attend(self) -> None:
        """Something may be there to be sent, or be due earlier than it was."""
        if not self._has_leader:
            self._work.tidy()
        elif self._work.needs_leader(self._wakes_at):
            self.ring()

    def ring(self) -> None:
        """Wake the leader, if it waits for the sockets. Any thread may do this, without the lock too."""
        if self._waiting and self._bell is not None:
            with contextlib.suppress(OSError):  # full: it rings already
                self._bell[1].send(b"\0")

    def look(self, ports: Sequence[Port]) -> None:
        """Tell those of the ports that are ready, without waiting."""
        watched = {port.fd: port for port in ports if port.fd >= 0}
        ready = wait_for_sockets({fd: port.events for fd, port in watched.items()}, 0.0)
        for fd, events in ready.items():
            watched[fd].on_ready(events)

    def unlocked(self, action: Callable[[], Result]) -> Result:
        """Run something that takes its time, without the lock."""
        self.lock.release()
        try:
            return action()
        finally:
            self.lock.acquire()

    def close(self) -> None:
        """Free what the driver holds; it can still be used."""
        if not self._has_leader:
            self.abandon()

    def abandon(self) -> None:
        """The same in a child of a fork, where the leader is not."""
        if self._bell is not None:
            for end in self._bell:
                end.close()
            self._bell = None

    # -- the two parts --------------------------------------------------------------------------------------------

    def _follow(self, key: object, until: float | None) -> None:
        self.attend()
        line = self._lines.get(key)
        if line is None:
            line = self._lines[key] = _Line(self.lock)
        line.length += 1
        try:
            line.changed.wait(None if until is None else max(0.0, until - time.monotonic()))
        finally:
            line.length -= 1
            if not line.length:
                del self._lines[key]

    def _lead(self, key: object, done: Callable[[], bool], until: float | None) -> None:
        self._has_leader = True
        self._leads_for = key
        try:
            while True:
                due = self._work.turn()
                now = time.monotonic()
                if done() or (until is not None and now >= until):
                    return
                self._wait_for_sockets(_earlier(due, until), now)
                if done():
                    return
        finally:
            self._has_leader = False
            self._leads_for = None
            self._work.tidy()

    def _wait_for_sockets(self, due: float | None, now: float) -> None:
        if self._bell is None:
            self._bell = socket.socketpair()
            for end in self._bell:
                end.setblocking(False)
        bell = self._bell[0]
        ports = {port.fd: port for port in self._work.ports() if port.fd >= 0}
        wants = {fd: port.events for fd, port in ports.items()}
        wants[bell.fileno()] = READ
        self._wakes_at = due
        self._waiting = True
        try:
            timeout = None if due is None else max(0.0, due - now)
            if self._work.has_mail():  # it came before `_waiting` could be seen
                timeout = 0.0
            ready = self.unlocked(lambda: wait_for_sockets(wants, timeout))
        finally:
            self._waiting = False
        for fd, events in ready.items():
            port = ports.get(fd)
            if port is not None:
                port.on_ready(events)
            else:
                with contextlib.suppress(OSError):
                    bell.recv(4096)


def _earlier(first: float | None, second: float | None) -> float | None:
    if first is None or second is None:
        return second if first is None else first
    return min(first, second)
