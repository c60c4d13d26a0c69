"""What a call keeps of its requests, to send them again with another attempt (A6, R92)."""

from __future__ import annotations

from .retry import ChannelRetries


class Replay:
    """The requests of one call. A base class and not an object of its own: every call has one.

    `kept` holds all messages so far, until the call is *committed* to an attempt; then it is None. Their sizes are
    counted in `retries`, whose limits they share with the other calls of the channel.
    """

    __slots__ = ("_kept_size", "kept", "retries")

    def __init__(self, retries: ChannelRetries) -> None:
        self.retries = retries
        self.kept: list[bytes] | None = []
        self._kept_size = 0

    def keep(self, payload: bytes) -> None:
        """Keep one more message, unless the call is committed."""
        if self.kept is not None:
            size = len(payload)
            self.kept.append(payload)
            self._kept_size += size
            self.retries.buffered += size

    @property
    def keeps_too_much(self) -> bool:
        """Whether more is kept than may be."""
        return self.kept is not None and self.retries.too_large(self._kept_size)

    def commit(self) -> None:
        """No further attempt: what has been kept for it can go."""
        if self.kept is not None:
            self.kept = None
            self.retries.buffered -= self._kept_size
