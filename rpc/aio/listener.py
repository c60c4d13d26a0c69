"""Accepting connections, and their TLS handshakes."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable, Sequence
from typing import Any

from ..errors import RpcConfigurationError
from ..listening import Listening

logger = logging.getLogger("barewire.rpc.server")

TlsSource = ssl.SSLContext | Callable[[], ssl.SSLContext]

_AT_ONCE = 64  # connections taken in one turn of the loop
_PAUSE = 1.0  # seconds without accepting after a failure


def check_tls(tls: TlsSource | None) -> None:
    """Raises RpcConfigurationError for what no handshake could succeed with."""
    if isinstance(tls, ssl.SSLContext):
        if tls.protocol is ssl.PROTOCOL_TLS_CLIENT:
            raise RpcConfigurationError("tls is a context for clients; make one with ssl.Purpose.CLIENT_AUTH")
    elif not (tls is None or callable(tls)):
        raise RpcConfigurationError(
            f"tls has to be an SSLContext or a function that gives one, and is {tls!r}"
        )


class Listener:
    """Makes protocols of the connections that come in on one socket, until it is closed.

    asyncio's own servers cannot change their TLS context, nor be asked for the handshakes that are under way.
    """

    def __init__(
        self,
        listening: Listening,
        make_protocol: Callable[[], asyncio.Protocol],
        *,
        tls: TlsSource | None,
        protocols: Sequence[str] = ("h2",),
        handshake_timeout: float,
        changed: Callable[[], None],
    ) -> None:
        """`tls` is a context, or gives one for each connection; ALPN is set to `protocols` on it. `changed` is called
        when a handshake is over."""
        self.listening = listening
        self._make_protocol = make_protocol
        self._tls = tls
        self._protocols = list(protocols)
        self._handshake_timeout = handshake_timeout
        self._changed = changed
        self._loop = asyncio.get_running_loop()
        self._context: ssl.SSLContext | None = None  # of the newest connection
        self._handshakes: set[asyncio.Task[None]] = set()
        self._pause: asyncio.TimerHandle | None = None
        self._accepting: asyncio.Task[None] | None = None  # on a loop without readers
        self._resume()

    @property
    def handshakes(self) -> int:
        """How many connections have been accepted that are not set up yet."""
        return len(self._handshakes)

    def close(self) -> None:
        """Accept no more. What has been accepted is set up nevertheless."""
        if self.listening.socket.fileno() == -1:
            return
        if self._pause is not None:
            self._pause.cancel()
        if self._accepting is not None:
            self._accepting.cancel()
        else:
            self._loop.remove_reader(self.listening.socket)
        self.listening.close()

    def abort(self) -> None:
        """Give up the handshakes that are under way."""
        for task in self._handshakes:
            task.cancel()

    def _resume(self) -> None:
        self._pause = None
        try:
            self._loop.add_reader(self.listening.socket, self._accept)
        except NotImplementedError:  # the Proactor loop of Windows
            self._accepting = self._loop.create_task(self._accept_one_by_one())

    def _accept(self) -> None:
        for _ in range(_AT_ONCE):
            try:
                connection, _ = self.listening.socket.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return  # another process was faster, or the client has gone
            except OSError as error:
                self._loop.remove_reader(self.listening.socket)
                self._failed(error)
                return
            self._take(connection)

    async def _accept_one_by_one(self) -> None:
        # Not everywhere: a connection that comes while this is cancelled is lost, unclosed.
        while True:
            try:
                connection, _ = await self._loop.sock_accept(self.listening.socket)
            except ConnectionAbortedError:
                continue
            except OSError as error:
                self._failed(error)
                return
            self._take(connection)

    def _failed(self, error: OSError) -> None:
        """Most likely no file descriptor is left."""
        logger.error("cannot accept connections: %s; trying again in %g s", error, _PAUSE)
        self._pause = self._loop.call_later(_PAUSE, self._resume)

    def _take(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        task = self._loop.create_task(self._set_up(connection))
        self._handshakes.add(task)
        task.add_done_callback(self._set_up_done)

    def _tls_context(self, tls: TlsSource) -> ssl.SSLContext:
        context = tls if isinstance(tls, ssl.SSLContext) else tls()
        if context is not self._context:
            context.set_alpn_protocols(self._protocols)
            self._context = context
        return context

    async def _set_up(self, connection: socket.socket) -> None:
        options: dict[str, Any] = {}
        try:
            # asyncio does this only where the socket that listens was made with the protocol's number.
            if connection.family in (socket.AF_INET, socket.AF_INET6):
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls is not None:
                options["ssl"] = self._tls_context(self._tls)
                options["ssl_handshake_timeout"] = self._handshake_timeout
        except BaseException:
            connection.close()
            raise
        try:
            await self._loop.connect_accepted_socket(self._make_protocol, connection, **options)
        except OSError as error:  # ssl.SSLError is one
            logger.debug("a connection was not set up: %s: %s", type(error).__name__, error)

    def _set_up_done(self, task: asyncio.Task[None]) -> None:
        self._handshakes.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("a connection could not be set up", exc_info=error)
        self._changed()
