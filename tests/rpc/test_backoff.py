from __future__ import annotations

import random

import pytest

from barewire.rpc.backoff import BackoffPolicy


@pytest.mark.rule(78)
def test_r78_grows_from_one_second_to_two_minutes() -> None:
    policy = BackoffPolicy(jitter=0)
    delays = [policy.delay(failures, random.Random(1)) for failures in range(1, 15)]
    assert delays[:3] == pytest.approx([1, 1.6, 2.56])
    assert delays[-1] == 120
    assert delays == sorted(delays)


@pytest.mark.rule(78)
def test_r78_varies_by_a_fifth() -> None:
    rng = random.Random(1)
    delays = [BackoffPolicy().delay(1, rng) for _ in range(1000)]
    assert 0.8 <= min(delays) < 0.85
    assert 1.15 < max(delays) <= 1.2


def test_a_very_long_outage_does_not_overflow() -> None:
    assert BackoffPolicy().delay(10**6, random.Random(1)) <= 144
