"""TCP_USER_TIMEOUT: lets the kernel give a connection up when the peer acknowledges nothing (A18, R66)."""

from __future__ import annotations

import contextlib
import socket
from typing import Any

from .keepalive import SERVER_KEEPALIVE, Keepalive


def set_user_timeout(sock: Any, keepalive: Keepalive | None) -> None:
    """Give a TCP socket the timeout of `keepalive`, where the system has such a thing.

    With keepalive off nothing is set, and nor is it for what servers do without being asked: a client that reads
    only while somebody waits, as `rpc.sync` does, may leave bytes unread for longer than that and be well.
    """
    if keepalive is None or not keepalive.enabled or keepalive is SERVER_KEEPALIVE or sock is None:
        return
    if hasattr(socket, "TCP_USER_TIMEOUT") and sock.family in (socket.AF_INET, socket.AF_INET6):
        milliseconds = min(max(1, round(keepalive.timeout * 1000)), 2**31 - 1)
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)
