"""The blocking channel: the threads that use it do its I/O."""

from __future__ import annotations

import contextlib
import os
import time
import weakref
from collections import deque
from collections.abc import Callable, Generator
from types import TracebackType
from typing import Any

from ..client_call_state import CallLink, ClientCallState
from ..client_channel import CLOSED, ClientChannel
from ..status import Status, StatusCode
from ..timers import Timer, Timers
from .dial import Attempt, dial
from .driver import Driver, Port
from .link import Link
from .methods import StreamStreamMethod, StreamUnaryMethod, UnaryStreamMethod, UnaryUnaryMethod

_ORPHANED = Status(
    StatusCode.UNAVAILABLE,
    "the process was forked: this call goes on in the parent, the channel makes a connection of its own here",
    final=True,
)
_channels: weakref.WeakSet[Channel] = weakref.WeakSet()


class Channel(
    ClientChannel[
        UnaryUnaryMethod[Any], UnaryStreamMethod[Any], StreamUnaryMethod[Any], StreamStreamMethod[Any]
    ]
):
    """A channel to one target for blocking code. Its arguments are those of `barewire.rpc.Channel`.

    Any number of threads may use one channel. The one that waits does the I/O, for the others too: there is no event
    loop and no thread of the channel's own, so between calls nobody answers the server's PINGs.

    A child of a fork has its own connection: calls of the parent end there with UNAVAILABLE, and run on in the parent.
    """

    _unary_unary = UnaryUnaryMethod[Any]
    _unary_stream = UnaryStreamMethod[Any]
    _stream_unary = StreamUnaryMethod[Any]
    _stream_stream = StreamStreamMethod[Any]

    def _set_up(self) -> None:
        self.driver = Driver(self)
        self._link: Link | None = None  # the one that takes new calls
        self._links: list[Link] = []
        self._attempt: Attempt | None = None
        self._attempt_link: Link | None = None  # connected, but without the server's SETTINGS
        self._abandoned: deque[ClientCallState] = deque()  # by whoever collects garbage, at any time
        self._want_ready = 0
        self._timers = Timers()
        _channels.add(self)

    def now(self) -> float:
        return time.monotonic()

    def schedule(self, when: float, callback: Callable[[], object]) -> Timer:
        return self._timers.schedule(when, callback)

    # -- calls ----------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def entered(self) -> Generator[None, None, None]:
        """Hold the lock; what has been queued inside goes out at the end."""
        with self.driver.lock:
            try:
                yield
            finally:
                self.driver.attend()

    def submit(self, state: ClientCallState) -> None:
        if self._closed:
            state.ended(CLOSED)
            return
        self.glance()
        super().submit(state)

    def glance(self) -> None:
        """See what has come, if nobody else does: a server may have said good-bye while no call was made."""
        if not self.driver.has_leader:
            now = self.now()
            for link in self._links:
                link.read()
                link.handle_timer(now)
            self._timers.run(now)

    def abandon(self, state: ClientCallState) -> None:
        """Nobody holds this call any more. Safe to call anywhere, from a finalizer too."""
        self._abandoned.append(state)
        if self.driver.lock.acquire(blocking=False):
            try:
                self.driver.attend()
            finally:
                self.driver.lock.release()

    def link_unusable(self, link: Link) -> None:
        """A connection takes no further calls; those on it may still run."""
        if self._link is link:
            self._link = None

    def _usable_link(self) -> CallLink | None:
        return self._link

    # -- connecting -----------------------------------------------------------------------------------------------

    def channel_ready(self, timeout: float | None = None) -> None:
        """Return when there is a connection; tries again and again until then, or raises TimeoutError."""
        with self.entered():
            self.check_open()
            self.glance()
            self._want_ready += 1
            try:
                until = None if timeout is None else self.now() + timeout
                self.driver.wait(self, lambda: self._link is not None or self._closed, until)
            finally:
                self._want_ready -= 1
            self.check_open()
            if self._link is None:
                raise TimeoutError(f"no connection to {self.target} within {timeout:g} s: {self.last_error}")

    @property
    def _wants_link(self) -> bool:
        return bool(self._pending or self._want_ready) and self._link is None and not self._closed

    def _connect(self) -> None:
        """The leader's turns do it; see `_go_on_connecting`."""

    def _go_on_connecting(self, now: float) -> None:
        if not self._wants_link:
            self._drop_attempt()
            return
        if self._attempt is None:
            if self._failures and now < self._next_attempt:
                return
            give_up_at = now + self.limits.connect_timeout
            steps = dial(self.target, self._tls, self.tls_name, give_up_at)
            self._attempt = Attempt(steps, now, give_up_at)
        attempt = self._attempt
        try:
            if self._attempt_link is None and attempt.runnable(now):
                sock = self.driver.unlocked(attempt.step)
                if sock is not None:
                    self._attempt_link = Link(self, sock)
                    self._links.append(self._attempt_link)
            if self._attempt_link is not None:
                self._await_settings(self._attempt_link, attempt, now)
        # Not OSError alone: a host that is no name is a UnicodeError, one that TLS cannot check a ValueError.
        except Exception as error:
            self._drop_attempt()
            self._attempt_failed(attempt.started, error)

    def _await_settings(self, link: Link, attempt: Attempt, now: float) -> None:
        if link.core.ended:
            raise ConnectionError(link.end_reason)
        if link.ready:
            if not link.core.accepts_calls:
                raise ConnectionError("the server takes no calls (GOAWAY)")
            self._attempt = self._attempt_link = None
            self._link = link
            self._start_pending(link)
            self.driver.notify(self)
        elif now >= attempt.give_up_at:
            raise TimeoutError

    def _drop_attempt(self) -> None:
        attempt, link = self._attempt, self._attempt_link
        self._attempt = self._attempt_link = None
        if link is not None:
            link.lost("no connection")
        elif attempt is not None:
            attempt.drop()

    # -- what the driver asks for ---------------------------------------------------------------------------------

    def turn(self) -> float | None:
        now = self.now()
        for state in list(self._pending):
            if state.status is None and state.deadline is not None and state.deadline <= now:
                state.expired_while_pending()
            if state.status is not None:
                del self._pending[state]
        for link in self._links:
            link.handle_timer(now)
        self._timers.run(now)
        self._go_on_connecting(now)
        self._flush()
        self._see_off()
        return self._next_due()

    def tidy(self) -> None:
        self._flush()
        if self._attempt is not None and all(state.status is not None for state in self._pending):
            self._pending.clear()
            if not self._wants_link:
                self._drop_attempt()
        self._see_off()
        if self._closed:
            self.driver.close()

    def needs_leader(self, wakes_at: float | None) -> bool:
        self._flush()
        due = self._next_due()
        return (
            (due is not None and (wakes_at is None or due < wakes_at))
            or any(link.blocked or link.core.ended for link in self._links)
            or self._closed
        )

    def ports(self) -> list[Port]:
        ports: list[Port] = list(self._links)
        if self._attempt is not None and self._attempt_link is None:
            ports.append(_AttemptPort(self._attempt))
        return ports

    def _flush(self) -> None:
        while self._abandoned:
            self._abandoned.popleft().cancel()
        for link in self._links:
            link.flush()

    def _see_off(self) -> None:
        """Close the sockets of connections that have ended. What a socket does not take by now is not said."""
        if any(link.core.ended for link in self._links):
            for link in self._links:
                if link.core.ended:
                    link.dispose()
            self._links = [link for link in self._links if not link.core.ended]
            self.driver.notify(self)

    def _next_due(self) -> float | None:
        times = [due for link in self._links if (due := link.core.next_timer()) is not None]
        times += [state.deadline for state in self._pending if state.deadline is not None]
        if (due := self._timers.next_due()) is not None:
            times.append(due)
        if self._attempt is not None:
            interest = self._attempt.interest
            if interest is None:
                return 0.0
            times.append(self._attempt.give_up_at if self._attempt_link is not None else interest.give_up_at)
        elif self._wants_link:
            times.append(self._next_attempt if self._failures else 0.0)
        return min(times, default=None)

    # -- ending ---------------------------------------------------------------------------------------------------

    def close(self, grace: float | None = None) -> None:
        """Close the channel. Calls in flight get `grace` seconds to end (None: none), then they are cancelled."""
        with self.entered():
            if self._closed:
                return
            self._closed = True
            self._end_pending(CLOSED)
            if grace:
                for link in self._links:
                    link.core.drain()
                    link.schedule_flush()
                self.driver.wait(self, lambda: not self._links, self.now() + grace)
            for link in self._links:
                link.core.cancel_calls(CLOSED)
                link.core.close("the channel was closed")
                link.schedule_flush()

    def after_fork(self) -> None:
        """In a child: leave the parent's connections alone."""
        links, attempt = self._links, self._attempt
        pending, self._pending = self._pending, {}
        self.driver.abandon()
        self.driver = Driver(self)  # the old one's lock may be held by a thread that is not here
        self._links, self._link = [], None
        self._attempt = self._attempt_link = None
        self._want_ready = 0
        self._timers = Timers()
        self._failures = 0
        # Threads that are not here may have been in the midst of something.
        for state in pending:
            state.ended(_ORPHANED)
        for link in links:
            with contextlib.suppress(Exception):
                link.orphan(_ORPHANED)
            link.dispose()
        if attempt is not None:
            with contextlib.suppress(Exception):
                attempt.drop()

    def __enter__(self) -> Channel:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _AttemptPort:
    """The socket of an attempt to connect."""

    def __init__(self, attempt: Attempt) -> None:
        self._attempt = attempt

    @property
    def fd(self) -> int:
        interest = self._attempt.interest
        return -1 if interest is None else interest.sock.fileno()

    @property
    def events(self) -> int:
        interest = self._attempt.interest
        return 0 if interest is None else interest.events

    def on_ready(self, events: int) -> None:
        self._attempt.ready = True


def _after_fork() -> None:
    for channel in list(_channels):
        channel.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
