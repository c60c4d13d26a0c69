"""How long to wait between attempts to connect (connection-backoff, R78)."""

from __future__ import annotations

import random
from dataclasses import dataclass

from .arguments import SECONDS, check_fields, number


@dataclass(frozen=True, slots=True)
class BackoffPolicy:
    """Times in seconds. Delays grow by `multiplier` from `initial` to `maximum`, each varied by ±`jitter`.
    Raises RpcConfigurationError for what cannot be."""

    initial: float = 1.0
    multiplier: float = 1.6
    jitter: float = 0.2
    maximum: float = 120.0

    def __post_init__(self) -> None:
        check_fields(_FIELDS, self)

    def delay(self, failures: int, rng: random.Random) -> float:
        """The time from the start of the last attempt to the next one, after `failures` (1 or more) in a row."""
        # The exponent is bounded so that a long outage does not overflow a float.
        base = min(self.initial * self.multiplier ** min(failures - 1, 64), self.maximum)
        return base * (1 + rng.uniform(-self.jitter, self.jitter))


_FIELDS = {"initial": SECONDS, "multiplier": number(1, 1000), "jitter": number(0, 1), "maximum": SECONDS}
