"""Limiting how often calls are made: a token bucket for each method, peer, principal, or whatever else."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Literal

from ..arguments import (
    COUNT,
    FUNCTION,
    SECONDS,
    Wanted,
    check_arguments,
    either,
    number,
    one_of,
    optional,
)
from ..errors import RpcError
from ..interceptor import InterceptedCall, Interceptor, Proceed
from ..status import StatusCode
from .call_record import Clock


class TokenBucket:
    """`burst` tokens that come back at `rate` per second. Time is an argument."""

    __slots__ = ("_at", "_burst", "_rate", "_tokens")

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self._rate = rate
        self._burst = burst
        self._tokens = burst
        self._at = now

    def take(self, now: float) -> float:
        """Take one token: 0.0 if there was one, else the seconds until there is, and none is taken."""
        self._refill(now)
        if self._tokens >= 1.0:
            self._tokens -= 1.0
            return 0.0
        # Never 0.0: what is missing may be less than a float of this time can tell.
        return max((1.0 - self._tokens) / self._rate, 1e-9)

    def full(self, now: float) -> bool:
        """Whether it is as good as a new one."""
        self._refill(now)
        return self._tokens >= self._burst

    def _refill(self, now: float) -> None:
        if now > self._at:
            self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate)
            self._at = now


class TokenBuckets:
    """A bucket for each key, for at most `max_keys` keys.

    A full bucket is as good as a new one and can be forgotten. When none is full, keys that are new share one bucket:
    whoever makes up keys gains nothing by it.
    """

    def __init__(self, rate: float, burst: float, max_keys: int) -> None:
        self._rate = rate
        self._burst = burst
        self._max_keys = max_keys
        self._buckets: OrderedDict[Hashable, TokenBucket] = OrderedDict()  # the one used least recently first
        self._shared: TokenBucket | None = None

    def __len__(self) -> int:
        return len(self._buckets)

    def take(self, key: Hashable, now: float) -> float:
        """As `TokenBucket.take`, from the bucket of this key."""
        return self._bucket(key, now).take(now)

    def _bucket(self, key: Hashable, now: float) -> TokenBucket:
        bucket = self._buckets.get(key)
        if bucket is not None:
            self._buckets.move_to_end(key)
            return bucket
        if len(self._buckets) >= self._max_keys:
            oldest = next(iter(self._buckets))
            if not self._buckets[oldest].full(now):
                if self._shared is None:
                    self._shared = TokenBucket(self._rate, self._burst, now)
                return self._shared
            del self._buckets[oldest]
        bucket = self._buckets[key] = TokenBucket(self._rate, self._burst, now)
        return bucket


def _by_method(call: InterceptedCall) -> Hashable:
    return call.method if call.registered else ""  # a peer can make up method names


def _by_peer(call: InterceptedCall) -> Hashable:
    """The peer's address without its port, which changes with each connection."""
    if call.peer.startswith(("ipv4:", "ipv6:")):
        return call.peer.rpartition(":")[0]
    return call.peer


def _by_principal(call: InterceptedCall) -> Hashable:
    return call.principal


_KEYS: dict[str, Callable[[InterceptedCall], Hashable]] = {
    "method": _by_method,
    "peer": _by_peer,
    "principal": _by_principal,
}

_ARGUMENTS = {
    "rate": Wanted("calls per second, above 0", SECONDS.fits),
    "burst": optional(number(1)),
    "per": optional(either(one_of(_KEYS), FUNCTION)),
    "max_keys": COUNT,
    "clock": optional(FUNCTION),
}


class RateLimit(Interceptor):
    """Lets `burst` calls through at once, and `rate` per second after that; refuses the others.

    A refused call fails with RESOURCE_EXHAUSTED and a google.rpc.RetryInfo that says when to come again. On a server
    the handler does not run; on a client nothing is sent.

    - `per`: what has a bucket of its own: "method", "peer" (address without port), "principal" (as an interceptor
      before this one has set it; it must be hashable), or a function of the call; None: all calls share one.
    - `max_keys`: how many buckets are kept.
    - `clock`: seconds; by default the running event loop's, or the monotonic clock where there is none.
    """

    def __init__(
        self,
        rate: float,
        burst: float | None = None,
        *,
        per: Literal["method", "peer", "principal"] | Callable[[InterceptedCall], Hashable] | None = "method",
        max_keys: int = 10_000,
        clock: Clock | None = None,
    ) -> None:
        check_arguments(_ARGUMENTS, locals())
        self._buckets = TokenBuckets(rate, max(1.0, rate) if burst is None else burst, max_keys)
        self._key: Callable[[InterceptedCall], Hashable] = (
            (lambda call: None) if per is None else per if callable(per) else _KEYS[per]
        )
        self._clock = clock or _loop_time

    async def intercept(self, call: InterceptedCall, proceed: Proceed) -> None:
        wait = self._buckets.take(self._key(call), self._clock())
        if wait:
            raise _refusal(wait)
        await proceed()


def _loop_time() -> float:
    try:
        return asyncio.get_running_loop().time()
    except RuntimeError:  # a blocking channel
        return time.monotonic()


def _refusal(wait: float) -> RpcError:
    from ...schema import wkt
    from ..services.bundled import bundled  # compiled with the first refusal

    nanos = max(1, round(wait * 1e9))
    delay = wkt.Duration(seconds=nanos // 10**9, nanos=nanos % 10**9)
    retry = bundled("google/rpc/error_details.proto").RetryInfo(retry_delay=delay)
    text = f"too many calls; the next is let through in {wait:.3g} s"
    return RpcError(StatusCode.RESOURCE_EXHAUSTED, text, details=[wkt.Any.pack(retry)])
