"""Resolvers: from a channel's target to the endpoints that serve it, now and after every change.

A resolver does no waiting of its own. It is started with a `ResolverChannel` and tells that what it knows, whenever it
knows something new: so one class serves asyncio and blocking channels. Most need not even be a class:

    async def lookup(target):                   # or a plain `def`
        nodes = await consul.healthy_nodes(target.endpoint)
        return [Endpoint(f"{node.ip}:{node.port}", weight=node.weight) for node in nodes]

    Channel("consul:///books", resolvers={"consul": polling_resolver(lookup)})
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from .backoff import BackoffPolicy
from .errors import RpcConfigurationError
from .service_config import ServiceConfig
from .target import ChannelTarget, Target, parse_target
from .timers import TimerHandle

MIN_INTERVAL = 30.0  # seconds between two lookups (R81)


@dataclass(frozen=True, slots=True, init=False)
class Endpoint:
    """One server: its address, or several that lead to the same server, best first.

    `weight` is for weighted balancing; `attributes` travel from resolvers to balancers untouched.
    """

    addresses: tuple[Target, ...]
    weight: int
    attributes: Mapping[str, Any] = field(compare=False)

    def __init__(
        self, *addresses: str | Target, weight: int = 1, attributes: Mapping[str, Any] | None = None
    ) -> None:
        """Addresses as text are "10.0.0.1:50051", "[::1]:50051" or "unix:/path". Raises RpcConfigurationError."""
        parsed = tuple(parse_target(each) if isinstance(each, str) else each for each in addresses)
        object.__setattr__(self, "addresses", parsed)
        object.__setattr__(self, "weight", weight)
        object.__setattr__(self, "attributes", attributes or {})

    def __str__(self) -> str:
        return ", ".join(map(str, self.addresses))


@dataclass(frozen=True, slots=True)
class ResolverResult:
    """What a resolver has found: all endpoints, and what the service's owner says about it.

    `service_config` is JSON text, a mapping, a ServiceConfig, or None for no word about it; or the error that has come
    of reading it, which counts as a config that is wrong (A21).
    """

    endpoints: tuple[Endpoint, ...] = ()
    service_config: str | bytes | Mapping[str, Any] | ServiceConfig | RpcConfigurationError | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict[str, Any])


Lookup = Callable[[], Any]  # a function, or a coroutine function


class ResolverChannel(Protocol):
    """What a resolver has of its channel. `update` and `failed` may be called by any thread, at any time; what comes
    after `close` is ignored."""

    @property
    def backoff(self) -> BackoffPolicy:
        """How long to wait after failures."""
        ...

    @property
    def rng(self) -> random.Random:
        """Where randomness comes from."""
        ...

    def update(self, result: ResolverResult) -> None:
        """This is the state of things, in place of what was told before."""
        ...

    def failed(self, error: Exception) -> None:
        """Nothing could be found out. The channel goes on with the last result, if there is one."""
        ...

    def now(self) -> float: ...

    def schedule(self, when: float, callback: Callable[[], object]) -> TimerHandle: ...

    def run(self, lookup: Lookup, done: Callable[[Any], object]) -> None:
        """Run something that takes time, then call `done` with its result, or with the exception that it raised.

        Coroutine functions run on the channel's loop, plain functions in the loop's executor. A blocking channel runs
        both on the thread that waits for it (coroutines in a loop of their own), and its other calls wait meanwhile.
        """
        ...

    def getaddrinfo(self, host: str, port: int) -> Any:
        """The system's lookup, to be given to `run`. Results are those of socket.getaddrinfo."""
        ...

    def look_up_txt(self, name: str) -> Any:
        """The TXT records of a name, to be given to `run`: a list of bytes. Needs dnspython."""
        ...


class Resolver(Protocol):
    """Finds endpoints for one channel. Every method is called on the channel's loop or under its lock: it must not
    wait."""

    def start(self, channel: ResolverChannel) -> None:
        """Begin; results go to `channel`."""
        ...

    def resolve_now(self) -> None:
        """Connections were lost or cannot be made: look again soon. A hint, and it may come often."""
        ...

    def close(self) -> None:
        """The channel needs no more. It may start another resolver later."""
        ...


ResolverFactory = Callable[[ChannelTarget], Resolver]
LookupResult = ResolverResult | Iterable[Endpoint | str]
LookupFunction = Callable[[ChannelTarget], "LookupResult | Awaitable[LookupResult]"]


def as_result(found: LookupResult) -> ResolverResult:
    """What a lookup has returned, as a ResolverResult. Raises RpcConfigurationError, TypeError."""
    if isinstance(found, ResolverResult):
        return found
    return ResolverResult(tuple(Endpoint(each) if isinstance(each, str) else each for each in found))


class StaticResolver:
    """Endpoints that are known and stay."""

    def __init__(self, result: ResolverResult) -> None:
        self._result = result

    def start(self, channel: ResolverChannel) -> None:
        channel.update(self._result)

    def resolve_now(self) -> None:
        pass

    def close(self) -> None:
        pass


def static_resolver(endpoints: LookupResult) -> ResolverFactory:
    """A factory for a list that does not change: endpoints, addresses as text, or a whole ResolverResult."""
    result = as_result(endpoints)
    return lambda _: StaticResolver(result)
