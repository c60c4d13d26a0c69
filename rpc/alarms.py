"""What a connection does when time passes, apart from the deadlines of its calls."""

from __future__ import annotations

import math
from collections.abc import Callable

Alarm = Callable[[float], float]


class Alarms:
    """A few functions, each with the time at which it is called next.

    An alarm gets the time, and returns when it wants to be called again (`math.inf`: not by itself). What only
    postpones it, such as a byte read or a call started, does not move it: it looks at what has happened when its time
    comes. So an alarm costs nothing while the connection is busy. `due` is the time of the earliest.
    """

    __slots__ = ("_times", "due")

    def __init__(self) -> None:
        self._times: dict[Alarm, float] = {}
        self.due = math.inf

    def set(self, alarm: Alarm, when: float) -> None:
        """Call `alarm` at the time `when`, and not when it was to be called before."""
        self._times[alarm] = when
        self.due = min(self._times.values())

    def run(self, now: float) -> None:
        """Call what is due."""
        for alarm in [alarm for alarm, when in self._times.items() if when <= now]:
            again = alarm(now)
            if alarm in self._times:  # else one of them has ended the connection
                self._times[alarm] = again
        self.due = min(self._times.values(), default=math.inf)

    def clear(self) -> None:
        """Call nothing any more."""
        self._times.clear()
        self.due = math.inf
