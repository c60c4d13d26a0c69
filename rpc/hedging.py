"""Hedging: several attempts of one call at the same time, of which the first that answers wins (A6, R97)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .attempt_timer import AttemptTimer
from .retry import NEVER, AttemptLog, can_repeat, read_pushback, stream_opened
from .service_config import HedgingPolicy
from .status import Status, StatusCode

if TYPE_CHECKING:
    from collections.abc import Collection

    from .call_tracking import CallTracker
    from .client_attempts import AttemptedCall
    from .client_call import ClientCall
    from .client_connection import ClientConnection
    from .client_interfaces import CallLink
    from .metadata import Metadata
    from .observer import AttemptKind, ObservedAttempt
    from .target import Target

_LOST = Status(StatusCode.CANCELLED, "another attempt of the call has been faster", reached_server=False)


class Hedge:
    """One attempt, as channels and connections see it. The one that wins hands its stream to the call."""

    __slots__ = ("_call", "_hedging", "_previous", "_refused", "core", "link", "observed", "status", "timer")

    def __init__(self, hedging: Hedging, call: AttemptedCall, previous: int) -> None:
        self._hedging = hedging
        self._call = call
        self._previous = previous  # attempts before this one
        self._refused = False  # a server has refused it once already
        self.core: ClientCall | None = None
        self.link: CallLink | None = None
        self.status: Status | None = None
        self.timer: AttemptTimer | None = None  # until it is given to the channel once more
        # A call that learns of its policy while it waits for a connection has been attempted already.
        self.observed, call.observed = (
            call.observed or self._observe("hedge" if previous else "original"),
            None,
        )

    def _observe(self, kind: AttemptKind) -> ObservedAttempt | None:
        return self._call.observe_attempt(self._previous, kind)

    # -- for the channel ------------------------------------------------------------------------------------------

    @property
    def path(self) -> str:
        return self._call.path

    @property
    def metadata(self) -> Metadata:
        return self._call.metadata

    @property
    def tried(self) -> Collection[Target]:
        return self._hedging.log.tried

    @property
    def wait_for_ready(self) -> bool:
        return self._call.wait_for_ready

    @property
    def deadline(self) -> float | None:
        return self._call.deadline

    def hold(self) -> None:
        self._call.hold()

    def name_resolved(self) -> None:
        if not self._previous:
            self._call.name_resolved()

    def expired_while_pending(self) -> None:
        self._call.expired_while_pending()

    def start(self, link: CallLink) -> None:
        if self.status is None:
            self.core, self.link = self._call.send_over(link, self), link
            self._hedging.log.tried.append(link.address)
            self._hedging.started()

    def track(self, trackers: tuple[CallTracker, ...]) -> None:
        if self.status is None and self.core is not None:
            self.core.track(trackers)

    def put_on(self, connection: ClientConnection, now: float) -> ClientCall:
        call = self._call.open_stream(connection, now, self._previous, self.observed)
        call.sink = self
        return call

    def submit_again(self) -> None:
        if self.status is None:
            self.observed = self._observe("transparent_retry")
            self._call.submit_attempt(self)

    # -- for its stream -------------------------------------------------------------------------------------------

    def response_started(self) -> None:
        self._hedging.commit(self)
        self._call.response_started()

    def wake(self) -> None:
        self._call.wake()

    def send(self, payload: bytes) -> None:
        """Send one more message, if there is a connection; all others are sent with it when there is."""
        if self.core is not None and self.link is not None:
            size = self.core.send_message(payload)
            if self.observed is not None:
                self.observed.tell("sent", payload, size)
            self.link.schedule_flush()

    def ended(self, status: Status) -> None:
        if self.status is not None:
            return
        if self.observed is not None:
            self.observed.ended(status)
        if can_repeat(status, self.core, self._refused):  # R89
            self._refused = self._refused or stream_opened(self.core)
            self.core = self.link = None
            self._hedging.repeat(self)
            return
        self.status = status
        self._hedging.ended(self, status)

    def cancel(self) -> None:
        """Another attempt has won, or the call is over."""
        self.status = _LOST
        if self.timer is not None:
            self.timer.cancel()
        if self.observed is not None:
            self.observed.ended(_LOST)
        if self.core is not None and self.link is not None:
            self.core.cancel(_LOST)
            self.link.schedule_flush()


class Hedging:
    """The attempts of one call, until one of them wins."""

    def __init__(self, call: AttemptedCall, policy: HedgingPolicy) -> None:
        self.log = AttemptLog()
        self._call = call
        self._policy = policy
        self._running: list[Hedge] = []
        self._made = 0
        self._timer: AttemptTimer | None = None
        self._stopped = False  # no further attempts
        self._last = _LOST  # what the last attempt that failed ended with

    def begin(self) -> None:
        """Start the first attempt."""
        self._next()

    def _next(self) -> None:
        """Start an attempt, and have the one after it follow in its time."""
        self._timer = None
        if self._made and not self._call.retries.open:  # R96
            self._stopped = True
            if not self._running:
                self._call.finish(self._last)
            return
        hedge = Hedge(self, self._call, self._made)
        self._made += 1
        self.log.count = self._made
        self._running.append(hedge)
        if self._made < self._policy.max_attempts:
            self._schedule(self._policy.hedging_delay)
        self._call.submit_attempt(hedge)

    def _schedule(self, delay: float) -> None:
        self._timer = AttemptTimer(self._call, delay, self._next)

    def repeat(self, hedge: Hedge) -> None:
        """Give an attempt to the channel once more."""
        hedge.timer = AttemptTimer(self._call, 0.0, hedge.submit_again)

    # -- the request ----------------------------------------------------------------------------------------------

    def send(self, payload: bytes) -> None:
        """Send one more message on every attempt that is under way."""
        for hedge in self._running:
            hedge.send(payload)

    def end_sending(self) -> None:
        for core, link in self._cores():
            core.end_sending()
            link.schedule_flush()

    @property
    def under_way(self) -> bool:
        """Whether an attempt has a connection."""
        return bool(self._cores())

    @property
    def must_wait(self) -> bool:
        """Whether all attempts that are under way have so much queued that the sender should wait."""
        cores = self._cores()
        full = [core for core, _ in cores if core.must_wait]
        if len(full) < len(cores):
            return False
        for core in full:
            core.wants_send_ready = True
        return True

    def _cores(self) -> list[tuple[ClientCall, CallLink]]:
        return [
            (hedge.core, hedge.link)
            for hedge in self._running
            if hedge.core is not None and hedge.link is not None
        ]

    def commit_to_furthest(self) -> None:
        """The request has become too large to be kept: go on with the attempt that has sent most of it."""
        opened = [hedge for hedge in self._running if stream_opened(hedge.core)]
        if opened:
            self.commit(min(opened, key=lambda hedge: hedge.core.queued_bytes if hedge.core else 0))

    # -- the end --------------------------------------------------------------------------------------------------

    def started(self) -> None:
        """An attempt has got its connection."""
        self._call.keep_or_commit()
        self._call.wake()

    def commit(self, winner: Hedge) -> None:
        """Go on with this attempt alone; its stream becomes the call's."""
        self._running.remove(winner)
        self.stop()
        assert winner.core is not None
        self._call.adopt(winner.core, winner.link)
        self._call.observed = winner.observed

    def ended(self, hedge: Hedge, status: Status) -> None:
        """An attempt has ended without a response."""
        self._running.remove(hedge)
        if status.final and self._running:  # the channel closes; the others may have a time of grace
            self._stopped = True
            self._cancel_timer()
            return
        pushback = read_pushback(status)
        well = status.code is StatusCode.OK
        fatal = status.final or status.code not in self._policy.non_fatal_status_codes
        if not well and (not fatal or pushback == NEVER):
            self._call.retries.failed()
        if well or fatal:
            self.stop()
            self._call.adopt(hedge.core, hedge.link)
            self._call.finish(status)
            return
        self._last = status
        self._stopped = self._stopped or pushback == NEVER
        self._cancel_timer()
        if not self._stopped and self._made < self._policy.max_attempts:
            self.log.note(status)
            self._schedule(pushback or 0.0)
        elif self._running:
            self.log.note(status)
        else:
            self._call.finish(status)

    def stop(self) -> None:
        """No attempt follows, and none goes on."""
        self._stopped = True
        self._cancel_timer()
        running, self._running = self._running, []
        for hedge in running:
            hedge.cancel()

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
