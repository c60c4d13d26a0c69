"""Opening a connection step by step: a generator that says what it waits for, and never blocks on a socket."""

from __future__ import annotations

import errno
import os
import socket
import ssl
from collections.abc import Generator
from typing import TYPE_CHECKING, Any, NamedTuple

from ..client_channel import check_alpn
from ..proxy import ConnectHandshake, Proxy
from ..subchannel import Attempt
from ..target import Target
from .link import Link
from .poll import READ, WRITE

if TYPE_CHECKING:
    from .channel import Channel

_UNDER_WAY = {errno.EINPROGRESS, getattr(errno, "WSAEWOULDBLOCK", errno.EINPROGRESS)}


class Interest(NamedTuple):
    """What a step waits for. It is resumed when the socket is ready."""

    sock: socket.socket
    events: int


Steps = Generator[Interest, None, socket.socket]


def open_socket(
    address: Target, tls: ssl.SSLContext | None, name: str | None, proxy: Proxy | None = None
) -> Steps:
    """Connect to one address, which may be a proxy's, over TLS if asked to. Returns a non-blocking socket; raises what
    prevents it.

    An address that is a name is looked up, and that does block: the system has no other way without a thread.
    """
    sock = yield from _connect(*_socket_address(address))
    try:
        if proxy is not None:
            yield from _tunnel(sock, ConnectHandshake(proxy))
        if tls is None:
            return sock
        sock = tls.wrap_socket(sock, server_hostname=name, do_handshake_on_connect=False)
        yield from _shake_hands(sock)
    except BaseException:
        sock.close()
        raise
    return sock


def _socket_address(address: Target) -> tuple[int, Any]:
    if address.path:
        return socket.AF_UNIX, address.path
    family, _, _, _, found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)[0]
    return family, found


def _connect(family: int, address: Any) -> Steps:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        error = sock.connect_ex(address)
        while error in _UNDER_WAY:
            yield Interest(sock, WRITE)
            error = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            raise OSError(error, os.strerror(error))
        if family != getattr(socket, "AF_UNIX", None):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except BaseException:
        sock.close()
        raise
    return sock


def _tunnel(sock: socket.socket, handshake: ConnectHandshake) -> Generator[Interest, None, None]:
    rest = handshake.request
    while rest:
        yield Interest(sock, WRITE)
        rest = rest[sock.send(rest) :]
    # Byte by byte, so that nothing of what follows is taken from whoever reads the socket next.
    while True:
        try:
            if handshake.receive(sock.recv(1)) is not None:
                return
        except BlockingIOError:
            yield Interest(sock, READ)


def _shake_hands(sock: ssl.SSLSocket) -> Generator[Interest, None, None]:
    while True:
        try:
            sock.do_handshake()
            break
        except ssl.SSLWantReadError:
            events = READ
        except ssl.SSLWantWriteError:
            events = WRITE
        yield Interest(sock, events)
    check_alpn(sock.selected_alpn_protocol())


class Dial:
    """One connection that is being made. It is a port of the driver until its socket stands; then the link is."""

    def __init__(self, channel: Channel, attempt: Attempt, steps: Steps) -> None:
        self.link: Link | None = None
        self.cancelled = False
        self.runnable = True  # there is a step to take
        self._channel = channel
        self._attempt = attempt
        self._steps = steps
        self._interest: Interest | None = None
        self._stepping = False

    @property
    def fd(self) -> int:
        return -1 if self._interest is None else self._interest.sock.fileno()

    @property
    def events(self) -> int:
        return 0 if self._interest is None else self._interest.events

    def on_ready(self, events: int) -> None:
        self.runnable = True

    def advance(self) -> None:
        """Go on as far as possible without waiting. The lock is free meanwhile."""
        self.runnable = False
        self._stepping = True
        try:
            sock = self._channel.driver.unlocked(self._step)
        # Not OSError alone: a host that is no name is a UnicodeError, one that TLS cannot check a ValueError.
        except Exception as error:
            self._stepping = False
            self._attempt.failed(error)
            return
        finally:
            self._stepping = False
        if self.cancelled:
            self._steps.close()
            if sock is not None:
                sock.close()
        elif sock is not None:
            self.link = Link(self._channel, self._attempt, sock)

    def _step(self) -> socket.socket | None:
        try:
            self._interest = next(self._steps)
        except StopIteration as done:
            return done.value
        return None

    def cancel(self) -> None:
        self.cancelled = True
        if self.link is not None:
            self.link.lost("no connection")
        elif not self._stepping:
            self._steps.close()
