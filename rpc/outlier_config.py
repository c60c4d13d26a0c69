"""The config of outlier detection (A50)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .arguments import check_fields, number, whole
from .json_fields import Json, JsonObject, read_duration, read_size
from .service_config import Policies
from .service_config_json import read_child_policy

_PERCENT = whole(0, 100)
_COUNT = whole(0, 2**32 - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class SuccessRateEjection:
    """Endpoints that succeed much less often than the others do.

    - `stdev_factor`: how far below the mean is too far, in thousandths of a standard deviation.
    - `enforcement_percentage`: how likely it is that an endpoint which is found so is ejected.
    - `minimum_hosts`: how many endpoints must have had `request_volume` calls, for any to be judged.
    - `request_volume`: how many calls an endpoint must have had, since the last sweep, to be judged.
    """

    stdev_factor: int = 1900
    enforcement_percentage: int = 100
    minimum_hosts: int = 5
    request_volume: int = 100

    def __post_init__(self) -> None:
        check_fields(_SUCCESS_RATE, self)


@dataclass(frozen=True, slots=True, kw_only=True)
class FailurePercentageEjection:
    """Endpoints that fail more than `threshold` percent of their calls, whatever the others do.

    The other fields are those of `SuccessRateEjection`. (A50 gives 100 as the default of `enforcement_percentage`;
    grpc-go has 0, with which nothing is ever ejected.)
    """

    threshold: int = 85
    enforcement_percentage: int = 100
    minimum_hosts: int = 5
    request_volume: int = 50

    def __post_init__(self) -> None:
        check_fields(_FAILURE_PERCENTAGE, self)


@dataclass(frozen=True, slots=True, kw_only=True)
class OutlierConfig:
    """All of it. Times are in seconds.

    - `interval`: from one sweep to the next.
    - `base_ejection_time`: how long an endpoint stays out, times how often it has been put out lately.
    - `max_ejection_time`: the longest, unless the base is longer.
    - `max_ejection_percent`: no further endpoint is ejected while that many are; one may always be.
    - `success_rate`, `failure_percentage`: what is looked for; None: not for this.
    - `child_policy`: who balances, by preference.
    """

    interval: float = 10.0
    base_ejection_time: float = 30.0
    max_ejection_time: float = 300.0
    max_ejection_percent: int = 10
    success_rate: SuccessRateEjection | None = None
    failure_percentage: FailurePercentageEjection | None = None
    child_policy: Policies = ()

    def __post_init__(self) -> None:
        check_fields(_OUTLIER, self)

    @property
    def counts_calls(self) -> bool:
        """Whether anything is looked for."""
        return self.success_rate is not None or self.failure_percentage is not None


_SUCCESS_RATE = {
    "stdev_factor": _COUNT,
    "enforcement_percentage": _PERCENT,
    "minimum_hosts": _COUNT,
    "request_volume": _COUNT,
}
_FAILURE_PERCENTAGE = {
    "threshold": _PERCENT,
    "enforcement_percentage": _PERCENT,
    "minimum_hosts": _COUNT,
    "request_volume": _COUNT,
}
_OUTLIER = {
    "interval": number(0, unit="seconds"),
    "base_ejection_time": number(0, unit="seconds"),
    "max_ejection_time": number(0, unit="seconds"),
    "max_ejection_percent": _PERCENT,
}


def read_outlier_config(config: Mapping[str, Any], path: str = "outlier_detection") -> OutlierConfig:
    """The config from its JSON form, checked. Raises RpcConfigurationError, which names the field."""
    top = JsonObject(config, path)
    child_policy = read_child_policy(top)
    return top.build(
        OutlierConfig,
        success_rate=top.get("successRateEjection", _success_rate),
        failure_percentage=top.get("failurePercentageEjection", _failure_percentage),
        child_policy=child_policy,
        **top.given(
            interval=read_duration,
            base_ejection_time=read_duration,
            max_ejection_time=read_duration,
            max_ejection_percent=read_size,
        ),
    )


def _success_rate(value: Json, path: str) -> SuccessRateEjection:
    entry = JsonObject(value, path)
    return entry.build(SuccessRateEjection, **entry.given(**dict.fromkeys(_SUCCESS_RATE, read_size)))


def _failure_percentage(value: Json, path: str) -> FailurePercentageEjection:
    entry = JsonObject(value, path)
    return entry.build(
        FailurePercentageEjection, **entry.given(**dict.fromkeys(_FAILURE_PERCENTAGE, read_size))
    )
