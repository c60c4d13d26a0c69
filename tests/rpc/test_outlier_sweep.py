"""Which endpoints outlier detection puts out, and for how long: numbers and a time that the test chooses."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from barewire.rpc.errors import RpcConfigurationError
from barewire.rpc.outlier_config import (
    FailurePercentageEjection,
    OutlierConfig,
    SuccessRateEjection,
    read_outlier_config,
)
from barewire.rpc.outlier_sweep import EndpointRecord, sweep


def records(*results: tuple[int, int]) -> list[EndpointRecord]:
    """Endpoints by their successes and failures."""
    return [EndpointRecord(*result) for result in results]


def ejected(found: list[EndpointRecord]) -> list[int]:
    return [number for number, record in enumerate(found) if record.ejected]


def failing(threshold: int = 50, *, percent: int = 100, **more: Any) -> OutlierConfig:
    ejection = FailurePercentageEjection(
        threshold=threshold, **({"minimum_hosts": 0, "request_volume": 10} | more)
    )
    return OutlierConfig(failure_percentage=ejection, max_ejection_percent=percent)


def after(found: list[EndpointRecord], config: OutlierConfig, now: float = 0.0) -> list[int]:
    sweep(found, config, now, random.Random(1))
    return ejected(found)


def test_more_failures_than_the_threshold() -> None:
    """Strictly more: so A50's algorithm, though the comment on the field says "greater than or equal"."""
    found = records((10, 0), (5, 5), (4, 6), (0, 10))
    assert after(found, failing(50)) == [2, 3]
    assert found[3].reason == "10 of its 10 calls failed"
    assert all(record.calls == 0 for record in found)  # the next sweep sees new calls only


def test_too_few_calls_or_endpoints_say_nothing() -> None:
    assert after(records((0, 9), (0, 10)), failing()) == [1]
    assert after(records((0, 9), (0, 10)), failing(minimum_hosts=2)) == []
    assert after(records((0, 0)), failing(request_volume=0)) == []


@pytest.mark.parametrize(("percent", "out"), [(0, 0), (1, 1), (25, 1), (26, 2), (50, 2), (100, 4)])
def test_only_so_many_may_be_out(percent: int, out: int) -> None:
    """One may be with any percentage but 0, and none is more when they are that many already."""
    found = records(*[(0, 10)] * 4)
    assert len(after(found, failing(percent=percent))) == out


def success_rate(factor: int = 1900, **more: Any) -> OutlierConfig:
    ejection = SuccessRateEjection(stdev_factor=factor, **({"minimum_hosts": 3, "request_volume": 10} | more))
    return OutlierConfig(success_rate=ejection, max_ejection_percent=100)


def test_success_far_below_that_of_the_others() -> None:
    """Rates of 1, 1, 1, 1, 0: the mean is 0.8, their standard deviation 0.4. 0.8 - 1.9 x 0.4 = 0.04."""
    found = records(*[(10, 0)] * 4, (0, 10))
    assert after(found, success_rate()) == [4]
    assert found[4].reason == "0% of its calls succeeded, of all 80%"
    assert after(records(*[(10, 0)] * 4, (0, 10)), success_rate(2000)) == []  # 0 is not less than 0
    assert after(records(*[(5, 5)] * 4, (4, 6)), success_rate(1900)) == [4]  # near, but the others are as one
    assert after(records(*[(0, 10)] * 5), success_rate()) == []  # all fail: nobody is an outlier
    assert after(records((10, 0), (10, 0), (0, 9)), success_rate()) == []  # two are not enough
    assert after([], success_rate(minimum_hosts=0)) == []


def test_enforcement_is_a_matter_of_chance() -> None:
    assert after(records((0, 10)), failing(enforcement_percentage=0)) == []
    found = records(*[(0, 10)] * 1000)
    out = len(after(found, failing(enforcement_percentage=30)))
    assert 250 < out < 350


def test_ejections_grow_longer_and_are_forgotten() -> None:
    config = failing()
    found = records((0, 10))
    (record,) = found
    now = 0.0
    after(found, config, now)
    for times in (1, 2, 3):
        assert record.times == times
        assert after(found, config, now + 30 * times) == [0]  # not before its time is over
        now += 30 * times + 1
        assert after(found, config, now) == []
        record.failures = 10
        assert after(found, config, now) == [0]
    for times in (4, 4, 3, 2, 1, 0, 0):
        assert record.times == times
        now += 1000
        after(found, config, now)  # the first of these readmits it


@pytest.mark.parametrize(("base", "longest", "last"), [(30, 300, 300), (30, 10, 30), (40, 100, 100)])
def test_ejections_have_a_longest(base: float, longest: float, last: float) -> None:
    config = OutlierConfig(base_ejection_time=base, max_ejection_time=longest)
    record = EndpointRecord(ejected_at=0.0, times=50)
    assert after([record], config, last) == [0]
    assert after([record], config, last + 0.001) == []


def test_both_algorithms_count_an_endpoint_once() -> None:
    config = OutlierConfig(
        success_rate=SuccessRateEjection(minimum_hosts=0, request_volume=1),
        failure_percentage=FailurePercentageEjection(minimum_hosts=0, request_volume=1),
        max_ejection_percent=100,
    )
    found = records(*[(10, 0)] * 4, (0, 10))
    assert after(found, config) == [4]
    assert found[4].times == 1


