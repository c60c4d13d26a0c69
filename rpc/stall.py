"""Calls whose data the peer's windows do not let out (R75)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from .status import Http2Error, Status, StatusCode

if TYPE_CHECKING:
    from .call import Call
    from .connection import Connection


class StallWatch:
    """Ends calls, or the connection, whose peer has opened no window for `timeout` seconds.

    Calls enter and leave often, the alarm is set once per period: it looks at the call that has waited longest.
    """

    __slots__ = ("_armed", "_connection", "_timeout", "since")

    def __init__(self, timeout: float, connection: Connection) -> None:
        self._timeout = timeout
        self._connection = connection
        self._armed = False
        self.since: dict[Call, float] = {}  # in the order of time

    def shut(self, call: Call) -> None:
        """A call has data, and no window to send it in."""
        if call in self.since or self._timeout == math.inf:
            return
        self.since[call] = self._connection.now
        if not self._armed:
            self._armed = True
            self._connection.alarms.set(self._look, self._connection.now + self._timeout)

    def _look(self, now: float) -> float:
        for call, since in list(self.since.items()):
            if since + self._timeout > now:
                return since + self._timeout
            self._give_up(call)
        self._armed = False
        return math.inf

    def _give_up(self, call: Call) -> None:
        connection = self._connection
        reason = f"the peer took no data for {self._timeout:g} s: {{}} window stayed shut (stall_timeout)"
        if connection.http2.connection_send_window <= 0:  # then no call can go on
            connection.close(reason.format("the connection's"), Http2Error.ENHANCE_YOUR_CALM)
        elif not call.ended:
            text = reason.format("its") + f", with {call.queued_bytes} bytes waiting"
            call.fail(Status(StatusCode.UNAVAILABLE, text))
