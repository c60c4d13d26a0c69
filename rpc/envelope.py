"""Length-prefixed messages: one flag byte, four bytes of length, the message (PROTOCOL-HTTP2, R06-R08).

DATA frames and messages share no boundaries: a message may span many frames and a frame may hold many messages.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from .status import StatusCode

PREFIX_SIZE = 5


class Envelope(NamedTuple):
    """One message as received: whether the compressed flag was set, and its bytes."""

    compressed: bool
    payload: bytes


class EnvelopeError(Exception):
    """The byte stream is not a sequence of acceptable messages.

    `code` is the status that this stands for, `received` the whole messages that came before the fault.
    """

    def __init__(self, code: StatusCode, reason: str, received: list[Envelope]) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
        self.received = received


def encode_envelope(payload: bytes, compressed: bool = False) -> bytes:
    """The message with its prefix in front."""
    return (b"\1" if compressed else b"\0") + len(payload).to_bytes(4, "big") + payload


class MessageReader(Protocol):
    """What takes a body apart. Another protocol may have it in another form than this module's."""

    @property
    def partial_size(self) -> int: ...
    def feed(self, data: bytes) -> list[Envelope]: ...
    def drop(self) -> None: ...


class EnvelopeReader:
    """Takes a stream of bytes apart into messages.

    `max_size` bounds one message in bytes; a larger one is refused when its prefix is seen, before any of it is kept.
    """

    __slots__ = ("_limit_hint", "_max_size", "_needed", "_parts", "partial_size")

    def __init__(self, max_size: int, limit_hint: str) -> None:
        self._max_size = max_size
        self._limit_hint = limit_hint
        self._parts: list[bytes] = []  # of the message that is not complete yet, prefix included
        self._needed = PREFIX_SIZE  # how many bytes `_parts` has to hold before it is worth looking again
        self.partial_size = 0

    def feed(self, data: bytes) -> list[Envelope]:
        """The messages that `data` completes. Raises EnvelopeError for a bad flag or an over-long message."""
        if self.partial_size:
            if self.partial_size + len(data) < self._needed:
                self._keep(data)
                return []
            self._parts.append(data)
            data = b"".join(self._parts)
            self._parts.clear()
            self.partial_size = 0
        envelopes: list[Envelope] = []
        position, size = 0, len(data)
        self._needed = PREFIX_SIZE
        while size - position >= PREFIX_SIZE:
            start = position + PREFIX_SIZE
            length = int.from_bytes(data[position + 1 : start], "big")
            if data[position] > 1 or length > self._max_size:
                raise self._refusal(data[position], length, envelopes)
            if size - start < length:
                self._needed = PREFIX_SIZE + length
                break
            position = start + length
            envelopes.append(Envelope(data[start - PREFIX_SIZE] == 1, data[start:position]))
        if position < size:
            self._keep(data[position:] if position else data)
        return envelopes

    def drop(self) -> None:
        """Forget the message that is not complete."""
        self._parts.clear()
        self.partial_size = 0

    def _keep(self, data: bytes) -> None:
        self._parts.append(data)
        self.partial_size += len(data)

    def _refusal(self, flag: int, length: int, received: list[Envelope]) -> EnvelopeError:
        if flag > 1:
            reason = f"message prefix has the flag byte {flag}; only 0 and 1 are defined"
            return EnvelopeError(StatusCode.INTERNAL, reason, received)
        reason = (
            f"received message of {length} bytes is over the limit of {self._max_size} ({self._limit_hint})"
        )
        return EnvelopeError(StatusCode.RESOURCE_EXHAUSTED, reason, received)
