"""The balancers that every channel knows, by the names that service configs call them."""

from __future__ import annotations

from collections.abc import Mapping

from .balancer import Balancer, BalancerChannel, BalancerFactory
from .pick_first import PickFirst
from .round_robin import RoundRobin


def _weighted_round_robin(channel: BalancerChannel) -> Balancer:
    from .weighted_round_robin import WeightedRoundRobin  # for those who ask for it

    return WeightedRoundRobin(channel)


def _outlier_detection(channel: BalancerChannel) -> Balancer:
    from .outlier_detection import OutlierDetection

    return OutlierDetection(channel)


def _least_request(channel: BalancerChannel) -> Balancer:
    from .least_request import LeastRequest

    return LeastRequest(channel)


def _random_subsetting(channel: BalancerChannel) -> Balancer:
    from .random_subsetting import RandomSubsetting

    return RandomSubsetting(channel)


# Some have two names: the one they were tried out under, which other implementations go on taking, and their own.
BALANCERS: Mapping[str, BalancerFactory] = {
    "pick_first": PickFirst,
    "round_robin": RoundRobin,
    "weighted_round_robin": _weighted_round_robin,
    "least_request": _least_request,
    "least_request_experimental": _least_request,
    "random_subsetting": _random_subsetting,
    "random_subsetting_experimental": _random_subsetting,
    "outlier_detection": _outlier_detection,
    "outlier_detection_experimental": _outlier_detection,
}
