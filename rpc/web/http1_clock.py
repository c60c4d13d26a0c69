"""How long an HTTP/1.1 client may take: HTTP/2 has keepalive and windows for that, here there is only silence."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .connection import WebServerConnection
    from .http1 import Http1Connection


class Http1Clock:
    """Ends a connection whose client is silent for `idle_timeout` where it is to speak, takes longer than
    `handshake_timeout` for the head of a request, or takes nothing of its response for `stall_timeout`."""

    def __init__(self, connection: WebServerConnection, http1: Http1Connection, idle_timeout: float) -> None:
        self._connection = connection
        self._http1 = http1
        self._idle_timeout = idle_timeout
        self._head_since = math.inf
        self._last_moved = connection.now
        limits = connection.limits
        self._head_timeout, self._stall_timeout = limits.handshake_timeout, limits.stall_timeout
        connection.alarms.set(self._look, connection.now + self._period)

    @property
    def _period(self) -> float:
        return min(self._head_timeout, self._idle_timeout)

    def moved(self, now: float) -> None:
        """Bytes came or went."""
        self._last_moved = now
        if not self._http1.head_begun:
            self._head_since = math.inf
        elif self._head_since == math.inf:
            self._head_since = now

    def _look(self, now: float) -> float:
        due = min(self._head_since + self._head_timeout, self._last_moved + self._patience())
        if due > now:
            return min(due, now + self._period)
        self._http1.time_out()
        self._connection.close("the client took too long (idle_timeout, handshake_timeout or stall_timeout)")
        return math.inf

    def _patience(self) -> float:
        http1, connection = self._http1, self._connection
        if connection.reading_paused:
            return math.inf
        if http1.awaits_head or http1.awaits_body:
            return self._idle_timeout
        return self._stall_timeout if connection.has_queued else math.inf
