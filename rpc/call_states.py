"""The states of a call, and what may follow what: the tables that calls are driven by.

An arrival that a table has no entry for is a violation of the protocol.
"""

from __future__ import annotations

from enum import Enum, IntEnum, auto


class Inbound(IntEnum):
    """How far the peer's half of a call has come."""

    AWAITING_HEAD = auto()
    BODY = auto()
    IGNORED = auto()  # the outcome stands; what still comes is dropped
    ENDED = auto()


class Arrival(IntEnum):
    """What can arrive on a stream."""

    HEADERS = auto()
    HEADERS_END = auto()  # with END_STREAM
    DATA = auto()
    DATA_END = auto()


CLIENT_INBOUND = {
    (Inbound.AWAITING_HEAD, Arrival.HEADERS): Inbound.BODY,
    (Inbound.AWAITING_HEAD, Arrival.HEADERS_END): Inbound.ENDED,  # Trailers-Only
    (Inbound.BODY, Arrival.DATA): Inbound.BODY,
    (Inbound.BODY, Arrival.DATA_END): Inbound.ENDED,  # without trailers: an error, but an end
    (Inbound.BODY, Arrival.HEADERS_END): Inbound.ENDED,
}
SERVER_INBOUND = {
    (Inbound.BODY, Arrival.DATA): Inbound.BODY,
    (Inbound.BODY, Arrival.DATA_END): Inbound.ENDED,
    (Inbound.BODY, Arrival.HEADERS_END): Inbound.ENDED,  # request trailers mean nothing in gRPC
    (Inbound.IGNORED, Arrival.DATA): Inbound.IGNORED,
    (Inbound.IGNORED, Arrival.DATA_END): Inbound.ENDED,
    (Inbound.IGNORED, Arrival.HEADERS_END): Inbound.ENDED,
}


class Outbound(Enum):
    """How far our half of a call has come."""

    AWAITING_HEAD = auto()  # a server that has sent nothing, a client's call that waits for a stream
    BODY = auto()
    ENDING = auto()  # the application is done; queued bytes are still to go
    ENDED = auto()
