"""A stream that a channel itself keeps open on a connection, to be told something: health (A17), load (A51)."""

from __future__ import annotations

import logging

from .channelz import Severity
from .client_call import ClientCall
from .client_interfaces import CallLink
from .compression import CompressionError
from .envelope import Envelope
from .headers import request_headers
from .status import Status, StatusCode
from .subchannel import Subchannel
from .timers import TimerHandle


class SubchannelStream:
    """A call of a method with one request and many responses, on the connection of a subchannel, whenever it has one.

    When it ends it is made again: at once if it had told something, else after a while. A server that does not have the
    method is not asked again on this connection. It moves on when the connection takes no further calls: it would keep
    that alive. Subclasses override `request`, `received`, `failed` and `refused`.
    """

    path: str  # "/package.Service/Method"
    what: str  # the service, in messages
    log: logging.Logger

    def __init__(self, subchannel: Subchannel) -> None:
        self.subchannel = subchannel
        self.link: CallLink | None = None  # that the call runs on
        self._call: ClientCall | None = None
        self._refused_by: CallLink | None = None  # whose server does not have the method
        self._answered = False
        self._failures = 0
        self._retry: TimerHandle | None = None

    def request(self) -> bytes:
        """The encoded request."""
        raise NotImplementedError

    def received(self, payload: bytes) -> None:
        """A response. Raises ValueError if it cannot be read."""
        raise NotImplementedError

    def failed(self, reason: str) -> None:
        """The call has ended, or what it says cannot be read."""

    def refused(self) -> None:
        """The server does not have the method."""

    @property
    def is_open(self) -> bool:
        """Whether it is one of the calls of its connection."""
        return self._call is not None

    def begin(self) -> None:
        """Make the call, and keep making it until `close`."""
        if self not in self.subchannel.streams:
            self.subchannel.streams.append(self)
        self._failures = 0
        self._make_call()

    def follow(self) -> None:
        """The subchannel may have another connection, or none."""
        if self.link is not self.subchannel.link:
            self._give_up_call()
            self._failures = 0
            self._make_call()

    def close(self) -> None:
        """Nobody cares for what the stream says."""
        if self in self.subchannel.streams:
            self.subchannel.streams.remove(self)
        self._give_up_call()

    def _make_call(self) -> None:
        self._retry = None
        link = self.link = self.subchannel.link
        if link is None or link is self._refused_by:
            return
        self._answered = False
        owner = self.subchannel.owner
        headers = request_headers(self.path, owner.authority, owner.scheme)
        call = self._call = link.core.start_call(headers, None, None, owner.now())
        call.sink = self
        call.send_message(self.request())
        call.end_sending()
        link.schedule_flush()

    def _give_up_call(self) -> None:
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None
        call, self._call = self._call, None
        if call is not None:
            call.sink = _NOBODY
            call.cancel()
            if self.link is not None:
                self.link.schedule_flush()

    # -- the sink of the call -------------------------------------------------------------------------------------

    def wake(self) -> None:
        """Nothing waits for it."""

    def response_started(self) -> None:
        """It may take long until it tells something."""

    def message_received(self, envelope: Envelope, size: int) -> None:
        """The server tells something."""
        call = self._call
        if call is None:
            return
        call.consumed(size)
        self._answered = True
        self._failures = 0
        try:
            self.received(call.open(envelope))
        except (ValueError, CompressionError) as error:
            self.failed(f"what its {self.what} says cannot be read: {error}")

    def ended(self, status: Status) -> None:
        """The call is over. If its connection is too, the subchannel is going to say so."""
        self._call = None
        if status.code is StatusCode.UNIMPLEMENTED:
            self._unsupported()
            return
        owner = self.subchannel.owner
        wait = 0.0
        if not self._answered:
            self._failures += 1
            wait = owner.backoff.delay(self._failures, owner.rng)
        self._retry = owner.schedule(owner.now() + wait, self._make_call)
        self.failed(f"its {self.what} failed: {status.code.name} {status.message}")  # may close this

    def _unsupported(self) -> None:
        self._refused_by = self.link
        self.log.error("%s has no %s (%s)", self.subchannel.address, self.what, self.path)
        if self.subchannel.node is not None:
            self.subchannel.node.trace.add(f"the server has no {self.what} ({self.path})", Severity.ERROR)
        self.refused()


class _Nobody:
    """The sink of a call that nobody asks about any more."""

    def wake(self) -> None: ...

    def response_started(self) -> None: ...

    def message_received(self, envelope: Envelope, size: int) -> None: ...

    def ended(self, status: Status) -> None: ...


_NOBODY = _Nobody()
