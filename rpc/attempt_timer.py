"""The time between two attempts of a call."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from .status import Status, StatusCode
from .timers import TimerHandle

if TYPE_CHECKING:
    from .client_attempts import AttemptedCall


class AttemptTimer:
    """Calls `action` after `delay` seconds, for a call that has not ended by then.

    If the deadline comes first the call ends with it (R38). Until it fires or is cancelled, the channel knows of it: a
    call that only waits has nobody else to tell it that the channel closes. Calls that hedge may have several.
    """

    __slots__ = ("_action", "_handle", "call")

    def __init__(self, call: AttemptedCall, delay: float, action: Callable[[], object]) -> None:
        self.call = call
        self._action = action
        when = call.settings.now() + delay
        if call.deadline is not None:
            when = min(when, call.deadline)
        call.retries.waiting[self] = None
        self._handle: TimerHandle = call.settings.schedule(when, self._fire)

    def cancel(self) -> None:
        """It does not fire any more."""
        self.call.retries.waiting.pop(self, None)
        self._handle.cancel()

    def _fire(self) -> None:
        call = self.call
        call.retries.waiting.pop(self, None)
        if call.status is not None:
            return
        if call.deadline is not None and call.deadline <= call.settings.now():
            call.finish(Status(StatusCode.DEADLINE_EXCEEDED, "the deadline passed before the next attempt"))
        else:
            self._action()
