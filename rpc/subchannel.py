"""Subchannels: one address of a channel, with its state, its backoff and its connections."""

from __future__ import annotations

import os
import random
import re
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from .backoff import BackoffPolicy
from .channelz import SubchannelNode
from .client_interfaces import CallLink
from .connectivity import (
    CONNECTING,
    IDLE,
    READY,
    SHUTDOWN,
    SUBCHANNEL_TRANSITIONS,
    TRANSIENT_FAILURE,
    ConnectivityState,
)
from .counters import CallCounters
from .errors import RpcConfigurationError
from .limits import Limits
from .target import Target
from .timers import TimerHandle

if TYPE_CHECKING:
    from .load_watch import LoadReports
    from .subchannel_stream import SubchannelStream


class Dial(Protocol):
    """A connection that a shell is making."""

    def cancel(self) -> None:
        """Give it up, and close what there is of it. Its attempt hears no more of it."""
        ...


class SubchannelOwner(Protocol):
    """What subchannels need of their channel."""

    limits: Limits
    backoff: BackoffPolicy
    rng: random.Random
    max_connections_per_subchannel: int
    authority: str
    scheme: str

    def now(self) -> float: ...

    def schedule(self, when: float, callback: Callable[[], object]) -> TimerHandle: ...

    def dial(self, attempt: Attempt) -> Dial:
        """Begin to connect to `attempt.address`; what becomes of it is told to the attempt, later."""
        ...

    def subchannel_made(self, subchannel: Subchannel) -> None: ...

    def subchannel_shut_down(self, subchannel: Subchannel) -> None: ...

    def attempt_started(self) -> None: ...

    def attempt_ended(self) -> None: ...

    def place_pending(self) -> None:
        """Ask again for all calls that wait."""
        ...


class Attempt:
    """One attempt to connect, and afterwards the connection that came of it. This is what shells talk to."""

    __slots__ = ("_dial", "_subchannel", "_timer", "address", "calls", "started")

    def __init__(self, subchannel: Subchannel, owner: SubchannelOwner) -> None:
        self._subchannel = subchannel
        self.address = subchannel.address
        self.calls = subchannel.calls  # for the connection to count its calls in
        self.started = owner.now()
        timeout = owner.limits.connect_timeout
        self._timer: TimerHandle | None = owner.schedule(self.started + timeout, self._timed_out)
        self._dial: Dial | None = owner.dial(self)
        owner.attempt_started()

    def _timed_out(self) -> None:
        timeout = self._subchannel.owner.limits.connect_timeout
        self.failed(TimeoutError(f"no answer within {timeout:g} s (connect_timeout)"))

    def connected(self, link: CallLink) -> None:
        """The server's SETTINGS have come: the connection takes calls."""
        if not link.core.accepts_calls:
            self.failed(ConnectionError("the server takes no calls (GOAWAY)"))
        elif self._dial is not None:
            self._settle()
            self._subchannel.connected(self, link)

    def failed(self, error: Exception) -> None:
        """There will be no connection."""
        dial = self._dial
        if dial is not None:
            self._settle()
            dial.cancel()
            self._subchannel.attempt_failed(self, describe_failure(error))

    def unusable(self, link: CallLink, reason: str) -> None:
        """The connection takes no further calls (GOAWAY, lost, closed); those on it may still run."""
        if self._dial is not None:
            self.failed(ConnectionError(reason))
        else:
            self._subchannel.link_unusable(link, reason)

    def cancel(self) -> None:
        """Nobody wants this connection any more."""
        dial = self._dial
        if dial is not None:
            self._settle()
            dial.cancel()

    @property
    def node(self) -> SubchannelNode | None:
        """What channelz shows the connection in."""
        return self._subchannel.node

    def _settle(self) -> None:
        self._dial = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._subchannel.owner.attempt_ended()


