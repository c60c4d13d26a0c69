"""The weights of endpoints by their reports (A58), in virtual time."""

from __future__ import annotations

import math
import random
from collections import Counter
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from barewire.rpc import LoadReport, RpcConfigurationError
from barewire.rpc.endpoint_weights import ReportedWeight, WeightConfig, balanced, read_weight_config
from barewire.rpc.weighted_round_robin import WeightedTurns
from tests.support.rpc_channel_core import FakeCall

BUSY = LoadReport(cpu_utilization=0.5, rps_fractional=100.0)


def weight(**config: Any) -> ReportedWeight:
    return ReportedWeight(WeightConfig(**config))


@pytest.mark.parametrize(
    ("report", "expected"),
    [
        ({"cpu_utilization": 0.5, "rps_fractional": 100.0}, 200.0),
        ({"cpu_utilization": 0.5, "application_utilization": 0.25, "rps_fractional": 100.0}, 400.0),
        ({"cpu_utilization": 0.5, "rps_fractional": 100.0, "eps": 50.0}, 50.0),  # a penalty of 2 is 1 more
        ({"cpu_utilization": 0.5}, 0.0),
        ({"rps_fractional": 100.0}, 0.0),
        ({"memory_utilization": 0.5, "rps_fractional": 100.0}, 0.0),
        ({"cpu_utilization": 1e-300, "rps_fractional": 1e300}, 0.0),  # absurd
        ({"cpu_utilization": 1e300, "rps_fractional": 1e-300}, 0.0),
        ({"cpu_utilization": 0.5, "rps_fractional": 1e-300, "eps": 1e300}, 0.0),
    ],
)
def test_the_formula(report: dict[str, float], expected: float) -> None:
    ours = weight(blackout_period=0.0, error_utilization_penalty=3.0)
    ours.update(LoadReport(**report), 5.0)
    assert ours.at(5.0) == pytest.approx(expected)


def test_blackout_and_expiration() -> None:
    ours = weight(blackout_period=10.0, weight_expiration_period=60.0)
    assert ours.at(0.0) == 0.0
    ours.update(BUSY, 0.0)
    assert (ours.at(9.9), ours.at(10.0), ours.at(59.9)) == (0.0, 200.0, 200.0)
    ours.update(LoadReport(cpu_utilization=0.5), 50.0)  # tells nothing, so that it prolongs nothing
    assert ours.at(60.0) == 0.0
    ours.update(BUSY, 70.0)
    assert (ours.at(70.0), ours.at(79.9), ours.at(80.0)) == (0.0, 0.0, 200.0)
    ours.forget()
    assert ours.at(80.0) == 0.0
    ours.update(BUSY, 81.0)
    assert (ours.at(90.9), ours.at(91.0)) == (0.0, 200.0)


@given(
    reports=st.lists(
        st.tuples(
            st.floats(0.01, 50), st.booleans()
        ),  # the time since the one before; whether it tells a weight
        max_size=30,
    ),
    blackout=st.floats(0, 40),
    expiration=st.floats(0.1, 60),
    asked=st.floats(0, 100),
)
def test_a_weight_counts_in_an_unbroken_run_of_reports(
    reports: list[tuple[float, bool]], blackout: float, expiration: float, asked: float
) -> None:
    """Whenever it is looked at, and however often."""
    looked_at, left_alone = (
        weight(blackout_period=blackout, weight_expiration_period=expiration) for _ in range(2)
    )
    now = 0.0
    telling: list[float] = []
    for gap, tells in reports:
        now += gap
        looked_at.at(now - gap / 2)
        report = BUSY if tells else LoadReport(eps=1.0)
        looked_at.update(report, now)
        left_alone.update(report, now)
        telling += [now] if tells else []
    now += asked
    begun = 0
    for index, (before, after) in enumerate(pairwise(telling), 1):
        if after - before >= expiration:
            begun = index
    usable = bool(telling) and now - telling[-1] < expiration and now - telling[begun] >= blackout
    assert looked_at.at(now) == left_alone.at(now) == (200.0 if usable else 0.0)


def test_those_without_reports_get_the_mean() -> None:
    assert balanced([100.0, 0.0, 300.0], [7.0, 8.0, 9.0]) == [100.0, 200.0, 300.0]
    assert balanced([100.0, 0.0, 0.0], [7.0, 8.0, 9.0]) == [7.0, 8.0, 9.0]  # one alone decides nothing
    assert balanced([1.0, 1e6, 1e6], [1.0] * 3) == pytest.approx([66_666.7, 1e6, 1e6])  # at least a tenth


@given(st.lists(st.floats(0, 1e100, exclude_max=True), min_size=1, max_size=50))
def test_weights_can_always_be_used(reported: list[float]) -> None:
    weights = balanced(reported, [1.0] * len(reported))
    assert len(weights) == len(reported)
    assert all(0 < each < math.inf for each in weights)
    assert max(weights) / min(weights) <= 100.1


@given(
    weights=st.lists(st.integers(1, 50), min_size=2, max_size=8),
    seed=st.integers(0, 2**32),
    rounds=st.integers(1, 4),
)
def test_turns_are_in_proportion_and_spread(weights: list[int], seed: int, rounds: int) -> None:
    """In any stretch of calls, an endpoint's share is off by no more than rounding at both ends allows."""

    class Chosen:
        def __init__(self, number: int) -> None:
            self.number = number

        def pick(self, call: Any) -> Any:
            return self.number

    turns = WeightedTurns([Chosen(n) for n in range(len(weights))], weights, random.Random(seed))
    calls = sum(weights) * rounds
    found: Counter[Any] = Counter(turns.pick(FakeCall()) for _ in range(calls))
    for number, each in enumerate(weights):
        assert abs(found[number] - each * rounds) <= 1 + each / min(weights)


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        (
            {"errorUtilizationPenalty": -0.1},
            r"weighted_round_robin.errorUtilizationPenalty has to be .* -0.1",
        ),
        ({"blackoutPeriod": 10}, "weighted_round_robin.blackoutPeriod has to be a duration"),
        ({"enableOobLoadReport": "yes"}, "weighted_round_robin.enableOobLoadReport has to be true or false"),
    ],
)
def test_wrong_configs(config: dict[str, Any], problem: str) -> None:
    with pytest.raises(RpcConfigurationError, match=problem):
        read_weight_config(config)


def test_the_config() -> None:
    assert read_weight_config({}) == WeightConfig()
    read = read_weight_config(
        {
            "enableOobLoadReport": True,
            "oobReportingPeriod": "2s",
            "blackoutPeriod": "0s",
            "weightExpirationPeriod": "60s",
            "weightUpdatePeriod": "0.01s",
            "errorUtilizationPenalty": 0,
        }
    )
    assert (read.stream_interval, read.blackout_period, read.weight_expiration_period) == (2.0, 0.0, 60.0)
    assert (read.update_interval, read.error_utilization_penalty) == (0.1, 0.0)
    assert WeightConfig().stream_interval is None
