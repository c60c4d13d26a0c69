"""A call, or one attempt of it, as a channel sees it."""

from __future__ import annotations

from typing import Protocol

from .balancer import PickedCall
from .call_tracking import CallTracker
from .client_interfaces import CallLink
from .status import Status


class ChannelCall(PickedCall, Protocol):
    """See the module. While it waits it watches its deadline itself."""

    @property
    def wait_for_ready(self) -> bool: ...

    @property
    def deadline(self) -> float | None: ...

    @property
    def status(self) -> Status | None:
        """How it ended; None while it has not."""
        ...

    def start(self, link: CallLink) -> None:
        """Go out on this connection."""
        ...

    def track(self, trackers: tuple[CallTracker, ...]) -> None:
        """It has just been started; tell them how it ends."""
        ...

    def hold(self) -> None:
        """There is no connection yet."""
        ...

    def name_resolved(self) -> None:
        """It waits, and the channel's resolver has found something at last."""
        ...

    def expired_while_pending(self) -> None:
        """The deadline has passed meanwhile."""
        ...

    def ended(self, status: Status) -> None:
        """It cannot go out."""
        ...
