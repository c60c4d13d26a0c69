"""What connections count: plain integers, increased by the cores, always.

Times are those of the core's `now`; None: not yet. Who shows them translates them to the wall clock.
"""

from __future__ import annotations


class CallCounters:
    """Calls of a server, or attempts of calls on what a channel has connected to; several connections may share one.

    started == succeeded + failed + those that are open. A call succeeds by ending with OK.
    """

    __slots__ = ("failed", "last_started", "started", "succeeded")

    def __init__(self) -> None:
        self.started = 0
        self.succeeded = 0
        self.failed = 0
        self.last_started: float | None = None


class StreamCounters:
    """Streams and messages of one connection.

    A stream succeeds if its server has ended it with END_STREAM, whatever the status (A14); else it fails. A message
    counts as sent when its last byte has been framed, as received when its last byte has come.
    """

    __slots__ = (
        "failed",
        "keepalives_sent",
        "last_message_received",
        "last_message_sent",
        "last_started",
        "messages_received",
        "messages_sent",
        "started",
        "succeeded",
    )

    def __init__(self) -> None:
        self.started = 0
        self.succeeded = 0
        self.failed = 0
        self.messages_sent = 0
        self.messages_received = 0
        self.keepalives_sent = 0
        self.last_started: float | None = None
        self.last_message_sent: float | None = None
        self.last_message_received: float | None = None
