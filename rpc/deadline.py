"""The deadline of the call that is being handled: calls made inside its handler get no more time than is left of it."""

from __future__ import annotations

from contextvars import ContextVar

# An absolute time of the monotonic clock, which is also the event loop's.
current_deadline: ContextVar[float | None] = ContextVar("barewire_deadline", default=None)


def effective_deadline(timeout: float | None, now: float) -> float | None:
    """The deadline for a call made now with `timeout` seconds: the nearer of its own and its caller's."""
    inherited = current_deadline.get()
    if timeout is None:
        return inherited
    own = now + timeout
    return own if inherited is None or own < inherited else inherited
