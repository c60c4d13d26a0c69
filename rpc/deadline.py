"""The deadline of the call that is being handled: calls made inside its handler get no more time than is left of it."""

from __future__ import annotations

from contextvars import ContextVar

# An absolute time of the monotonic clock, which is also the event loop's.
current_deadline: ContextVar[float | None] = ContextVar("barewire_deadline", default=None)


def effective_deadline(timeout: float | None, now: float) -> float | None:
    """The deadline for a call made now with `timeout` seconds: the nearer of its own and its caller's.

    Raises TypeError or ValueError for a timeout that is no number.
    """
    inherited = current_deadline.get()
    if timeout is None:
        return inherited
    try:
        own = now + timeout
    except TypeError:
        raise TypeError(f"timeout is a number of seconds or None, not {timeout!r}") from None
    if own != own:
        raise ValueError("timeout is not a number (NaN)")
    return own if inherited is None or own < inherited else inherited
