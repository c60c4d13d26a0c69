"""How long to wait between attempts to connect (connection-backoff, R78)."""

from __future__ import annotations

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BackoffPolicy:
    """Times in seconds. Delays grow by `multiplier` from `initial` to `maximum`, each varied by ±`jitter`."""

    initial: float = 1.0
    multiplier: float = 1.6
    jitter: float = 0.2
    maximum: float = 120.0

    def delay(self, failures: int, rng: random.Random) -> float:
        """The time from the start of the last attempt to the next one, after `failures` (1 or more) in a row."""
        # The exponent is bounded so that a long outage does not overflow a float.
        base = min(self.initial * self.multiplier ** min(failures - 1, 64), self.maximum)
        return base * (1 + rng.uniform(-self.jitter, self.jitter))
