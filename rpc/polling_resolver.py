"""A resolver that asks: at the start, when connections fail, and from time to time."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from .arguments import FUNCTION, SECONDS, SECONDS_OR_ZERO, Wanted, check_arguments, optional
from .resolver import MIN_INTERVAL, LookupFunction, ResolverChannel, ResolverFactory, as_result
from .timers import TimerHandle

INTERVALS: dict[str, Wanted] = {"interval": SECONDS_OR_ZERO, "refresh": optional(SECONDS)}
_ARGUMENTS = {"lookup": FUNCTION, **INTERVALS}

# Begins a lookup; the function that it is given gets what is found, or the exception that it has come to.
LookUp = Callable[[ResolverChannel, Callable[[Any], object]], object]


class PollingResolver:
    """Looks up, again when it is asked to but not more often than every `interval` seconds (R81), and every
    `refresh` seconds if that is given. After a failure it tries again by itself (R78)."""

    def __init__(
        self,
        look_up: LookUp,
        interval: float = MIN_INTERVAL,
        refresh: float | None = None,
    ) -> None:
        self._look_up = look_up
        self._interval = interval
        self._refresh = refresh
        self._channel: ResolverChannel | None = None
        self._running = False
        self._started = 0.0
        self._failures = 0
        self._timer: TimerHandle | None = None

    def start(self, channel: ResolverChannel) -> None:
        self._channel = channel
        self._resolve()

    def resolve_now(self) -> None:
        if self._channel is None or self._running or self._failures:
            return  # it is on its way
        self._resolve_at(self._started + self._interval)

    def close(self) -> None:
        self._channel = None
        self._stop_timer()

    def _resolve_at(self, when: float) -> None:
        self._stop_timer()
        if self._channel is not None:
            self._timer = self._channel.schedule(when, self._resolve)

    def _resolve(self) -> None:
        self._timer = None
        if (channel := self._channel) is not None and not self._running:
            self._running = True
            self._started = channel.now()
            self._look_up(channel, self._done)

    def _done(self, found: Any) -> None:
        self._running = False
        if (channel := self._channel) is None:
            return
        try:
            if isinstance(found, Exception):
                raise found
            result = as_result(found)
        except Exception as error:  # whatever a lookup raises, or returns
            self._failures += 1
            self._resolve_at(self._started + channel.backoff.delay(self._failures, channel.rng))
            channel.failed(error)
            return
        self._failures = 0
        if self._refresh is not None:
            self._resolve_at(self._started + self._refresh)
        channel.update(result)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def polling_resolver(
    lookup: LookupFunction, *, interval: float = MIN_INTERVAL, refresh: float | None = None
) -> ResolverFactory:
    """A factory for resolvers made of one function.

    - `lookup(target)`, a function or a coroutine function, returns endpoints, addresses as text or a ResolverResult.
      What it raises is a failure: the last result stays, and it is called again after the channel's backoff.
    - `interval`: the shortest time between two lookups, in seconds.
    - `refresh`: look again that often even if all is well; None: only when connections fail.

    Raises RpcConfigurationError for other arguments.
    """
    check_arguments(_ARGUMENTS, locals())
    return lambda target: PollingResolver(
        lambda channel, done: channel.run(partial(lookup, target), done), interval, refresh
    )
