"""How often a client may ping a server (A8, R68)."""

from __future__ import annotations

import math
from dataclasses import dataclass

from .arguments import FLAG, SECONDS_OR_ZERO, check_fields, whole

_INTERVAL_WITHOUT_CALLS = 7200.0


@dataclass(frozen=True, slots=True)
class PingPolicy:
    """What a server lets its clients do. A PING that comes too early is a strike.

    - `min_interval`: seconds between PINGs, while there are calls.
    - `without_calls`: whether the same holds without calls; if not, it is two hours then.
    - `max_strikes`: with more of them the connection ends, with GOAWAY ENHANCE_YOUR_CALM "too_many_pings".

    Strikes are forgotten when a response moves on: with each HEADERS and DATA frame that the server sends.
    Raises RpcConfigurationError for what cannot be.
    """

    min_interval: float = 300.0
    without_calls: bool = False
    max_strikes: int = 2

    def __post_init__(self) -> None:
        check_fields(_FIELDS, self)


_FIELDS = {"min_interval": SECONDS_OR_ZERO, "without_calls": FLAG, "max_strikes": whole(0)}


class PingStrikes:
    """The strikes of one connection."""

    __slots__ = ("_last", "_policy", "_strikes")

    def __init__(self, policy: PingPolicy) -> None:
        self._policy = policy
        self._last = -math.inf
        self._strikes = 0

    def ping(self, now: float, *, calls: bool, progressed: bool) -> bool:
        """A PING came. False if it is one too many. `calls`: there are open ones; `progressed`: HEADERS or DATA have
        been sent since the last PING."""
        policy, last = self._policy, self._last
        self._last = now
        if progressed:
            self._strikes = 0
            return True
        interval = policy.min_interval if calls or policy.without_calls else _INTERVAL_WITHOUT_CALLS
        if now - last < interval:
            self._strikes += 1
        return self._strikes <= policy.max_strikes
