"""Keepalive: a PING when nothing has come for long, and the end of a connection that does not answer it (A8, R64-R66).

The same on both sides; servers do it by default, every two hours (A9, R69).
"""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass, replace
from typing import Protocol

from .alarms import Alarms
from .arguments import FLAG, SECONDS, check_fields
from .counters import StreamCounters
from .http2 import Http2Connection

MIN_CLIENT_TIME = 10.0  # as A8 has it: a client that pings more often is a nuisance
_PAYLOAD = b"bw-alive"

logger = logging.getLogger("barewire.rpc.keepalive")


@dataclass(frozen=True, slots=True)
class Keepalive:
    """When to ask a silent peer for a sign of life. Times are in seconds.

    - `time`: how long nothing may have come from the peer before it is asked; `math.inf` asks never.
    - `timeout`: how long anything may take to come then, before the connection is given up.
    - `without_calls`: whether a connection without calls is asked, too. A server always asks.

    Raises RpcConfigurationError for what cannot be.
    """

    time: float = math.inf
    timeout: float = 20.0
    without_calls: bool = False

    def __post_init__(self) -> None:
        check_fields(_FIELDS, self)

    @property
    def enabled(self) -> bool:
        return self.time < math.inf

    def for_client(self) -> Keepalive:
        """The same with the least `time` that a client may have (A8); a shorter one is said in the log."""
        if self.time >= MIN_CLIENT_TIME:
            return self
        text = "Keepalive(time=%g) is too short for a client; %g s are used (gRPC proposal A8)"
        logger.warning(text, self.time, MIN_CLIENT_TIME)
        return replace(self, time=MIN_CLIENT_TIME)

    def slower(self) -> Keepalive:
        """The same with twice the `time`: for connections after one that was closed for too many PINGs (R67)."""
        return replace(self, time=2 * self.time)


_FIELDS = {"time": SECONDS, "timeout": SECONDS, "without_calls": FLAG}

SERVER_KEEPALIVE = Keepalive(time=7200.0, timeout=20.0, without_calls=True)


def too_many_pings(peer: str, keepalive: Keepalive) -> Keepalive:
    """A server has closed a connection for too many PINGs: say so in the log. Returns what is to be used from now on
    (R67)."""
    slower = keepalive.slower()
    logger.warning(
        "%s closed a connection with GOAWAY ENHANCE_YOUR_CALM too_many_pings: it permits fewer keepalive PINGs than "
        "Keepalive(time=%g, without_calls=%s) of this channel sends. New connections wait %g s. Raise `time` or set "
        "`without_calls=False` here; or permit more there (barewire: Server(ping_policy=PingPolicy(min_interval, "
        "without_calls)); grpc-go: keepalive.EnforcementPolicy; grpcio: grpc.http2.min_ping_interval_without_data_ms "
        "and grpc.keepalive_permit_without_calls)",
        peer,
        keepalive.time,
        keepalive.without_calls,
        slower.time,
    )
    return slower


class KeepaliveTarget(Protocol):
    """What keepalive needs of a connection."""

    http2: Http2Connection
    alarms: Alarms
    streams: StreamCounters
    last_read: float  # the time of the last bytes from the peer
    bytes_received: int

    @property
    def open_calls(self) -> int: ...

    def close(self, reason: str) -> None: ...


class KeepaliveProbe:
    """Keepalive of one connection, beginning with `start`.

    Without calls it may fall `dormant`: then it has no alarm, and the next call has to `wake` it. The time is not
    counted anew for that call (R65): after a long silence it goes out together with a PING.
    """

    __slots__ = ("_connection", "_give_up_at", "_options", "_received", "dormant")

    def __init__(self, options: Keepalive, connection: KeepaliveTarget) -> None:
        self._options = options
        self._connection = connection
        self._give_up_at = math.inf  # while a PING waits for an answer: when it is too late
        self._received: int = 0  # bytes, when that PING was sent
        self.dormant = False

    def start(self) -> None:
        self._connection.alarms.set(self._look, self._connection.last_read + self._options.time)

    def wake(self) -> None:
        """A call has begun on a connection that had none."""
        self.dormant = False
        self.start()

    def _look(self, now: float) -> float:
        options, connection = self._options, self._connection
        if self._give_up_at < math.inf and connection.bytes_received == self._received:
            if now < self._give_up_at:
                return self._give_up_at
            connection.close(
                f"nothing came for {options.timeout:g} s after a keepalive PING, so the peer or the network is down or "
                f"frozen (Keepalive(time={options.time:g}, timeout={options.timeout:g}) of this side)"
            )
            return math.inf
        self._give_up_at = math.inf
        due = connection.last_read + options.time
        if due > now:
            return due
        if not (options.without_calls or connection.open_calls):
            self.dormant = True
            return math.inf
        connection.http2.ping(_PAYLOAD)
        connection.streams.keepalives_sent += 1
        self._received = connection.bytes_received
        self._give_up_at = now + options.timeout
        return min(self._give_up_at, now + options.time)
