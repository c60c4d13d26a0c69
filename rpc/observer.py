"""Observers: what a call sends and receives, as the wire sees it; for metrics, traces and logs.

An interceptor adds one with `call.observe(observer)` before it proceeds. Observers are told, not asked: what they raise
is logged, and changes nothing for the call. On a blocking channel they are called under the channel's lock, so they may
not use the channel. A call without observers pays for none.

    CallObserver      the call as the application sees it; on a client, only of the attempt that counts
    AttemptObserver   one attempt of a client's call: the first, a retry, a hedge
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any, Literal

from .header_blocks import HeaderField
from .metadata import Metadata, MetadataPairs, encode_metadata
from .status import Status

logger = logging.getLogger("barewire.rpc.observer")


AttemptKind = Literal["original", "retry", "hedge", "transparent_retry"]


class Observer:
    """Every method does nothing; override those that matter.

    `payload` is a message's bytes as serialized, `wire_size` what they are on the wire: compressed or not, without
    gRPC's prefix.
    """

    def sent(self, payload: bytes, wire_size: int) -> None:
        """A message is on its way to the peer. (A client's CallObserver gets the size before compression.)"""

    def received(self, payload: bytes, wire_size: int) -> None:
        """A message has come: on a client when it arrives, on a server when the handler takes it."""

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

    def head(self, metadata: Metadata) -> None:
        """The response's initial metadata has come (client) or is being sent (server)."""

    def half_closed(self) -> None:
        """The client has sent its last message."""

    def name_resolved(self) -> None:
        """A client's call had to wait until its channel's target was resolved, and now it is."""

    def attempt_started(self, previous_attempts: int, kind: AttemptKind) -> AttemptObserver | None:
        """A client's call is attempted; what is returned is told about this attempt.

        `previous_attempts` counts those before it, without transparent retries.
        """
        return None


ObservedEvent = Literal["sent", "received", "half_closed", "delayed", "name_resolved"]


def tell(observers: Iterable[Observer], event: ObservedEvent, *arguments: Any) -> None:
    """Tell each observer: `tell(observers, "sent", payload, size)`."""
    for observer in observers:
        _tell_one(observer, event, *arguments)


def tell_head(observers: Iterable[CallObserver], metadata: Metadata) -> None:
    """Tell each observer of the initial metadata: as its own, so that none changes what goes out."""
    for observer in observers:
        _tell_one(observer, "head", metadata.copy())


def tell_end(observers: Iterable[Observer], status: Status) -> None:
    """Tell each observer the status: as its own, for statuses are remembered for all calls that end alike."""
    for observer in observers:
        _tell_one(observer, "ended", status.copy())


def _tell_one(observer: Observer, event: str, *arguments: Any) -> None:
    try:
        getattr(observer, event)(*arguments)
    except Exception:
        logger.exception("%s.%s raised", type(observer).__name__, event)


class ObservedAttempt:
    """One attempt of a client's call, and who observes it."""

    __slots__ = ("_observers", "_submitted")

    def __init__(self, observers: list[AttemptObserver]) -> None:
        self._observers = observers
        self._submitted = False

    def submitted(self) -> None:
        """The channel has it. If it is opened only after this, it had to wait."""
        self._submitted = True

    def opened(self) -> list[HeaderField]:
        """It has a connection. Returns what goes with its request."""
        if self._submitted:
            tell(self._observers, "delayed")
        fields: list[HeaderField] = []
        for observer in self._observers:
            try:
                fields += encode_metadata(Metadata(observer.request_metadata()))
            except Exception:
                logger.exception("%s.request_metadata failed", type(observer).__name__)
        return fields

    def tell(self, event: Literal["sent", "received"], payload: bytes, wire_size: int) -> None:
        tell(self._observers, event, payload, wire_size)

    def ended(self, status: Status) -> None:
        observers, self._observers = self._observers, []
        tell_end(observers, status)


def observe_attempt(
    observers: Iterable[CallObserver], previous_attempts: int, kind: AttemptKind
) -> ObservedAttempt:
    """Tell the observers of a call that it is attempted."""
    started: list[AttemptObserver] = []
    for observer in observers:
        try:
            attempt = observer.attempt_started(previous_attempts, kind)
        except Exception:
            logger.exception("%s.attempt_started raised", type(observer).__name__)
            continue
        if attempt is not None:
            started.append(attempt)
    return ObservedAttempt(started)
