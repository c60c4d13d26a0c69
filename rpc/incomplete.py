"""Incomplete messages of one connection: a message is of use when it is whole, and until then it is in memory.

A thousand calls may well send a large message each, and all at once. None of them is refused for that; they come one
after the other instead:

- The more messages are incomplete, the smaller are the windows of streams.
- Over half of the limit, a few calls go on, and the others' windows stay shut until it is their turn.
- Over the limit a call fails. Only a peer that begins messages and does not end them gets that far.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from .limits import Limits

if TYPE_CHECKING:
    from .call import Call

_SMALLEST_WINDOW = 16 * 1024  # smaller than a frame, it would cost more than it saves


class IncompleteMessages:
    """What there is of them, in bytes (`size`) and calls (`count`). `refit` is called when the streams' windows should
    be another size; it asks for `window`, and says with `fitted` what they are."""

    __slots__ = (
        "_favourable",
        "_favoured",
        "_least",
        "_most",
        "_refit",
        "_waiting",
        "count",
        "limit",
        "size",
    )

    def __init__(self, limits: Limits, refit: Callable[[], None]) -> None:
        self.size = 0
        self.count = 0
        self.limit = max(limits.max_unfinished_bytes, limits.max_receive_message_size)
        self._refit = refit
        self._least, self._most = -1, 0.0  # for how many messages the windows are right
        self.fitted(limits.stream_window, limits.stream_window)
        # What these calls have yet to send fits in a quarter of the limit.
        self._favourable = max(1, self.limit // 4 // max(1, limits.max_receive_message_size))
        self._favoured: dict[Call, None] = {}
        self._waiting: dict[Call, None] = {}  # for their turn, with credit to give back

    def begun(self) -> None:
        """A call has received the beginning of a message."""
        self.count += 1
        if self.count > self._most:
            self._refit()

    def over(self, call: Call) -> None:
        """The call has no incomplete message any more."""
        self.count -= 1
        if self.count < self._least:
            self._refit()
        self.passed(call)

    def passed(self, call: Call) -> None:
        """A message of the call is complete, or nothing will come of it: others go on."""
        self._favoured.pop(call, None)
        waiting = self._waiting
        waiting.pop(call, None)
        while waiting and not (self._crowded and len(self._favoured) >= self._favourable):
            next_call = next(iter(waiting))
            del waiting[next_call]
            next_call.give_back()

    def forget_waiting(self) -> None:
        """The connection ends, and with it every call: nobody's turn comes."""
        self._waiting.clear()

    def may_go_on(self, call: Call) -> bool:
        """Whether the call's window may be opened; if not, it is when its turn has come."""
        if not self._crowded or call in self._favoured:
            return True
        if len(self._favoured) < self._favourable:
            self._favoured[call] = None
            return True
        self._waiting[call] = None
        return False

    @property
    def _crowded(self) -> bool:
        return self.size > self.limit // 2

    def window(self, wanted: int) -> int:
        """The size for streams' windows that is right now, up to `wanted`. A power of two below that, so that it does
        not change with each message."""
        if not self.count:
            return wanted
        share = max(_SMALLEST_WINDOW, self.limit // 4 // self.count)
        return min(wanted, 1 << (share.bit_length() - 1))

    def fitted(self, window: int, wanted: int) -> None:
        """The windows are so large now, where bandwidth wants them to be `wanted`."""
        right_for = self.limit // 4 // window
        self._most = max(1, right_for) if window > _SMALLEST_WINDOW else math.inf
        self._least = max(1, right_for // 8) if window < wanted else -1
