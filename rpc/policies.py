"""The balancers that every channel knows, by the names that service configs call them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from .balancer import Balancer, BalancerChannel, BalancerFactory, ConfigParser
from .pick_first import PickFirst
from .round_robin import RoundRobin


class _Policy(Protocol):
    """A class of balancers that have a config."""

    @property
    def parse_config(self) -> ConfigParser: ...

    def __call__(self, channel: BalancerChannel, /) -> Balancer: ...


class _OnDemand:
    """A policy that is imported for those who ask for it."""

    def __init__(self, load: Callable[[], _Policy]) -> None:
        self._load = load

    def __call__(self, channel: BalancerChannel) -> Balancer:
        return self._load()(channel)

    def parse_config(self, config: Mapping[str, Any], path: str, known: Mapping[str, BalancerFactory]) -> Any:
        return self._load().parse_config(config, path, known)


def _weighted_round_robin() -> _Policy:
    from .weighted_round_robin import WeightedRoundRobin

    return WeightedRoundRobin


def _outlier_detection() -> _Policy:
    from .outlier_detection import OutlierDetection

    return OutlierDetection


def _least_request() -> _Policy:
    from .least_request import LeastRequest

    return LeastRequest


def _random_subsetting() -> _Policy:
    from .random_subsetting import RandomSubsetting

    return RandomSubsetting


# Some have two names: the one they were tried out under, which other implementations go on taking, and their own.
BALANCERS: Mapping[str, BalancerFactory] = {
    "pick_first": PickFirst,
    "round_robin": RoundRobin,
    "weighted_round_robin": _OnDemand(_weighted_round_robin),
    "least_request": _OnDemand(_least_request),
    "least_request_experimental": _OnDemand(_least_request),
    "random_subsetting": _OnDemand(_random_subsetting),
    "random_subsetting_experimental": _OnDemand(_random_subsetting),
    "outlier_detection": _OnDemand(_outlier_detection),
    "outlier_detection_experimental": _OnDemand(_outlier_detection),
}
