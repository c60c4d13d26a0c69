"""One client's connection to an asyncio server."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from ..auth_context import AuthContext, auth_context_of
from ..channelz import SocketNode
from ..events import (
    CallEnded,
    CallStarted,
    ConnectionEnded,
    Event,
    MessageReceived,
    ReadingPaused,
    RequestEnded,
    SendReady,
    SettingsReceived,
)
from ..handlers import refusing_handler
from ..server_call import ServerCall
from ..server_connection import ServerConnection
from ..status import Http2Error, Status
from .link import Link
from .server_call import ServerCallRunner
from .sync_server_call import SyncCallRunner

if TYPE_CHECKING:
    from .server import Server

logger = logging.getLogger("barewire.rpc.server")


class ServerLink(Link[ServerConnection]):
    """Starts a runner for each call, and hands it what happens to its call."""

    def __init__(self, server: Server) -> None:
        super().__init__(
            server.make_connection(
                server.limits,
                calls=server.calls,
                keepalive=server.keepalive,
                ping_policy=server.ping_policy,
                age=server.connection_age.jittered(random.random()),
            )
        )
        self.server = server
        self._node: SocketNode | None = None
        self._handshake_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.server.links.add(self)
        if not self.peer_address:  # unix clients have no address of their own
            self.peer_address = "unix:"
        if self.server.node is not None:
            self._node = self.server.node.add_socket(self.socket_node())
        self._handshake_timer = self.loop.call_later(
            self.server.limits.handshake_timeout, self._handshake_expired
        )
        if self.server.stopping:
            self.drain()

    def _handshake_expired(self) -> None:
        self.close("the client did not finish the HTTP/2 handshake in time (handshake_timeout)")

    def _handshake_finished(self) -> None:
        if self._handshake_timer is None:
            return  # SETTINGS may change later
        self._handshake_timer.cancel()
        self._handshake_timer = None
        tls = self.transport and self.transport.get_extra_info("ssl_object")
        if tls is not None and tls.selected_alpn_protocol() not in self.core.protocols:
            self.close(
                "HTTP/2 over TLS has to be negotiated by ALPN, and the client did not (RFC 9113, section 3.3)",
                Http2Error.INADEQUATE_SECURITY,
            )

    def closed(self) -> None:
        if self._handshake_timer is not None:
            self._handshake_timer.cancel()
        if self.server.node is not None and self._node is not None:
            self.server.node.remove_socket(self._node)
        self.server.link_closed(self)

    def drain(self) -> None:
        """Let the calls in flight finish, then close."""
        self.core.drain(self.loop.time())
        self.core.handle_timer(self.loop.time())
        self.schedule_flush()

    def auth_context(self) -> AuthContext:
        """See ServicerContext.auth_context."""
        return auth_context_of(self.transport and self.transport.get_extra_info("ssl_object"))

    def handle_event(self, event: Event) -> None:
        tell = _TELL_RUNNER.get(type(event))
        if tell is None:
            self._act_on(event)
            return
        runner = cast("CallStarted", event).call.sink  # all of these have a call
        if runner is not None:
            tell(runner, event)

    def _act_on(self, event: Event) -> None:
        """Act on an event that is not for the runner of a call."""
        if isinstance(event, CallStarted):
            self._start(event.call)
        elif isinstance(event, SettingsReceived):
            self._handshake_finished()
        elif isinstance(event, ReadingPaused):
            self._pause_reading(event.paused)
        elif isinstance(event, ConnectionEnded):
            logger.debug("connection of %s ended: %s", self.peer_address, event.reason)
            self.schedule_flush()

    def _pause_reading(self, paused: bool) -> None:
        if self.transport is None or self.transport.is_closing():
            return
        if paused:
            self.transport.pause_reading()
        else:
            self.transport.resume_reading()

    def _start(self, call: ServerCall) -> None:
        if call.ended:  # in the same bytes, or with its connection
            return
        services, limits = self.server.services, self.server.concurrency
        path = call.request.path
        handler = services.find(path)
        known = handler is not None
        if handler is None:
            found = services.find_generic(call.request)
            if isinstance(found, Status):
                self._record(call, known=False)
                if self.server.interceptors:  # they see the calls that nobody answers, too
                    call.sink = ServerCallRunner(self, call, refusing_handler(path, found))
                else:
                    call.finish(found)
                return
            handler = found
        self._record(call, known=True)
        places = limits.places(path, known=known) if limits else ()
        refusal = limits.refusal(places) if places else None
        if refusal is not None:
            call.finish(refusal)
        else:
            runner = ServerCallRunner if handler.is_async else SyncCallRunner
            call.sink = runner(self, call, handler, places)

    def _record(self, call: ServerCall, *, known: bool) -> None:
        stats = self.server.stats
        if stats is not None:
            call.recorded = stats.call_started(call.request.path, known=known), self.core.now


# By type, as there are three for the simplest call.
_TELL_RUNNER: dict[type[Event], Callable[[ServerCallRunner, Any], None]] = {
    MessageReceived: lambda runner, event: runner.message_received(event.envelope, event.size),
    RequestEnded: lambda runner, event: runner.request_ended(),
    CallEnded: lambda runner, event: runner.ended(event.status),
    SendReady: lambda runner, event: runner.send_ready(),
}
