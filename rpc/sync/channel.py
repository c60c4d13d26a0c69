"""The blocking channel: the threads that use it do its I/O."""

from __future__ import annotations

import contextlib
import os
import socket
import time
import weakref
from collections import deque
from collections.abc import Callable, Generator, Mapping
from functools import partial
from types import TracebackType
from typing import Any

from ..channel_call import ChannelCall
from ..channel_core import CLOSED
from ..client_call_state import ClientCallState
from ..client_channel import ClientChannel
from ..connectivity import READY, ConnectivityState
from ..resolver import Lookup
from ..status import Status, StatusCode
from ..subchannel import Attempt
from ..timers import Timer, Timers
from .dial import Dial, open_socket
from .driver import Driver, Port
from .link import Link
from .lookup import run_lookup
from .methods import StreamStreamMethod, StreamUnaryMethod, UnaryStreamMethod, UnaryUnaryMethod
from .txt_lookup import look_up_txt

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

    waits_for_attempts = True

    def _environment(self) -> Mapping[str, str]:
        return os.environ

    def _set_up(self) -> None:
        self.driver = Driver(self)
        self.links: list[Link] = []
        self._dials: list[Dial] = []
        self._lookups: deque[tuple[Lookup, Callable[[Any], object]]] = deque()
        self._timers = Timers()
        self._mail: deque[Callable[[], object]] = deque()  # posted by any thread, at any time
        self._watchers = 0  # threads that wait for a state
        self._connect_asked = False  # by get_state, and not yet answered
        _channels.add(self)

    # -- what the core asks for -----------------------------------------------------------------------------------

    def now(self) -> float:
        return time.monotonic()

    def schedule(self, when: float, callback: Callable[[], object]) -> Timer:
        return self._timers.schedule(when, callback)

    def post(self, callback: Callable[[], object]) -> None:
        self._mail.append(callback)
        if self.driver.lock.acquire(blocking=False):
            try:
                self.driver.attend()
            finally:
                self.driver.lock.release()
        else:
            self.driver.ring()

    def run(self, lookup: Lookup, done: Callable[[Any], object]) -> None:
        self.attempt_started()
        self._lookups.append((lookup, done))

    def getaddrinfo(self, host: str, port: int) -> Any:
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)

    def look_up_txt(self, name: str) -> list[bytes]:
        return look_up_txt(name)

    def dial(self, attempt: Attempt) -> Dial:
        dial = Dial(self, attempt, open_socket(attempt.address, self._tls, self.tls_name, self.proxy))
        self._dials.append(dial)
        return dial

    def state_changed(self) -> None:
        if self.state is not ConnectivityState.CONNECTING:
            self._connect_asked = False
        self.driver.notify(self)

    # -- calls ----------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def entered(self) -> Generator[None, None, None]:
        """Hold the lock; what has been queued inside goes out at the end."""
        with self.driver.lock:
            try:
                yield
            finally:
                self.driver.attend()

    def submit(self, call: ChannelCall) -> None:
        self.glance()
        super().submit(call)

    def glance(self) -> None:
        """See what has come, if nobody else does: a server may have said good-bye while no call was made."""
        if self.driver.has_leader:
            return
        now = self.now()
        for link in self.links:
            link.read()
            link.handle_timer(now)
        if self._dials:
            self.driver.look(self._dials)
            self._go_on_connecting()
        self._timers.run(now)

    def abandon(self, state: ClientCallState) -> None:
        """Nobody holds this call any more. Safe to call anywhere, from a finalizer too."""
        self.post(state.cancel)

    # -- state ----------------------------------------------------------------------------------------------------

    def get_state(self, try_to_connect: bool = False) -> ConnectivityState:
        """The state of the channel. With `try_to_connect` it leaves IDLE, as it does with a call; but it connects only
        while a thread waits for it, in a call or in one of the two methods below."""
        with self.entered():
            self.glance()
            if try_to_connect and self.state is ConnectivityState.IDLE:
                self.connect()
                self._connect_asked = True
            return self.state

    def wait_for_state_change(
        self, last_observed_state: ConnectivityState, timeout: float | None = None
    ) -> bool:
        """Return True when the state is another one than this, False after `timeout` seconds."""
        with self.entered():
            self.glance()
            until = None if timeout is None else self.now() + timeout
            return self._wait_for_change(last_observed_state, until)

    def _wait_for_change(self, state: ConnectivityState, until: float | None) -> bool:
        self._watchers += 1
        try:
            self.driver.wait(self, lambda: self.state is not state, until)
        finally:
            self._watchers -= 1
        return self.state is not state

    def channel_ready(self, timeout: float | None = None) -> None:
        """Return when there is a connection; tries again and again until then, or raises TimeoutError. Raises
        RuntimeError if the channel is closed."""
        with self.entered():
            self.check_open()
            self.glance()
            until = None if timeout is None else self.now() + timeout
            while self.state is not READY:
                if self.state is ConnectivityState.IDLE:
                    self.connect()
                if not self._wait_for_change(self.state, until):
                    raise TimeoutError(
                        f"no connection to {self.target} within {timeout:g} s: {self.last_error}"
                    )
                self.check_open()

    # -- what the driver asks for ---------------------------------------------------------------------------------

    def turn(self) -> float | None:
        now = self.now()
        for call in list(self._pending):
            if call.status is None and call.deadline is not None and call.deadline <= now:
                call.expired_while_pending()
            if call.status is not None:
                self._pending.pop(call, None)
        for link in self.links:
            link.handle_timer(now)
        self._timers.run(now)
        self._look_up()
        self._go_on_connecting()
        self._flush()
        self._see_off()
        return self._next_due()

    def tidy(self) -> None:
        self._flush()
        if self.state is ConnectivityState.CONNECTING and not self._is_wanted:
            self.enter_idle()
            for _ in self._lookups:
                self.attempt_ended()
            self._lookups.clear()
        self._see_off()
        if self._closed:
            self.driver.close()

    @property
    def _is_wanted(self) -> bool:
        """Whether somebody waits for a connection, or is going to."""
        return bool(self._watchers or self._connect_asked) or any(
            call.status is None for call in self._pending
        )

    def needs_leader(self, wakes_at: float | None) -> bool:
        self._flush()
        due = self._next_due()
        return (
            (due is not None and (wakes_at is None or due < wakes_at))
            or any(link.blocked or link.core.ended for link in self.links)
            or self._closed
        )

    def has_mail(self) -> bool:
        return bool(self._mail)

    def ports(self) -> list[Port]:
        return [*self.links, *self._dials]

    def _look_up(self) -> None:
        while self._lookups:
            lookup, done = self._lookups.popleft()
            try:
                found = self.driver.unlocked(partial(run_lookup, lookup))
            finally:
                self.attempt_ended()
            done(found)

    def _go_on_connecting(self) -> None:
        for dial in list(self._dials):
            if dial.runnable and not dial.cancelled:
                dial.advance()
            if dial.link is not None and not dial.cancelled:
                self.links.append(dial.link)
        self._dials = [dial for dial in self._dials if not (dial.cancelled or dial.link is not None)]

    def _flush(self) -> None:
        while self._mail:
            self._mail.popleft()()
        for link in self.links:
            link.flush()

    def _see_off(self) -> None:
        """Close the sockets of connections that have ended. What a socket does not take by now is not said."""
        if any(link.core.ended for link in self.links):
            for link in self.links:
                if link.core.ended:
                    link.dispose()
            self.links = [link for link in self.links if not link.core.ended]
            self.driver.notify(self)

    def _next_due(self) -> float | None:
        if self._lookups or any(dial.runnable and not dial.cancelled for dial in self._dials):
            return 0.0
        times = [due for link in self.links if (due := link.core.next_timer()) is not None]
        times += [call.deadline for call in self._pending if call.deadline is not None]
        if (due := self._timers.next_due()) is not None:
            times.append(due)
        return min(times, default=None)

    # -- ending ---------------------------------------------------------------------------------------------------

    def close(self, grace: float | None = None) -> None:
        """Close the channel. Calls in flight get `grace` seconds to end (None: none), then they are cancelled."""
        with self.entered():
            if self._closed:
                return
            self.shut_down()
            if grace:
                self.driver.wait(self, lambda: not self.links, self.now() + grace)
            for link in self.links:
                link.core.cancel_calls(CLOSED)
                link.core.close("the channel was closed")
                link.schedule_flush()

    def after_fork(self) -> None:
        """In a child: leave the parent's connections alone."""
        links, self.links = self.links, []
        pending, self._pending = self._pending, {}
        self.driver.abandon()
        self.driver = Driver(self)  # the old one's lock may be held by a thread that is not here
        # Threads that are not here may have been in the midst of something.
        for call in pending:
            call.ended(_ORPHANED)
        self.retries.end_waiting(_ORPHANED)
        for link in links:
            with contextlib.suppress(Exception):
                link.orphan(_ORPHANED)
            link.dispose()
        with contextlib.suppress(Exception):
            self.enter_idle()
        self._attempts = 0  # a lookup of the parent's never ends here
        self._set_up()

    def __enter__(self) -> Channel:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _after_fork() -> None:
    for channel in list(_channels):
        channel.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
