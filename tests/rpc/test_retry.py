"""Decisions about further attempts: backoff, pushback, throttling."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from barewire.rpc.limits import Limits
from barewire.rpc.metadata import Metadata
from barewire.rpc.retry import NEVER, ChannelRetries, Retries, backoff, read_pushback
from barewire.rpc.service_config import RetryPolicy, RetryThrottling, ServiceConfig
from barewire.rpc.status import Status, StatusCode
from barewire.rpc.throttle import RetryThrottle, next_throttle

POLICY = RetryPolicy(
    max_attempts=5,
    initial_backoff=1.0,
    max_backoff=5.0,
    backoff_multiplier=2.0,
    retryable_status_codes={StatusCode.UNAVAILABLE},
)


class Middle(random.Random):
    """No jitter."""

    def uniform(self, a: float, b: float) -> float:
        return (a + b) / 2


def failure(code: StatusCode = StatusCode.UNAVAILABLE, *pushback: str) -> Status:
    return Status(
        code,
        "no",
        trailing_metadata=Metadata([("grpc-retry-pushback-ms", value) for value in pushback]),
        from_peer=True,
    )


def channel(throttling: RetryThrottling | None = None, rng: Any = None) -> ChannelRetries:
    retries = ChannelRetries(True, Limits(), rng or Middle())
    retries.configure(ServiceConfig(retry_throttling=throttling))
    return retries


def delays(retries: Retries, *failures: Status) -> list[float | None]:
    return [retries.delay_after(status, None, committed=False) for status in failures]


@pytest.mark.rule(91)
def test_r91_delays_grow_up_to_the_maximum() -> None:
    found = delays(Retries(channel(), POLICY), *[failure()] * 5)
    assert found == [1.0, 2.0, 4.0, 5.0, None]


@pytest.mark.rule(91)
@given(st.integers(1, 4), st.integers())
def test_r91_jitter_is_a_fifth_either_way(number: int, seed: int) -> None:
    base = min(1.0 * 2.0 ** (number - 1), 5.0)
    assert base * 0.8 <= backoff(POLICY, number, random.Random(seed)) <= base * 1.2


def test_a_huge_multiplier_does_not_overflow() -> None:
    policy = RetryPolicy(max_attempts=5, backoff_multiplier=1e300, retryable_status_codes={14}, max_backoff=3)
    assert backoff(policy, 4, Middle()) == 3


@pytest.mark.rule(94)
def test_r94_pushback_sets_the_delay_and_resets_the_backoff() -> None:
    found = delays(
        Retries(channel(), POLICY), failure(), failure(), failure(StatusCode.UNAVAILABLE, "70"), failure()
    )
    assert found == [1.0, 2.0, 0.07, 1.0]


@pytest.mark.rule(94)
@pytest.mark.parametrize("text", ["-1", "soon", "", "1.5", "+5", "2147483648", "007", " 5", "٣"])
def test_r94_negative_or_unreadable_pushback_forbids_another_attempt(text: str) -> None:
    status = Status(StatusCode.UNAVAILABLE, trailing_metadata=Metadata([("grpc-retry-pushback-ms", text)]))
    assert read_pushback(status) == NEVER
    assert delays(Retries(channel(), POLICY), status) == [None]


@pytest.mark.rule(94)
def test_r94_one_pushback_counts_and_two_do_not() -> None:
    assert read_pushback(failure()) is None
    assert read_pushback(failure(StatusCode.UNAVAILABLE, "0")) == 0
    assert read_pushback(failure(StatusCode.UNAVAILABLE, "2147483647")) == 2147483.647
    assert read_pushback(failure(StatusCode.UNAVAILABLE, "1", "1")) == NEVER


@pytest.mark.rule(94)
def test_r94_pushback_makes_no_other_code_retryable_and_no_more_attempts() -> None:
    assert delays(Retries(channel(), POLICY), failure(StatusCode.NOT_FOUND, "10")) == [None]
    found = delays(Retries(channel(), POLICY), *[failure(StatusCode.UNAVAILABLE, "0")] * 5)
    assert found == [0, 0, 0, 0, None]


@pytest.mark.rule(92)
def test_r92_a_committed_call_is_not_tried_again() -> None:
    assert Retries(channel(), POLICY).delay_after(failure(), None, committed=True) is None


@pytest.mark.rule(96)
def test_r96_tokens_go_down_by_one_and_up_by_the_ratio() -> None:
    throttle = RetryThrottle(RetryThrottling(max_tokens=4, token_ratio=0.5))
    seen: list[tuple[float, bool]] = []
    for succeeded in (False, False, True, False, False, False, False, True, True, True, True, True):
        if succeeded:
            throttle.succeeded()
        else:
            throttle.failed()
        seen.append((throttle.tokens, throttle.open))
    assert seen[:4] == [(3, True), (2, False), (2.5, True), (1.5, False)]
    assert seen[4:7] == [(0.5, False), (0, False), (0, False)]
    assert seen[-1] == (2.5, True)
    for _ in range(100):
        throttle.succeeded()
    assert throttle.tokens == 4


@pytest.mark.rule(96)
def test_r96_three_decimals_of_the_ratio_count() -> None:
    throttle = RetryThrottle(RetryThrottling(max_tokens=10, token_ratio=0.0019))
    throttle.failed()
    for _ in range(1000):
        throttle.succeeded()
    assert throttle.tokens == 10
    throttle.failed()
    throttle.succeeded()
    assert throttle.tokens == 9.001


@pytest.mark.rule(96)
def test_r96_what_counts_as_a_failure() -> None:
    def tokens_after(status: Status, committed: bool = False) -> float:
        shared = channel(RetryThrottling(max_tokens=10, token_ratio=1))
        Retries(shared, POLICY).delay_after(status, None, committed=committed)
        assert shared.throttle is not None
        return shared.throttle.tokens

    assert tokens_after(failure()) == 9
    assert tokens_after(failure(), committed=True) == 9
    assert tokens_after(failure(StatusCode.NOT_FOUND)) == 10
    assert tokens_after(failure(StatusCode.NOT_FOUND, "-1")) == 9
    assert tokens_after(failure(StatusCode.NOT_FOUND, "5")) == 10


@pytest.mark.rule(96)
def test_r96_no_retry_at_half_of_the_tokens() -> None:
    shared = channel(RetryThrottling(max_tokens=4, token_ratio=0.1))
    assert delays(Retries(shared, POLICY), failure(), failure()) == [1.0, None]


@pytest.mark.rule(96)
def test_r96_a_new_config_keeps_the_share_that_is_left() -> None:
    old = RetryThrottle(RetryThrottling(max_tokens=10, token_ratio=1))
    old.failed()
    same = next_throttle(RetryThrottling(max_tokens=10, token_ratio=1), old)
    other = next_throttle(RetryThrottling(max_tokens=100, token_ratio=1), old)
    assert same is old
    assert other is not None
    assert other.tokens == 90
    assert next_throttle(None, old) is None


def test_the_log_keeps_the_last_failures_in_short() -> None:
    retries = Retries(channel(), POLICY)
    delays(retries, *[Status(StatusCode.UNAVAILABLE, f"{n}" * 200) for n in range(4)])
    assert retries.log.count == 5
    assert list(retries.log.failures) == [f"UNAVAILABLE: {f'{n}' * 100}" for n in (1, 2, 3)]
