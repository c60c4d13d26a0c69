"""The states of channels and subchannels, and the changes between them that are legal (R76).

Follows gRPC's connectivity-semantics-and-api document, with the changes of A62: a subchannel whose backoff is over is
IDLE, and a channel that fails to connect stays in TRANSIENT_FAILURE until it is READY.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum


class ConnectivityState(IntEnum):
    """Numbers are those of channelz."""

    IDLE = 1  # not connected, and not trying to be
    CONNECTING = 2
    READY = 3
    TRANSIENT_FAILURE = 4  # the last attempt has failed; the next comes after a while
    SHUTDOWN = 5  # closed, for good


IDLE = ConnectivityState.IDLE
CONNECTING = ConnectivityState.CONNECTING
READY = ConnectivityState.READY
TRANSIENT_FAILURE = ConnectivityState.TRANSIENT_FAILURE
SHUTDOWN = ConnectivityState.SHUTDOWN

Transitions = dict[ConnectivityState, frozenset[ConnectivityState]]

# One address, which does not connect unless it is told to.
SUBCHANNEL_TRANSITIONS: Transitions = {
    IDLE: frozenset({CONNECTING, SHUTDOWN}),
    CONNECTING: frozenset({READY, TRANSIENT_FAILURE, SHUTDOWN}),
    READY: frozenset({IDLE, TRANSIENT_FAILURE, SHUTDOWN}),
    TRANSIENT_FAILURE: frozenset({IDLE, SHUTDOWN}),
    SHUTDOWN: frozenset(),
}

# A channel sums its subchannels up, so it may also go back from READY to CONNECTING. It leaves IDLE by CONNECTING only.
CHANNEL_TRANSITIONS: Transitions = {
    IDLE: frozenset({CONNECTING, SHUTDOWN}),
    CONNECTING: frozenset({IDLE, READY, TRANSIENT_FAILURE, SHUTDOWN}),
    READY: frozenset({IDLE, CONNECTING, TRANSIENT_FAILURE, SHUTDOWN}),
    TRANSIENT_FAILURE: frozenset({IDLE, CONNECTING, READY, SHUTDOWN}),
    SHUTDOWN: frozenset(),
}


def channel_steps(before: ConnectivityState, after: ConnectivityState) -> tuple[ConnectivityState, ...]:
    """The legal steps of a channel from one state to another; none if they are the same or `before` is SHUTDOWN."""
    if before is after or before is SHUTDOWN:
        return ()
    return (after,) if after in CHANNEL_TRANSITIONS[before] else (CONNECTING, after)


def aggregate(states: Iterable[ConnectivityState]) -> ConnectivityState:
    """The state of several endpoints together (R83). One that is IDLE is about to connect; without any, it fails."""
    seen = set(states)
    if READY in seen:
        return READY
    return CONNECTING if seen & {CONNECTING, IDLE} else TRANSIENT_FAILURE
