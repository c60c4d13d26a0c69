"""A channel without I/O or clock: its state, its calls while they wait, its resolver and its balancer.

A shell adds time, timers, lookups and connections; `submit` puts each call where the balancer's picker says.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Mapping
from typing import Any

from .backoff import BackoffPolicy
from .balancer import (
    QUEUEING,
    BalancerFactory,
    ChosenPolicy,
    Drop,
    Fail,
    Fixed,
    Picker,
    PickResult,
    Queue,
    Tracked,
    choose_policy,
    failing,
)
from .call_tracking import CallTracker
from .channel_call import ChannelCall
from .channelz import ChannelNode, Channelz, Severity
from .connectivity import CONNECTING, IDLE, SHUTDOWN, TRANSIENT_FAILURE, ConnectivityState, channel_steps
from .control_plane import restricted
from .counters import CallCounters
from .errors import RpcConfigurationError
from .graceful_switch import GracefulSwitch
from .limits import Limits
from .name_resolution import NameResolution
from .resolver import Lookup, ResolverFactory, ResolverResult
from .service_config import ServiceConfig, parse_service_config
from .status import Status, StatusCode
from .subchannel import Attempt, Dial, Subchannel, describe_failure, is_fault
from .target import ChannelTarget, Target
from .timers import TimerHandle

_log = logging.getLogger("barewire.rpc.channel")

CLOSED = Status(StatusCode.CANCELLED, "the channel was closed", reached_server=False, final=True)


class ChannelCore:
    """See the module. Everything happens on the shell's loop, or under its lock."""

    # Whether calls that would not wait do wait for attempts to connect that are under way: a blocking channel connects
    # only while somebody waits.
    waits_for_attempts = False

    def __init__(
        self,
        target: ChannelTarget,
        resolver: ResolverFactory,
        balancers: Mapping[str, BalancerFactory],
        load_balancing: str,
        service_config: ServiceConfig,
        *,
        limits: Limits,
        backoff: BackoffPolicy,
        rng: random.Random,
    ) -> None:
        self.target = target
        self.limits = limits
        self.backoff = backoff
        self.rng = rng
        self.authority = target.authority
        self.scheme = "http"
        self.idle_timeout: float | None = 30 * 60.0
        self.connection_attempt_delay = 0.25
        self.max_connections_per_subchannel = 1
        self.resolver_configs = True  # whether the resolver's service config counts
        self.state: ConnectivityState = IDLE
        self.last_error = ""
        self.health_check_service = service_config.health_check_service
        self.service_config = self._own_config = service_config
        self._resolver_factory = resolver
        self.balancers = balancers
        self._load_balancing = load_balancing
        self._resolution: NameResolution | None = None  # None: idle, or closed
        self._switch = GracefulSwitch(self)
        self._picker: Picker = QUEUEING
        self._has_endpoints = False
        self._fault = ""  # of the resolver or the balancer, the last one that was logged
        self._pending: dict[ChannelCall, None] = {}
        self._attempts = 0  # attempts to connect, and lookups, that are under way
        self._used = False  # since the idle timer was set
        self._idle_timer: TimerHandle | None = None
        self._subchannels: set[Subchannel] = set()
        self.calls = CallCounters()  # of the application; subchannels count attempts
        self.node: ChannelNode | None = None  # in channelz
        self._choose_policy(service_config)  # says now what is wrong with it

    # -- for shells -----------------------------------------------------------------------------------------------

    def now(self) -> float:
        """The time on the shell's clock."""
        raise NotImplementedError

    def schedule(self, when: float, callback: Callable[[], object]) -> TimerHandle:
        """Call this at a time of the shell's clock, under the channel's lock where there is one.

        The blocking shell calls it when somebody waits for the channel then; if not, with the channel's next use.
        """
        raise NotImplementedError

    def post(self, callback: Callable[[], object]) -> None:
        """Call this soon, likewise. Any thread may ask for it."""
        raise NotImplementedError

    def run(self, lookup: Lookup, done: Callable[[Any], object]) -> None:
        """Run a function or a coroutine function where it may take time; see `ResolverChannel.run`."""
        raise NotImplementedError

    def getaddrinfo(self, host: str, port: int) -> Any:
        """The system's lookup, to be given to `run`."""
        raise NotImplementedError

    def look_up_txt(self, name: str) -> Any:
        """The TXT records of a name, likewise."""
        raise NotImplementedError

    def dial(self, attempt: Attempt) -> Dial:
        """Begin to connect to `attempt.address`. It tells the attempt what becomes of it, but not before it returns."""
        raise NotImplementedError

    def state_changed(self) -> None:
        """Wake those who watch the state."""
        raise NotImplementedError

    def use_service_config(self, config: ServiceConfig) -> None:
        """Calls that begin from now on follow this config."""
        self.service_config = config

    # -- channelz -------------------------------------------------------------------------------------------------

    def show_in(self, channelz: Channelz) -> None:
        """Be shown by channelz, until it is closed."""
        self.node = ChannelNode(str(self.target), channelz, self.calls, self.now, state=lambda: self.state)
        self.node.max_connections = self.max_connections_per_subchannel

    # -- calls ----------------------------------------------------------------------------------------------------

    def submit(self, call: ChannelCall) -> None:
        """Start a call now, or when there is a connection."""
        self._used = True
        picker = self._picker
        try:
            result = picker.pick(call)
        except Exception as error:  # the user's
            result = _fault_of_picker(error)
        if isinstance(result, Subchannel) and self.max_connections_per_subchannel == 1:
            link = result.link
            if link is not None and link.core.accepts_calls:
                call.start(link)
                return
        self._place(call, result)
        if self._picker is not picker:  # it has changed while it was asked
            self.place_pending()

    def _place(self, call: ChannelCall, result: PickResult) -> None:
        trackers: tuple[CallTracker, ...] = ()
        if isinstance(result, Tracked):
            result, trackers = result.subchannel, result.trackers
        if isinstance(result, Subchannel):
            link = result.choose_link()
            if link is not None:
                call.start(link)
                if trackers:
                    call.track(trackers)
                return
        elif isinstance(result, Drop) or (isinstance(result, Fail) and not self._waits(call)):
            call.ended(restricted(result.status, "the balancer"))
            return
        elif not isinstance(result, (Queue, Fail)):  # pyright: ignore[reportUnnecessaryIsInstance] - the user's
            reason = f"the balancer's picker returned {result!r:.100}, which is no PickResult"
            call.ended(Status(StatusCode.INTERNAL, reason, reached_server=False))
            return
        self._hold(call)
        if self.state is IDLE:
            self.connect()

    def _waits(self, call: ChannelCall) -> bool:
        """Whether a call waits while nothing is ready (R79)."""
        return call.wait_for_ready or (self.waits_for_attempts and self._attempts > 0)

    def _hold(self, call: ChannelCall) -> None:
        pending, limit = self._pending, self.limits.max_waiting_calls
        if len(pending) >= limit:
            for each in [each for each in pending if each.status is not None]:
                del pending[each]
        if len(pending) >= limit:
            reason = f"{len(pending)} calls wait for a connection already (max_waiting_calls)"
            call.ended(Status(StatusCode.RESOURCE_EXHAUSTED, reason, reached_server=False))
            return
        pending[call] = None
        call.hold()

    def place_pending(self) -> None:
        """There is something new: ask again for all calls that wait."""
        pending, self._pending = self._pending, {}
        for call in pending:
            if call.status is None:
                try:
                    result = self._picker.pick(call)
                except Exception as error:  # the user's
                    result = _fault_of_picker(error)
                self._place(call, result)

    # -- state ----------------------------------------------------------------------------------------------------

    def connect(self) -> None:
        """Leave IDLE: find out the endpoints, and connect."""
        if self.state is SHUTDOWN:
            return
        if self._resolution is not None:
            self._switch.exit_idle()
            return
        self._become(CONNECTING)
        self._used = True
        self._set_idle_timer()
        self._resolution = NameResolution(self, self._resolver_factory)

    def enter_idle(self) -> None:
        """Give up all connections and the resolver, until they are needed again. Open calls run on."""
        if self._resolution is not None:
            self._disconnect()
            self._picker = QUEUEING
            self._become(IDLE)

    def shut_down(self) -> None:
        """Close for good: waiting calls end, those on connections run on."""
        if self.state is SHUTDOWN:
            return
        self._disconnect()
        self._picker = Fixed(Drop(CLOSED))
        self._become(SHUTDOWN)
        if self.node is not None:
            self.node.close()
        self.place_pending()

    def _disconnect(self) -> None:
        resolution, self._resolution = self._resolution, None
        if resolution is not None:
            resolution.close()
        self._switch.close()
        self._has_endpoints = False
        if self._idle_timer is not None:
            self._idle_timer.cancel()
            self._idle_timer = None

    def _become(self, state: ConnectivityState) -> None:
        for step in channel_steps(self.state, state):
            self.state = step
            if self.node is not None:
                self.node.trace.add_state(step, self.last_error)
            self.state_changed()

    def _set_idle_timer(self) -> None:
        if self.idle_timeout is not None:
            self._idle_timer = self.schedule(self.now() + self.idle_timeout, self._idle_timer_fired)

    def _idle_timer_fired(self) -> None:
        """R77. Calls do not touch the timer: a channel is idle after one to two timeouts without a call."""
        used, self._used = self._used, False
        if used or self._pending or any(each.open_calls for each in self._subchannels):
            self._set_idle_timer()
        else:
            self.enter_idle()

    # -- what the balancer tells ----------------------------------------------------------------------------------

    def publish(self, state: ConnectivityState, picker: Picker) -> None:
        """The balancer has a new state and a new picker."""
        if self._resolution is None:
            return
        self._picker = picker
        failure = picker.result if isinstance(picker, Fixed) else None
        if isinstance(failure, Fail):
            self.last_error = failure.status.message.removeprefix(f"cannot connect to {self.target}: ")
        elif state is ConnectivityState.READY:
            self.last_error = ""
        self._become(state)
        self.place_pending()

    def request_resolution(self) -> None:
        """Perhaps the endpoints have changed (R81)."""
        if self._resolution is not None:
            self._resolution.resolve_now()

    def new_subchannel(self, address: Target, on_change: Callable[[Subchannel], object]) -> Subchannel:
        """A subchannel for the balancer."""
        return Subchannel(self, address, on_change)

    def subchannel_made(self, subchannel: Subchannel) -> None:
        self._subchannels.add(subchannel)
        if self.node is not None:
            subchannel.node = self.node.add_subchannel(
                str(subchannel.address), subchannel.calls, lambda: subchannel.connectivity
            )

    def subchannel_shut_down(self, subchannel: Subchannel) -> None:
        self._subchannels.discard(subchannel)
        if subchannel.node is not None:
            subchannel.node.close()

    def attempt_started(self) -> None:
        self._attempts += 1

    def attempt_ended(self) -> None:
        self._attempts -= 1

    # -- what the resolver tells ----------------------------------------------------------------------------------

    def resolved(self, result: ResolverResult) -> None:
        """The resolver has found endpoints."""
        before = self.service_config
        try:
            config = self._config_of(result)
            name, factory, policy_config = self._choose_policy(config)
            self._use(config)
            if not self._has_endpoints:
                for call in list(self._pending):  # observers may make calls
                    call.name_resolved()
            self._switch.update(name, factory, result.endpoints, policy_config)
            if self.node is not None:
                self.node.trace.add(f"resolved: {len(result.endpoints)} endpoints, balanced by {name}")
        except Exception as error:  # a bad config, or the user's balancer: the last result stays (A21)
            self._use(before)
            self.resolution_failed(error)
        else:
            self._has_endpoints = True
            self._fault = ""

    def _use(self, config: ServiceConfig) -> None:
        self.health_check_service = config.health_check_service
        if config != self.service_config:
            self.use_service_config(config)

    def resolution_failed(self, error: Exception) -> None:
        """The resolver has found nothing, or nothing that can be used. What was found before stays."""
        reason = describe_failure(error)
        if is_fault(error) and reason != self._fault:  # resolvers try again and again
            self._fault = reason
            _log.error("%s: its resolver or its balancer raised", self.target, exc_info=error)
        if self.node is not None:
            self.node.trace.add(f"resolution failed: {reason}", Severity.WARNING)
        if self._has_endpoints:
            _log.warning(
                "%s: what its resolver says cannot be used, what it said before stays: %s",
                self.target,
                reason,
            )
        else:
            self.publish(TRANSIENT_FAILURE, failing(f"cannot connect to {self.target}: {reason}"))

    def _config_of(self, result: ResolverResult) -> ServiceConfig:
        if result.service_config is None or not self.resolver_configs:
            return self._own_config
        try:
            if isinstance(result.service_config, RpcConfigurationError):
                raise result.service_config
            return parse_service_config(result.service_config)
        except RpcConfigurationError as error:
            if not self._has_endpoints:
                raise
            _log.warning("%s: the resolver's service config is refused: %s", self.target, error)
            return self.service_config

    def _choose_policy(self, config: ServiceConfig) -> ChosenPolicy:
        """R86: that of the service config, else the channel's own."""
        return choose_policy(config.load_balancing or ((self._load_balancing, {}),), self.balancers)


def _fault_of_picker(error: Exception) -> Drop:
    _log.exception("a picker failed")
    reason = f"the balancer's picker raised {type(error).__name__}: {error}"
    return Drop(Status(StatusCode.INTERNAL, reason, reached_server=False))
