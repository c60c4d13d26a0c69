"""Observers: what a call sends and receives, as the wire sees it; for metrics, traces and logs.

An interceptor adds one with `call.observe(observer)` before it proceeds. Observers are told, not asked: what they raise
is logged, and changes nothing for the call. On a blocking channel they are called under the channel's lock, so they may
not use the channel. A call without observers pays for none.

    CallObserver      the call as the application sees it; on a client, only of the attempt that counts
    AttemptObserver   one attempt of a client's call: the first, a retry, a hedge
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, Literal

from .metadata import Metadata, MetadataPairs
from .status import Status

logger = logging.getLogger("barewire.rpc.observer")


class Observer:
    """Every method does nothing; override those that matter.

    `payload` is a message's bytes as serialized, `wire_size` what they are on the wire: compressed or not, without
    gRPC's prefix.
    """

    def head(self, metadata: Metadata, peer: str) -> None:
        """The response's initial metadata has come (client) or is being sent (server)."""

    def sent(self, payload: bytes, wire_size: int) -> None:
        """A message is on its way to the peer."""

    def received(self, payload: bytes, wire_size: int) -> None:
        """A message has come: on a client when it arrives, on a server when the handler takes it."""

    def half_closed(self) -> None:
        """The client has sent its last message."""

    def ended(self, status: Status) -> None:
        """This is how it ended. Nothing follows."""


class AttemptObserver(Observer):
    """One attempt of a client's call."""

    def request_metadata(self) -> MetadataPairs:
        """Metadata to send with this attempt, besides the call's."""
        return ()

    def delayed(self) -> None:
        """The attempt had to wait for a connection, and now has one."""


class CallObserver(Observer):
    """The whole call."""

    def attempt_started(self, previous_attempts: int, transparent: bool) -> AttemptObserver | None:
        """A client's call is attempted; what is returned is told about this attempt.

        `previous_attempts` counts those before it, without transparent retries; `transparent` tells that it is one.
        """
        return None


Event = Literal["head", "sent", "received", "half_closed", "ended", "delayed"]


def tell(observers: Sequence[Observer], event: Event, *arguments: Any) -> None:
    """Tell each observer: `tell(observers, "sent", payload, size)`."""
    for observer in observers:
        try:
            getattr(observer, event)(*arguments)
        except Exception:
            logger.exception("%s.%s raised", type(observer).__name__, event)


def start_attempt(
    observers: Sequence[CallObserver], previous_attempts: int = 0, *, transparent: bool = False
) -> tuple[AttemptObserver, ...]:
    """The observers of an attempt that begins now."""
    started: list[AttemptObserver] = []
    for observer in observers:
        try:
            attempt = observer.attempt_started(previous_attempts, transparent)
        except Exception:
            logger.exception("%s.attempt_started raised", type(observer).__name__)
            continue
        if attempt is not None:
            started.append(attempt)
    return tuple(started)


def attempt_metadata(observers: Sequence[AttemptObserver]) -> list[tuple[str, str | bytes]]:
    """What the observers of an attempt want to be sent with it."""
    pairs: list[tuple[str, str | bytes]] = []
    for observer in observers:
        try:
            pairs += Metadata(observer.request_metadata())
        except Exception:
            logger.exception("%s.request_metadata raised", type(observer).__name__)
    return pairs