class Subchannel:
    """One address, and the connection to it.

    It connects when it is told to, and goes IDLE when it has lost its connection or its backoff is over. `on_change` is
    called after every change of `state`, which is `connectivity` unless the subchannel is ejected.
    """

    __slots__ = (
        "__weakref__",
        "_attempt",
        "_failures",
        "_ready_since",
        "_retry",
        "_started",
        "address",
        "calls",
        "connectivity",
        "ejected",
        "last_error",
        "link",
        "links",
        "load_reports",
        "node",
        "on_change",
        "owner",
        "state",
        "streams",
    )

    def __init__(
        self, owner: SubchannelOwner, address: Target, on_change: Callable[[Subchannel], object]
    ) -> None:
        self.owner = owner
        self.address = address
        self.on_change = on_change
        self.state = self.connectivity = IDLE
        self.ejected = ""  # why it is
        self.calls = CallCounters()
        self.node: SubchannelNode | None = None  # in channelz
        self.last_error = ""  # of its attempts to connect
        self.link: CallLink | None = None  # the connection that takes calls; None unless READY
        self.links: list[CallLink] = []  # all that do (R71)
        self.streams: list[
            SubchannelStream
        ] = []  # calls of the channel itself: for the server's health and its load
        self.load_reports: LoadReports | None = None  # who listens to the latter
        self._attempt: Attempt | None = None
        self._failures = 0
        self._started = 0.0  # the last attempt
        self._ready_since = 0.0
        self._retry: TimerHandle | None = None
        owner.subchannel_made(self)

    @property
    def open_calls(self) -> int:
        """Calls of the application that run here now."""
        return sum(link.core.open_calls for link in self.links) - sum(each.is_open for each in self.streams)

    @property
    def failure(self) -> str:
        """Why it is not READY."""
        return self.ejected or self.last_error

    @property
    def is_connecting(self) -> bool:
        """Whether a connection is being made, be it a further one."""
        return self._attempt is not None

    # -- what balancers do ----------------------------------------------------------------------------------------

    def connect(self) -> None:
        """Begin to connect, if it is IDLE."""
        if self.connectivity is IDLE:
            self._begin_attempt()
            self._become(CONNECTING)

    def shut_down(self) -> None:
        """This address is no longer needed. Calls on its connections run to their end."""
        if self.connectivity is SHUTDOWN:
            return
        self.state = self.connectivity = SHUTDOWN  # nobody has to be told: who does this knows
        if self._attempt is not None:
            self._attempt.cancel()
            self._attempt = None
        self._stop_retry()
        links, self.links = self.links, []
        self._links_changed()
        for link in links:
            _drain(link)
        self.owner.subchannel_shut_down(self)

    def eject(self, reason: str, *, tell: bool = True) -> None:
        """Show TRANSIENT_FAILURE from now on, whatever becomes of the connection, which is kept (A50)."""
        if self.connectivity is SHUTDOWN or self.ejected:
            return
        self.ejected = reason
        self._show(TRANSIENT_FAILURE, tell=tell)

    def readmit(self) -> None:
        """Show again what the connection is."""
        if self.ejected:
            self.ejected = ""
            self._show(self.connectivity)

    # -- several connections (R71) --------------------------------------------------------------------------------

    def choose_link(self) -> CallLink | None:
        """The connection for the next call: the first with a stream to spare, else the one with the fewest calls. None
        without any, and while a further one is being made."""
        for link in list(self.links):
            if not link.core.accepts_calls:  # its stream ids are used up (R73), or its GOAWAY has just come
                self.link_unusable(link, "it takes no further calls")
                _drain(link)
            elif has_stream(link):
                return link
        if not self.links:
            return None
        if len(self.links) < self.owner.max_connections_per_subchannel:
            if self._attempt is None and self.owner.now() >= self._earliest_attempt():
                self._begin_attempt()
            if self._attempt is not None:
                return None
        return min(self.links, key=lambda link: link.core.open_calls, default=None)

    # -- what attempts tell ---------------------------------------------------------------------------------------

    def connected(self, attempt: Attempt, link: CallLink) -> None:
        """An attempt has succeeded."""
        if self._attempt is not attempt:
            return
        self._attempt = None
        self._failures = 0
        self.last_error = ""
        self.links.append(link)
        self._links_changed()
        if self.connectivity is CONNECTING:
            self._ready_since = self.owner.now()
            self._become(READY)
        else:  # a further one
            self.owner.place_pending()

    def attempt_failed(self, attempt: Attempt, reason: str) -> None:
        """An attempt has failed."""
        if self._attempt is not attempt:
            return
        self._attempt = None
        self._failures += 1
        self.last_error = reason
        if self.connectivity is CONNECTING:
            self._back_off()
        else:  # it was to be a further one
            self.owner.place_pending()

    def link_unusable(self, link: CallLink, reason: str) -> None:
        """A connection takes no further calls."""
        if link not in self.links:
            return
        self.links.remove(link)
        self._links_changed()
        if self.link is not None or self.connectivity is not READY:
            return
        if self._attempt is not None:
            self._attempt.cancel()
            self._attempt = None
        # A server that hangs up as soon as it has greeted is as good as none: without this, it is called in a loop.
        if (
            not link.core.streams.started
            and self.owner.now() - self._ready_since < self.owner.backoff.initial
        ):
            self._failures = 1
            self.last_error = reason
            self._back_off()
        else:
            self._become(IDLE)

    # -- inside ---------------------------------------------------------------------------------------------------

    def _links_changed(self) -> None:
        self.link = self.links[0] if self.links else None
        for stream in list(self.streams):
            stream.follow()

    def _begin_attempt(self) -> None:
        self._started = self.owner.now()
        self._attempt = Attempt(self, self.owner)

    def _earliest_attempt(self) -> float:
        """When the next attempt may begin (R78): counted from the beginning of the last one."""
        if not self._failures:
            return self._started
        return self._started + self.owner.backoff.delay(self._failures, self.owner.rng)

    def _back_off(self) -> None:
        self._retry = self.owner.schedule(self._earliest_attempt(), self._backoff_over)
        self._become(TRANSIENT_FAILURE)

    def _backoff_over(self) -> None:
        self._retry = None
        if self.connectivity is TRANSIENT_FAILURE:
            self._become(IDLE)

    def _stop_retry(self) -> None:
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None

    def _become(self, state: ConnectivityState) -> None:
        assert state in SUBCHANNEL_TRANSITIONS[self.connectivity], (self.connectivity, state)
        self.connectivity = state
        if self.node is not None:
            self.node.trace.add_state(state, self.last_error)
        if not self.ejected:
            self._show(state)

    def _show(self, state: ConnectivityState, *, tell: bool = True) -> None:
        if state is not self.state:
            self.state = state
            if tell:
                self.on_change(self)

    def __repr__(self) -> str:
        return f"<Subchannel {self.address} {self.state.name}>"


def has_stream(link: CallLink) -> bool:
    """Whether a call would get a stream there at once."""
    http2 = link.core.http2
    return http2.open_stream_count < http2.peer_max_concurrent_streams


def _drain(link: CallLink) -> None:
    link.core.drain()
    link.schedule_flush()


def describe_failure(error: Exception) -> str:
    """Why connecting failed, in the system's words; asyncio names the call that failed instead."""
    if isinstance(error, socket.gaierror):
        return f"the name cannot be resolved: {error.strerror or error}"
    if is_fault(error):
        return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    numbers = dict.fromkeys(re.findall(r"\[Errno (\d+)\]", str(error)))
    return ", ".join(os.strerror(int(number)) for number in numbers) or str(error) or type(error).__name__


def is_fault(error: Exception) -> bool:
    """Whether an error looks like one of a program: no word of the system's, and none for those who configure it."""
    return not isinstance(error, (OSError, RpcConfigurationError))
