"""A channel's resolver, from when the channel is needed until it is idle or closed."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, Protocol

from .backoff import BackoffPolicy
from .resolver import Lookup, Resolver, ResolverFactory, ResolverResult
from .target import ChannelTarget
from .timers import TimerHandle


class ResolutionOwner(Protocol):
    """What is needed of the channel."""

    backoff: BackoffPolicy
    rng: random.Random

    @property
    def target(self) -> ChannelTarget: ...

    def now(self) -> float: ...

    def schedule(self, when: float, callback: Callable[[], object]) -> TimerHandle: ...

    def post(self, callback: Callable[[], object]) -> None:
        """Call this soon, on the channel's loop or under its lock. Any thread may ask for it."""
        ...

    def run(self, lookup: Lookup, done: Callable[[Any], object]) -> None: ...

    def getaddrinfo(self, host: str, port: int) -> Any: ...

    def look_up_txt(self, name: str) -> Any: ...

    def resolved(self, result: ResolverResult) -> None: ...

    def resolution_failed(self, error: Exception) -> None: ...


class NameResolution:
    """To the resolver this is the channel (`ResolverChannel`)."""

    def __init__(self, owner: ResolutionOwner, factory: ResolverFactory) -> None:
        self._owner = owner
        self._closed = False
        # The owner's own functions: whether they are coroutine functions decides where they run.
        self.getaddrinfo = owner.getaddrinfo
        self.look_up_txt = owner.look_up_txt
        self._resolver: Resolver | None = None
        try:
            self._resolver = factory(owner.target)
            self._resolver.start(self)
        except Exception as error:  # the user's resolver
            self.failed(error)

    # -- for the channel ------------------------------------------------------------------------------------------

    def resolve_now(self) -> None:
        if self._resolver is not None:
            self._resolver.resolve_now()

    def close(self) -> None:
        self._closed = True
        if self._resolver is not None:
            self._resolver.close()

    # -- for the resolver -----------------------------------------------------------------------------------------

    def update(self, result: ResolverResult) -> None:
        self._post(lambda: self._owner.resolved(result))

    def failed(self, error: Exception) -> None:
        self._post(lambda: self._owner.resolution_failed(error))

    def _post(self, news: Callable[[], object]) -> None:
        self._owner.post(lambda: None if self._closed else news())

    @property
    def backoff(self) -> BackoffPolicy:
        return self._owner.backoff

    @property
    def rng(self) -> random.Random:
        return self._owner.rng

    def now(self) -> float:
        return self._owner.now()

    def schedule(self, when: float, callback: Callable[[], object]) -> TimerHandle:
        return self._owner.schedule(when, callback)

    def run(self, lookup: Lookup, done: Callable[[Any], object]) -> None:
        if not self._closed:
            self._owner.run(lookup, done)
