"""A connection core on an asyncio transport: bytes, timers and back-pressure; no gRPC."""

from __future__ import annotations

import asyncio
from typing import Generic, TypeVar, cast

from ..channelz import SocketNode
from ..client_connection import ClientConnection
from ..events import Event
from ..server_connection import ServerConnection
from ..status import Http2Error
from ..target import describe_address
from ..user_timeout import set_user_timeout

_LINGER = 5.0  # seconds that a peer has to take the last bytes

Core = TypeVar("Core", ClientConnection, ServerConnection)


class Link(asyncio.Protocol, Generic[Core]):
    """Feeds a core and writes what it has to say, once per turn of the loop.

    Subclasses act on events (`handle_event`) and on the end of the transport (`closed`).
    """

    def __init__(self, core: Core) -> None:
        self.core: Core = core
        self.loop = asyncio.get_running_loop()
        self.transport: asyncio.Transport | None = None
        self.peer_address = ""
        self._flush_scheduled = False
        self._write_paused = False
        self._timer: asyncio.TimerHandle | None = None

    @property
    def is_secure(self) -> bool:
        """Whether it goes over TLS."""
        return self.transport is not None and self.transport.get_extra_info("ssl_object") is not None

    # -- for subclasses -------------------------------------------------------------------------------------------

    def handle_event(self, event: Event) -> None:
        """Act on one event of the core."""
        raise NotImplementedError

    def closed(self) -> None:
        """The transport is gone."""

    # -- asyncio.Protocol -----------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport = cast(asyncio.Transport, transport)  # uvloop's only looks like one
        self.peer_address = describe_address(transport.get_extra_info("peername"))
        set_user_timeout(transport.get_extra_info("socket"), self.core.keepalive)
        self.schedule_flush()

    def data_received(self, data: bytes) -> None:
        self.core.receive(data, self.loop.time())
        self._dispatch()
        self.schedule_flush()  # last: what the tasks that have been woken send goes with it

    def eof_received(self) -> bool:
        return False  # asyncio closes the transport, and connection_lost follows

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None
        self.core.peer_closed(str(exc) if exc else "closed by the peer")
        self._dispatch()
        if self._timer is not None:
            self._timer.cancel()
        self.closed()

    def pause_writing(self) -> None:
        self._write_paused = True

    def resume_writing(self) -> None:
        self._write_paused = False
        self.schedule_flush()

    # -- output ---------------------------------------------------------------------------------------------------

    def schedule_flush(self) -> None:
        """Write what the core has, when this turn of the loop is over."""
        if not self._flush_scheduled:
            self._flush_scheduled = True
            self.loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._flush_scheduled = False
        transport, core = self.transport, self.core
        if transport is None:
            return
        if core.ended:
            self._close(transport)
            return
        if not self._write_paused:
            try:
                data = core.data_to_send(self.loop.time())
            except BaseException:  # a fault of ours, which must not leave the peer waiting for ever
                transport.abort()
                raise
            if data:
                transport.write(data)
            self._dispatch()
            if core.ended:
                self._close(transport)
                return
            if core.wants_to_send:
                self.schedule_flush()
        self._arm_timer()

    def _close(self, transport: asyncio.Transport) -> None:
        """The core has ended: write what it says last, and do not wait for ever for the peer to take it."""
        self._dispatch()  # what it means for the calls need not wait for that
        if not transport.is_closing():
            transport.write(self.core.data_to_send())
            transport.close()
            self.loop.call_later(_LINGER, transport.abort)

    def _dispatch(self) -> None:
        for event in self.core.take_events():
            self.handle_event(event)

    # -- time -----------------------------------------------------------------------------------------------------

    def _arm_timer(self) -> None:
        """One timer for all calls. It is moved forward when something is due earlier, never back: if it fires and
        nothing is due, it is set again."""
        due = self.core.next_timer()
        if due is None or (self._timer is not None and self._timer.when() <= due):
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self.loop.call_at(due, self._timer_fired)

    def _timer_fired(self) -> None:
        self._timer = None
        self.core.handle_timer(self.loop.time())
        self._dispatch()
        self.schedule_flush()

    def socket_node(self) -> SocketNode:
        """This connection for channelz."""
        assert self.transport is not None
        info = self.transport.get_extra_info
        return SocketNode(
            self.peer_address,
            core=self.core,
            now=self.loop.time,
            sock=info("socket"),
            local=info("sockname"),
            remote=info("peername"),
            tls=info("ssl_object"),
        )

    def close(self, reason: str, error_code: int = Http2Error.NO_ERROR) -> None:
        """End the connection, and every call on it; the peer is told."""
        self.core.close(reason, error_code)
        self.schedule_flush()

    def abort(self) -> None:
        """Drop the transport without waiting for anything."""
        if self.transport is not None:
            self.transport.abort()
