"""Balancers: which connection a call takes.

A balancer is told the endpoints of its channel, makes subchannels for them, and publishes a state and a *picker*
whenever something has changed. Every call then asks the picker. Balancers of the user's own implement `Balancer`, or
inherit from `EndpointBalancer`, and come by `Channel(…, balancers={"mine": MyBalancer}, load_balancing="mine")`.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from .call_tracking import CallTracker
from .connectivity import ConnectivityState
from .errors import RpcConfigurationError
from .metadata import Metadata
from .resolver import Endpoint
from .service_config import Policies
from .status import Status, StatusCode
from .subchannel import Subchannel
from .target import Target
from .timers import TimerHandle


@dataclass(frozen=True, slots=True)
class Queue:
    """Wait for the next picker."""


@dataclass(frozen=True, slots=True)
class Fail:
    """The call fails with this status, unless it waits for ready; then it is queued (R79)."""

    status: Status


@dataclass(frozen=True, slots=True)
class Drop:
    """The call fails with this status, even if it would wait for ready (R84)."""

    status: Status


class Tracked:
    """The call goes to this subchannel, and the trackers are told when it does and how it ends."""

    __slots__ = ("subchannel", "trackers")

    def __init__(self, subchannel: Subchannel, trackers: tuple[CallTracker, ...]) -> None:
        self.subchannel = subchannel
        self.trackers = trackers


QUEUE = Queue()
PickResult = Subchannel | Tracked | Queue | Fail | Drop  # a Subchannel: the call goes there


class PickedCall(Protocol):
    """What a picker may know of a call."""

    @property
    def path(self) -> str:
        """ "/pkg.Service/Method"."""
        ...

    @property
    def metadata(self) -> Metadata: ...

    @property
    def tried(self) -> Collection[Target]:
        """The addresses that attempts of this call have gone to before; with hedging they may still run there. It is
        for the picker to choose another one if it can (A6)."""
        ...


class Picker(Protocol):
    """Chooses for each call. It must not wait, and is asked under the channel's lock where there is one."""

    def pick(self, call: PickedCall) -> PickResult: ...


class BalancerChannel(Protocol):
    """What a balancer has of its channel."""

    @property
    def target(self) -> object:
        """What the channel connects to; for messages."""
        ...

    @property
    def balancers(self) -> Mapping[str, BalancerFactory]:
        """All that the channel knows, by name; for those that leave the choice to another one."""
        ...

    @property
    def rng(self) -> random.Random: ...

    @property
    def connection_attempt_delay(self) -> float:
        """Seconds that one address of several has before the next is tried besides (happy eyeballs)."""
        ...

    @property
    def health_check_service(self) -> str | None:
        """The service whose health endpoints have to report; None: no health checking (R87)."""
        ...

    def now(self) -> float: ...

    def schedule(self, when: float, callback: Callable[[], object]) -> TimerHandle: ...

    def new_subchannel(self, address: Target, on_change: Callable[[Subchannel], object]) -> Subchannel:
        """A subchannel, IDLE. `on_change(subchannel)` follows every change of its state."""
        ...

    def publish(self, state: ConnectivityState, picker: Picker) -> None:
        """The balancer's state, and who chooses from now on. Queued calls ask again."""
        ...

    def request_resolution(self) -> None:
        """Connections were lost or cannot be made: perhaps the endpoints have changed."""
        ...


class Balancer(Protocol):
    """Called on the channel's loop or under its lock: it must not wait."""

    def update(self, endpoints: Sequence[Endpoint], config: Any) -> None:
        """The endpoints, at first and after every change, and the policy's part of the service config: what the
        factory's `parse_config` has made of it, or the JSON object where there is none. Raises RpcConfigurationError
        for a config that cannot work, before it has changed anything."""
        ...

    def exit_idle(self) -> None:
        """Connect, if the published state is IDLE: a call waits, or the user asks for it."""
        ...

    def close(self) -> None:
        """Shut all subchannels down."""
        ...


# A factory, such as a class, may have a function `parse_config(config, path, known)` besides (see `ConfigParser`).
BalancerFactory = Callable[[BalancerChannel], Balancer]
ChosenPolicy = tuple[str, BalancerFactory, Any]  # the config is parsed


class ConfigParser(Protocol):
    """What makes of a policy's JSON object the config that its balancer is given, before there is a balancer.

    `path` is the object's place in the service config, for messages; `known` are the channel's balancers. Raises
    RpcConfigurationError for a config that cannot work.
    """

    def __call__(
        self, config: Mapping[str, Any], path: str, known: Mapping[str, BalancerFactory], /
    ) -> Any: ...


def choose_policy(
    policies: Policies, known: Mapping[str, BalancerFactory], path: str = "$.loadBalancingConfig"
) -> ChosenPolicy:
    """The first of the policies that is known, with its config parsed (R86). `path`: where they stand. Raises
    RpcConfigurationError if none is known, or the config cannot work."""
    for index, (name, config) in enumerate(policies):
        if name in known:
            parse: ConfigParser | None = getattr(known[name], "parse_config", None)
            parsed = config if parse is None else parse(config, f"{path}[{index}].{name}", known)
            return name, known[name], parsed
    names = ", ".join(name for name, _ in policies) or "none"
    raise RpcConfigurationError(
        f"the service config asks for the balancer {names}; known are {', '.join(known)}"
    )


class Fixed:
    """A picker with one answer."""

    __slots__ = ("result",)

    def __init__(self, result: PickResult) -> None:
        self.result = result

    def pick(self, call: PickedCall) -> PickResult:
        return self.result


QUEUEING = Fixed(QUEUE)


def failing(reason: str) -> Fixed:
    """A picker for TRANSIENT_FAILURE."""
    return Fixed(Fail(Status(StatusCode.UNAVAILABLE, reason, reached_server=False)))
