"""Opening a connection step by step: a generator that says what it waits for, and never blocks on a socket."""

from __future__ import annotations

import errno
import os
import socket
import ssl
import time
from collections.abc import Generator
from typing import Any, NamedTuple

from ..client_channel import check_alpn
from ..target import Target
from .poll import READ, WRITE

_UNDER_WAY = {errno.EINPROGRESS, getattr(errno, "WSAEWOULDBLOCK", errno.EINPROGRESS)}


class Interest(NamedTuple):
    """What a step waits for. It is resumed with True when the socket is ready, with False when the time is over."""

    sock: socket.socket
    events: int
    give_up_at: float


Dial = Generator[Interest, bool, socket.socket]


def dial(target: Target, tls: ssl.SSLContext | None, name: str | None, give_up_at: float) -> Dial:
    """Connect to a target, over TLS if asked to. Returns a non-blocking socket; raises what prevents it.

    Looking a name up does block: the system has no other way without a thread.
    """
    sock = yield from _connect(target, give_up_at)
    if tls is None:
        return sock
    try:
        sock = tls.wrap_socket(sock, server_hostname=name, do_handshake_on_connect=False)
        yield from _shake_hands(sock, give_up_at)
    except BaseException:
        sock.close()
        raise
    return sock


def _connect(target: Target, give_up_at: float) -> Dial:
    addresses = _addresses(target)
    failures: list[OSError] = []
    for number, (family, address) in enumerate(addresses):
        now = time.monotonic()
        share = (give_up_at - now) / (len(addresses) - number)
        try:
            return (yield from _connect_one(family, address, now + share))
        except OSError as error:
            failures.append(error)
    if len(failures) == 1 or all(isinstance(error, TimeoutError) for error in failures):
        raise failures[0]
    raise OSError("; ".join(map(str, failures)))


def _addresses(target: Target) -> list[tuple[int, Any]]:
    if target.path:
        return [(socket.AF_UNIX, target.path)]
    found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    return [(family, address) for family, _, _, _, address in found]


def _connect_one(family: int, address: Any, give_up_at: float) -> Dial:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        error = sock.connect_ex(address)
        while error in _UNDER_WAY:
            if not (yield Interest(sock, WRITE, give_up_at)):
                raise TimeoutError
            error = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            raise OSError(error, os.strerror(error))
        if family != getattr(socket, "AF_UNIX", None):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except BaseException:
        sock.close()
        raise
    return sock


def _shake_hands(sock: ssl.SSLSocket, give_up_at: float) -> Generator[Interest, bool, None]:
    while True:
        try:
            sock.do_handshake()
            break
        except ssl.SSLWantReadError:
            events = READ
        except ssl.SSLWantWriteError:
            events = WRITE
        if not (yield Interest(sock, events, give_up_at)):
            raise TimeoutError
    check_alpn(sock.selected_alpn_protocol())


class Attempt:
    """One attempt to connect, as far as it has come."""

    def __init__(self, steps: Dial, started: float, give_up_at: float) -> None:
        self.started = started
        self.give_up_at = give_up_at
        self.ready = False  # set by whoever waits for the socket
        self._steps = steps
        self._interest: Interest | None = None

    @property
    def interest(self) -> Interest | None:
        """What it waits for; None before the first step."""
        return self._interest

    def runnable(self, now: float) -> bool:
        """Whether there is a step to take."""
        return self._interest is None or self.ready or now >= self._interest.give_up_at

    def step(self) -> socket.socket | None:
        """Go on as far as possible without waiting. Returns the socket once it is connected."""
        ready, self.ready = self.ready, False
        try:
            self._interest = next(self._steps) if self._interest is None else self._steps.send(ready)
        except StopIteration as done:
            return done.value
        return None

    def drop(self) -> None:
        """Give the attempt up."""
        self._steps.close()
