"""The balancers that every channel knows, by the names that service configs call them."""

from __future__ import annotations

from collections.abc import Mapping

from .balancer import Balancer, BalancerChannel, BalancerFactory
from .pick_first import PickFirst
from .round_robin import RoundRobin, WeightedRoundRobin


def _outlier_detection(channel: BalancerChannel) -> Balancer:
    from .outlier_detection import OutlierDetection  # for those who ask for it

    return OutlierDetection(channel)


# Some have two names: the one they were tried out under, which other implementations go on taking, and their own.
BALANCERS: Mapping[str, BalancerFactory] = {
    "pick_first": PickFirst,
    "round_robin": RoundRobin,
    "weighted_round_robin": WeightedRoundRobin,
    "outlier_detection": _outlier_detection,
    "outlier_detection_experimental": _outlier_detection,
}
