"""How a call of a client gets onto the wire: its attempts.

Most calls have one attempt, and are that attempt themselves: nothing more is made for them. A call with several in turn
(`retry`) gives itself to its channel again and again; one with several at the same time (`hedging`) gives a `Hedge` for
each, and takes over the stream of the one that wins. Interceptors and users see one call.

A call is *committed* to an attempt when the response has begun or when too much has been sent to be kept for another
one (R92); see `replay`.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from .attempt_timer import AttemptTimer
from .call_tracking import CallTracker
from .client_call import ClientCall
from .client_connection import ClientConnection
from .client_interfaces import CallLink, CallMethod, CallSettings
from .compression import find_codec
from .deadline import effective_deadline
from .errors import RpcError
from .header_blocks import HeaderField
from .headers import request_headers
from .hedging import Hedging
from .metadata import Metadata
from .observer import AttemptKind, CallObserver, ObservedAttempt, observe_attempt, tell
from .replay import Replay
from .retry import PREVIOUS_ATTEMPTS, AttemptLog, Retries, can_repeat
from .service_config import MethodConfig
from .status import Status, StatusCode
from .target import Target


class AttemptedCall(Replay):
    """A call as channels and connections see it. `ClientCallState` adds what its user sees."""

    __slots__ = (
        "_begun_at",
        "_codec",
        "_core",
        "_hedging",
        "_launched",
        "_log",
        "_retries",
        "_service_config",
        "_timer",
        "_wait_for_ready_given",
        "config",
        "deadline",
        "link",
        "metadata_fields",
        "method",
        "observed",
        "sending_ended",
        "settings",
        "status",
        "wait_for_ready",
    )

    def __init__(
        self,
        channel: CallSettings,
        method: CallMethod,
        timeout: float | None,
        wait_for_ready: bool | None,
        compression: str | None,
        now: float,
    ) -> None:
        super().__init__(channel.retries)
        self.settings = channel  # what it lends its calls
        self.method = method
        self._begun_at = now
        self._launched = False
        self.deadline = effective_deadline(timeout, now)
        self._wait_for_ready_given = wait_for_ready is not None
        self.wait_for_ready = channel.wait_for_ready if wait_for_ready is None else wait_for_ready
        self._codec = find_codec(channel.compression if compression is None else compression)
        self.link: CallLink | None = None
        self.metadata_fields: list[HeaderField] = []
        self.sending_ended = False
        self.status: Status | None = None  # how the call ended on the wire, after all attempts
        self.observed: ObservedAttempt | None = None  # the attempt that is under way
        self._core: ClientCall | None = None  # of the attempt that is under way; of the winner, with hedging
        self._log: AttemptLog | None = None
        self._retries: Retries | None = None
        self._hedging: Hedging | None = None
        self._timer: AttemptTimer | None = None  # for the next attempt
        self.config: MethodConfig | None = None
        self._service_config = channel.service_config
        if self._service_config.methods:
            self._configure()

    def _configure(self) -> None:
        """Follow the channel's service config, which may have come while the call waited for a connection."""
        if self._log is not None:  # there is a policy, or there has been an attempt
            return
        self._service_config = self.settings.service_config
        config = self.config = self._service_config.method(self.method.path)
        if config is None:
            return
        if config.timeout is not None:  # R39
            deadline = self._begun_at + config.timeout
            self.deadline = deadline if self.deadline is None else min(self.deadline, deadline)
        if config.wait_for_ready is not None and not self._wait_for_ready_given:
            self.wait_for_ready = config.wait_for_ready
        if not self.retries.enabled:
            return
        if config.hedging is not None:
            self._hedging = Hedging(self, config.hedging)
            self._log = self._hedging.log
        elif config.retry is not None:
            self._retries = Retries(self.retries, config.retry)
            self._log = self._retries.log

    # -- for shells -----------------------------------------------------------------------------------------------

    def wake(self) -> None:
        """Something has changed."""
        raise NotImplementedError

    def hold(self) -> None:
        """The channel has no connection yet."""

    # -- what is known --------------------------------------------------------------------------------------------

    @property
    def path(self) -> str:
        return self.method.path

    @property
    def metadata(self) -> Metadata:
        """The request's."""
        raise NotImplementedError

    @property
    def observers(self) -> tuple[CallObserver, ...]:
        """Of this call."""
        raise NotImplementedError

    @property
    def tried(self) -> Collection[Target]:
        """Where attempts have gone before."""
        return () if self._log is None else self._log.tried

    @property
    def attempts(self) -> int:
        """How many attempts there have been."""
        return 1 if self._log is None else self._log.count

    # -- starting -------------------------------------------------------------------------------------------------

    def launch(self) -> None:
        """Give the first attempt to the channel."""
        self._launched = True
        calls = self.settings.calls
        calls.started += 1
        calls.last_started = self._begun_at
        if self._hedging is not None:
            self._hedging.begin()
        else:
            self.observed = self.observe_attempt(0, "original")
            self.submit_attempt(self)

    def submit_attempt(self, attempt: Any) -> None:
        """Give an attempt to the channel."""
        self.settings.submit(attempt)
        if attempt.observed is not None:
            attempt.observed.submitted()

    def observe_attempt(self, previous_attempts: int, kind: AttemptKind) -> ObservedAttempt | None:
        """Tell the observers that there is another attempt."""
        observers = self.observers
        return observe_attempt(observers, previous_attempts, kind) if observers else None

    def start(self, link: CallLink) -> None:
        """Make an attempt on this connection."""
        if self.status is not None:
            return
        if self._service_config is not self.settings.service_config:
            self._configure()
            if self._hedging is not None:
                self._hedging.begin()
                return
        self.link = link
        self._core = self.send_over(link, self)
        self.keep_or_commit()
        self.wake()  # senders that wait for the connection now wait for the window

    def track(self, trackers: tuple[CallTracker, ...]) -> None:
        """Who placed the attempt that has just been started wants to know of it."""
        if self.status is None and self._core is not None:
            self._core.track(trackers)

    def put_on(self, core: ClientConnection, now: float) -> ClientCall:
        """Open the stream of an attempt that is the call itself."""
        previous_attempts = 0 if self._retries is None else self._retries.retried
        call = self.open_stream(core, now, previous_attempts, self.observed)
        call.sink = self
        return call

    def open_stream(
        self, core: ClientConnection, now: float, previous_attempts: int, observed: ObservedAttempt | None
    ) -> ClientCall:
        """A stream for an attempt."""
        settings = self.settings
        metadata = self.metadata_fields
        if previous_attempts:  # R95
            metadata = [*metadata, (PREVIOUS_ATTEMPTS, b"%d" % previous_attempts)]
        if observed is not None:
            metadata = [*metadata, *observed.opened()]
        headers = request_headers(
            self.method.path,
            settings.authority,
            settings.scheme,
            metadata,
            None if self.deadline is None else self.deadline - now,  # R38
            encoding=None if self._codec is None else self._codec.name.encode(),
        )
        return core.start_call(headers, self.deadline, self._codec, now)

    def send_over(self, link: CallLink, attempt: Any) -> ClientCall:
        """Put an attempt on a connection, with all that has been sent so far."""
        core = link.start_call(attempt)
        for payload in self.kept or ():
            size = core.send_message(payload)
            if attempt.observed is not None:
                attempt.observed.tell("sent", payload, size)
        if self.sending_ended:
            core.end_sending()
        link.schedule_flush()
        return core

    def name_resolved(self) -> None:
        """The channel knows now where its target is."""
        if observers := self.observers:
            tell(observers, "name_resolved")

    def expired_while_pending(self) -> None:
        """The deadline passed before there was a connection."""
        if self.under_way:  # one hedge has none yet, but another has
            return
        reason = f"the deadline passed while waiting for a connection to {self.settings.target}"
        if self.settings.last_error:
            reason += f" (last attempt: {self.settings.last_error})"
        self.finish(Status(StatusCode.DEADLINE_EXCEEDED, reason, reached_server=False))

    # -- sending --------------------------------------------------------------------------------------------------

    def queue(self, payload: bytes) -> None:
        """Send an encoded request, or hold it until there is a connection."""
        if self.sending_ended:
            raise RuntimeError("the last message has been sent already")
        self.keep(payload)
        if self._core is not None and self.link is not None:
            size = self._core.send_message(payload)
            if self.observed is not None:
                self.observed.tell("sent", payload, size)
            self.link.schedule_flush()
            self.keep_or_commit()
        elif self._hedging is not None:
            self._hedging.send(payload)
            self.keep_or_commit()

    @property
    def must_wait(self) -> bool:
        """Whether so much is queued that the sender should wait; then `wake` comes when it may go on."""
        core = self._core
        if core is not None:
            if core.must_wait:
                core.wants_send_ready = True
                return True
            return False
        if self._hedging is not None and self._hedging.under_way:
            return self._hedging.must_wait
        return self._kept_size > self.settings.limits.send_buffer

    @property
    def under_way(self) -> bool:
        """Whether an attempt has a connection."""
        return self._core is not None or (self._hedging is not None and self._hedging.under_way)

    def end_sending(self) -> None:
        """No message follows."""
        if self.sending_ended:
            return
        self.sending_ended = True
        if self._core is not None and self.link is not None:
            self._core.end_sending()
            self.link.schedule_flush()
        elif self._hedging is not None:
            self._hedging.end_sending()

    # -- keeping for another attempt ------------------------------------------------------------------------------

    def keep_or_commit(self) -> None:
        """Stop keeping messages that are too many, once they are on their way (R92)."""
        if not self.keeps_too_much:
            return
        if self._hedging is not None:
            self._hedging.commit_to_furthest()
        elif self._core is not None and self._core.stream_id:
            self.commit()

    def response_started(self) -> None:
        """The head of the response has come."""
        self.commit()
        self.wake()

    def adopt(self, core: ClientCall | None, link: CallLink | None) -> None:
        """Go on with the stream of the hedge that has won."""
        self._hedging = None
        self._core, self.link = core, link
        if core is not None:
            core.sink = self
        self.commit()

    # -- ending ---------------------------------------------------------------------------------------------------

    def ended(self, status: Status) -> None:
        """An attempt has ended: the call with it, or another attempt follows."""
        if self.status is None and (status.code is StatusCode.OK or not self._tries_again(status)):
            self.finish(status)

    def _tries_again(self, status: Status) -> bool:
        retries = self._retries
        if retries is None and (self.kept is None or not can_repeat(status, self._core, refused=False)):
            return False
        if status.final or not self.retries.enabled:
            return False
        if self.deadline is not None and self.deadline <= self.settings.now():
            return False
        if retries is None:
            retries = self._retries = Retries(self.retries, None)
            self._log = retries.log
        retried = retries.retried
        delay = retries.delay_after(status, self._core, committed=self.kept is None)
        if delay is None:
            return False
        if self.link is not None:
            retries.log.tried.append(self.link.address)
        self._core = self.link = None
        if self.observed is not None:
            self.observed.ended(status)
        self._timer = AttemptTimer(self, delay, lambda: self._try_again(retries.retried, retried))
        return True

    def _try_again(self, retried: int, before: int) -> None:
        self.observed = self.observe_attempt(retried, "transparent_retry" if retried == before else "retry")
        self.submit_attempt(self)

    def finish(self, status: Status) -> None:
        """The call is over on the wire."""
        self.status = status
        well = status.code is StatusCode.OK
        if self._launched:
            calls = self.settings.calls
            if well:
                calls.succeeded += 1
            else:
                calls.failed += 1
        self.commit()
        if well and self.retries.throttle is not None:
            self.retries.throttle.succeeded()
        if self._log is not None:
            self._stop_attempts()
        if self.observed is not None:
            self.observed.ended(status)

    def _stop_attempts(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._hedging is not None:
            self._hedging.stop()

    def cancel(self, status: Status | None = None) -> None:
        """Give the call up."""
        if self.status is not None:
            return
        status = status or Status(StatusCode.CANCELLED, "cancelled by the application")
        if self._core is not None and self.link is not None:
            self._core.cancel(status)
            self.link.schedule_flush()
        self.finish(status)

    def error_of(self, status: Status) -> RpcError:
        """The error that this status is to the user."""
        initial = self._core.initial_metadata.copy() if self._core is not None else Metadata()
        error = RpcError.from_status(status, initial)
        if self._log is not None:
            error.attempts = self._log.count
            error.earlier_failures = tuple(self._log.failures)
        return error
