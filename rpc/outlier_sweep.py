"""Which endpoints are outliers, by the calls that they have had since the last sweep (A50). Nothing but data."""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from statistics import fmean, pstdev

from .outlier_config import FailurePercentageEjection, OutlierConfig, SuccessRateEjection


@dataclass(slots=True)
class EndpointRecord:
    """What is known of one endpoint."""

    successes: int = 0  # since the last sweep
    failures: int = 0
    ejected_at: float | None = None  # None: it is not
    times: int = 0  # it has been ejected; forgotten one by one in sweeps that it survives
    reason: str = ""

    @property
    def ejected(self) -> bool:
        return self.ejected_at is not None

    @property
    def calls(self) -> int:
        return self.successes + self.failures

    def eject(self, now: float, reason: str) -> None:
        """It gets no calls for a while."""
        self.ejected_at = now
        self.times += 1
        self.reason = reason

    def forget(self) -> None:
        """Begin anew."""
        self.successes = self.failures = self.times = 0
        self.ejected_at = None


def sweep(records: Collection[EndpointRecord], config: OutlierConfig, now: float, rng: random.Random) -> None:
    """Eject what is an outlier by its calls since the last sweep, and readmit what has been out for long enough."""
    if config.success_rate is not None:
        _by_success_rate(records, config.success_rate, config.max_ejection_percent, now, rng)
    if config.failure_percentage is not None:
        _by_failure_percentage(records, config.failure_percentage, config.max_ejection_percent, now, rng)
    for record in records:
        record.successes = record.failures = 0
        if record.ejected_at is None:
            record.times = max(0, record.times - 1)
        elif now > record.ejected_at + _sentence(record, config):
            record.ejected_at = None


def _sentence(record: EndpointRecord, config: OutlierConfig) -> float:
    """How long an endpoint stays out, in seconds."""
    longest = max(config.base_ejection_time, config.max_ejection_time)
    return min(config.base_ejection_time * record.times, longest)


def _by_success_rate(
    records: Collection[EndpointRecord],
    config: SuccessRateEjection,
    max_percent: int,
    now: float,
    rng: random.Random,
) -> None:
    judged = _with_volume(records, config)
    if len(judged) < config.minimum_hosts or not judged:
        return
    rates = [record.successes / record.calls for record in judged]
    least = fmean(rates) - pstdev(rates) * config.stdev_factor / 1000
    for record, rate in zip(judged, rates, strict=True):
        if _is_full(records, max_percent):
            return
        if rate < least and not record.ejected and _enforced(config, rng):
            record.eject(now, f"{rate:.0%} of its calls succeeded, of all {fmean(rates):.0%}")


def _by_failure_percentage(
    records: Collection[EndpointRecord],
    config: FailurePercentageEjection,
    max_percent: int,
    now: float,
    rng: random.Random,
) -> None:
    judged = _with_volume(records, config)
    if len(judged) < config.minimum_hosts:
        return
    for record in judged:
        if _is_full(records, max_percent):
            return
        # Strictly more, as A50's algorithm says; the comment in its config says "or equal".
        too_many = 100 * record.failures > config.threshold * record.calls
        if too_many and not record.ejected and _enforced(config, rng):
            record.eject(now, f"{record.failures} of its {record.calls} calls failed")


Ejection = SuccessRateEjection | FailurePercentageEjection


def _with_volume(records: Collection[EndpointRecord], config: Ejection) -> Sequence[EndpointRecord]:
    """Those that have had enough calls to be judged."""
    return [record for record in records if record.calls and record.calls >= config.request_volume]


def _is_full(records: Collection[EndpointRecord], max_percent: int) -> bool:
    """Whether as many are out as may be."""
    ejected = sum(record.ejected for record in records)
    return 100 * ejected >= max_percent * len(records)


def _enforced(config: Ejection, rng: random.Random) -> bool:
    return rng.randrange(100) < config.enforcement_percentage