percents = st.integers(0, 100)


@given(
    results=st.lists(
        st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), min_size=1, max_size=8), max_size=6
    ),
    percent=percents,
    threshold=percents,
    enforcement=percents,
    factor=st.integers(0, 5000),
    seed=st.integers(),
)
def test_whatever_comes_few_enough_are_out(
    results: Any, percent: int, threshold: int, enforcement: int, factor: int, seed: int
) -> None:
    config = OutlierConfig(
        max_ejection_percent=percent,
        success_rate=SuccessRateEjection(
            stdev_factor=factor, enforcement_percentage=enforcement, minimum_hosts=1, request_volume=1
        ),
        failure_percentage=FailurePercentageEjection(
            threshold=threshold, enforcement_percentage=enforcement, minimum_hosts=1, request_volume=1
        ),
    )
    rng = random.Random(seed)
    size = max(map(len, results), default=0)
    found = [EndpointRecord() for _ in range(size)]
    for turn, row in enumerate(results):
        before = ejected(found)
        for record, (successes, failures) in zip(found, row, strict=False):
            record.successes, record.failures = successes, failures
        out = after_with(found, config, turn * 20.0, rng)
        assert 100 * (len(out) - 1) < max(percent, 1) * size or set(out) <= set(before)
        assert all(record.times >= 0 and (record.times or not record.ejected) for record in found)
        assert all(found[number].times for number in out)


def after_with(
    found: list[EndpointRecord], config: OutlierConfig, now: float, rng: random.Random
) -> list[int]:
    sweep(found, config, now, rng)
    return ejected(found)


# -- the config ---------------------------------------------------------------------------------------------------

CHILD: dict[str, Any] = {"childPolicy": [{"round_robin": {}}]}


def test_defaults_are_those_of_the_proposal() -> None:
    config = read_outlier_config(CHILD | {"successRateEjection": {}, "failurePercentageEjection": {}})
    assert (config.interval, config.base_ejection_time, config.max_ejection_time) == (10, 30, 300)
    assert config.max_ejection_percent == 10
    assert config.success_rate == SuccessRateEjection(
        stdev_factor=1900, enforcement_percentage=100, minimum_hosts=5, request_volume=100
    )
    assert config.failure_percentage == FailurePercentageEjection(
        threshold=85, enforcement_percentage=100, minimum_hosts=5, request_volume=50
    )
    assert config.child_policy == (("round_robin", {}),)
    assert not read_outlier_config(CHILD).counts_calls


def test_every_field_is_read() -> None:
    config = read_outlier_config(
        CHILD
        | {
            "interval": "1.5s",
            "baseEjectionTime": "2s",
            "maxEjectionTime": "3s",
            "maxEjectionPercent": 4,
            "successRateEjection": {
                "stdevFactor": "5",
                "enforcementPercentage": 6,
                "minimumHosts": 7,
                "requestVolume": 8,
            },
            "failurePercentageEjection": {
                "threshold": 9,
                "enforcementPercentage": 10,
                "minimumHosts": 11,
                "requestVolume": 12,
            },
            "somethingNew": 13,
        }
    )
    assert config == OutlierConfig(
        interval=1.5,
        base_ejection_time=2,
        max_ejection_time=3,
        max_ejection_percent=4,
        success_rate=SuccessRateEjection(
            stdev_factor=5, enforcement_percentage=6, minimum_hosts=7, request_volume=8
        ),
        failure_percentage=FailurePercentageEjection(
            threshold=9, enforcement_percentage=10, minimum_hosts=11, request_volume=12
        ),
        child_policy=(("round_robin", {}),),
    )


@pytest.mark.rule(85)
@pytest.mark.parametrize(
    ("config", "place"),
    [
        ({}, "outlier_detection.childPolicy is missing"),
        ({"childPolicy": []}, "outlier_detection.childPolicy is missing"),
        ({"childPolicy": [{"a": {}, "b": {}}]}, "outlier_detection.childPolicy[0]"),
        (CHILD | {"interval": "-1s"}, "outlier_detection.interval"),
        (CHILD | {"interval": 1}, "outlier_detection.interval"),
        (CHILD | {"baseEjectionTime": "soon"}, "outlier_detection.baseEjectionTime"),
        (CHILD | {"maxEjectionPercent": 101}, "outlier_detection.maxEjectionPercent"),
        (CHILD | {"successRateEjection": []}, "outlier_detection.successRateEjection"),
        (
            CHILD | {"successRateEjection": {"enforcementPercentage": 101}},
            "outlier_detection.successRateEjection.enforcementPercentage",
        ),
        (
            CHILD | {"failurePercentageEjection": {"threshold": 101}},
            "outlier_detection.failurePercentageEjection.threshold",
        ),
        (
            CHILD | {"failurePercentageEjection": {"requestVolume": -1}},
            "outlier_detection.failurePercentageEjection.requestVolume",
        ),
    ],
)
def test_r85_faults_are_named_with_their_place(config: Any, place: str) -> None:
    with pytest.raises(RpcConfigurationError) as caught:
        read_outlier_config(config)
    assert place in str(caught.value)
