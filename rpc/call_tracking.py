"""What pickers learn of the calls that they have placed: when each goes out, and how it ends.

A picker that wants to know returns `Tracked(subchannel, (tracker,))` in place of the subchannel. One tracker may serve
many calls; a picker that keeps something for each call makes a tracker for each.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable

from .status import Status

_log = logging.getLogger("barewire.rpc.channel")


class CallTracker:
    """Told of calls, or of attempts where a call has several. Both methods do nothing; override those that matter.

    They run on the channel's loop or under its lock: they must not wait, and may not use the channel. What they raise
    is logged, and changes nothing for the call. Of a pick that is not used, because the connection was lost meanwhile
    or because the call has ended, they hear nothing.
    """

    def started(self) -> None:
        """The call is going out to the subchannel that was picked."""

    def ended(self, status: Status) -> None:
        """Its stream has ended, told once for each `started`.

        `status` is what the wire says: the server's code, message and `trailing_metadata` (where a server's load report
        travels, under "endpoint-load-metrics-bin"), with `from_peer`; or what happened here, such as CANCELLED by the
        application, DEADLINE_EXCEEDED, or UNAVAILABLE for a lost connection.
        """


def tell_started(trackers: Iterable[CallTracker]) -> None:
    """A call goes out."""
    for tracker in trackers:
        try:
            tracker.started()
        except Exception:
            _log.exception("%s.started raised", type(tracker).__name__)


def tell_ended(trackers: Iterable[CallTracker], status: Status) -> None:
    """A call has ended. Each gets a status of its own, for statuses are remembered for all calls that end alike."""
    for tracker in trackers:
        try:
            tracker.ended(status.copy())
        except Exception:
            _log.exception("%s.ended raised", type(tracker).__name__)
