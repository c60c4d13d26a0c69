"""The weights of endpoints, by the load that they report (gRFC A58). Data and the time; no I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from .arguments import FLAG, SECONDS_OR_ZERO, check_fields, number
from .json_fields import JsonObject, read_boolean, read_duration, read_number
from .load_report import LoadReport

_SHORTEST_UPDATE = 0.1  # seconds
# How far a weight may be from the mean, as in other implementations: a report decides about others' share too.
_HIGHEST, _LOWEST = 10.0, 0.1
_ABSURD = 1e100


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightConfig:
    """The config of weighted_round_robin. Times are seconds.

    - `enable_oob_load_report`: reports come in a stream besides the calls, every `oob_reporting_period` if the server
      agrees; else with the end of each call.
    - `blackout_period`: an endpoint must have reported for that long before its weight counts.
    - `weight_expiration_period`: a weight without a report for that long does not count any more.
    - `weight_update_period`: how long weights are used until there are new ones; 0.1 at least.
    - `error_utilization_penalty`: how much of its capacity a server counts as used that fails all its calls.
    """

    enable_oob_load_report: bool = False
    oob_reporting_period: float = 10.0
    blackout_period: float = 10.0
    weight_expiration_period: float = 180.0
    weight_update_period: float = 1.0
    error_utilization_penalty: float = 1.0

    def __post_init__(self) -> None:
        check_fields(_CONFIG, self)

    @property
    def stream_interval(self) -> float | None:
        """How often reports are asked for in a stream; None: not at all."""
        return self.oob_reporting_period if self.enable_oob_load_report else None

    @property
    def update_interval(self) -> float:
        return max(self.weight_update_period, _SHORTEST_UPDATE)


_CONFIG = {
    "enable_oob_load_report": FLAG,
    "oob_reporting_period": SECONDS_OR_ZERO,
    "blackout_period": SECONDS_OR_ZERO,
    "weight_expiration_period": SECONDS_OR_ZERO,
    "weight_update_period": SECONDS_OR_ZERO,
    "error_utilization_penalty": number(0),
}


def read_weight_config(config: Mapping[str, Any], path: str = "weighted_round_robin") -> WeightConfig:
    """The config from its JSON form, checked. Raises RpcConfigurationError, which names the field."""
    top = JsonObject(config, path)
    given = top.given(
        enable_oob_load_report=read_boolean,
        oob_reporting_period=read_duration,
        blackout_period=read_duration,
        weight_expiration_period=read_duration,
        weight_update_period=read_duration,
        error_utilization_penalty=read_number,
    )
    return top.build(WeightConfig, **given)


class ReportedWeight:
    """The weight of one endpoint: requests per second for the share of its capacity that they take."""

    __slots__ = ("_since", "_updated", "_weight", "config")

    def __init__(self, config: WeightConfig) -> None:
        self.config = config
        self._weight = 0.0
        self._since: float | None = None  # when it has begun to report
        self._updated = 0.0

    def forget(self) -> None:
        """There is a new connection, perhaps to another server."""
        self._since = None

    def update(self, report: LoadReport, now: float) -> None:
        """Take a report. One that does not tell utilization and requests, both above 0, counts as none."""
        utilization = report.application_utilization or report.cpu_utilization or 0.0
        rps = report.rps_fractional or 0.0
        if not utilization or not rps:
            return
        errors = (report.eps or 0.0) / rps
        weight = rps / (utilization + errors * self.config.error_utilization_penalty)
        if not 0 < weight < _ABSURD:
            return
        self._weight = weight
        if self._since is None or self._expired(now):
            self._since = now
        self._updated = now

    def at(self, now: float) -> float:
        """The weight; 0.0 while there is none to go by."""
        if self._since is None or self._expired(now) or now - self._since < self.config.blackout_period:
            return 0.0
        return self._weight

    def _expired(self, now: float) -> bool:
        return now - self._updated >= self.config.weight_expiration_period


def balanced(reported: Sequence[float], static: Sequence[float]) -> list[float]:
    """The weights to use: those that are reported, if two endpoints or more have one, else the static ones.

    Endpoints that have reported nothing (0.0) count as the mean of the others.
    """
    known = [weight for weight in reported if weight]
    if len(known) < 2:
        return list(static)
    mean = fmean(known)
    return [min(max(weight, mean * _LOWEST), mean * _HIGHEST) if weight else mean for weight in reported]
