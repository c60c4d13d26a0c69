"""How long a server keeps a connection (A9, R69)."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Protocol

from .alarms import Alarms

_JITTER = 0.1


@dataclass(frozen=True, slots=True)
class ConnectionAge:
    """Times in seconds, all without end by default; `Server` checks them.

    - `max_idle`: without any call, before the client is told to go ("max_idle").
    - `max_age`: in all, before the client is told to go ("max_age").
    - `grace`: after that, for the calls that are open; then they are cut off.
    """

    max_idle: float = math.inf
    max_age: float = math.inf
    grace: float = math.inf

    def jittered(self, chance: float) -> ConnectionAge:
        """The same with an age up to a tenth shorter or longer, so that clients do not come back all at once.
        `chance` is a random number from 0 to 1."""
        return replace(self, max_age=self.max_age * (1 - _JITTER + 2 * _JITTER * chance))


class AgeingConnection(Protocol):
    """What the watch needs of a server's connection."""

    alarms: Alarms
    idle_since: float

    @property
    def open_calls(self) -> int: ...

    def drain(self, now: float, reason: bytes = b"") -> None: ...

    def close(self, reason: str) -> None: ...


class AgeWatch:
    """Sends away the client of one connection when its time has come."""

    __slots__ = ("_connection", "_options")

    def __init__(self, options: ConnectionAge, connection: AgeingConnection) -> None:
        self._options = options
        self._connection = connection

    def start(self, now: float) -> None:
        """The connection stands."""
        self._connection.idle_since = now
        for alarm, after in ((self._look_idle, self._options.max_idle), (self._aged, self._options.max_age)):
            if after < math.inf:
                self._connection.alarms.set(alarm, now + after)

    def _look_idle(self, now: float) -> float:
        if self._connection.open_calls:
            return now + self._options.max_idle
        due = self._connection.idle_since + self._options.max_idle
        if due > now:
            return due
        self._connection.drain(now, b"max_idle")
        return math.inf

    def _aged(self, now: float) -> float:
        self._connection.drain(now, b"max_age")
        if self._options.grace < math.inf:
            self._connection.alarms.set(self._grace_over, now + self._options.grace)
        return math.inf

    def _grace_over(self, now: float) -> float:
        self._connection.close(
            f"max_age: {self._options.grace:g} s after it was told to go, the client still had calls here "
            "(max_connection_age_grace)"
        )
        return math.inf
