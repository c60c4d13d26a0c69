"""Hedged calls, against scripted servers in virtual time."""

from __future__ import annotations

from typing import Any

import pytest

from barewire.rpc.attempt_timer import AttemptTimer
from barewire.rpc.channel_core import CLOSED
from barewire.rpc.service_config import parse_service_config
from barewire.rpc.status import StatusCode
from tests.support.rpc_attempts import Served, World

UNAVAILABLE = StatusCode.UNAVAILABLE


def hedging(attempts: int = 4, delay: str = "1s", **more: Any) -> dict[str, Any]:
    policy = {"maxAttempts": attempts, "hedgingDelay": delay, "nonFatalStatusCodes": ["UNAVAILABLE"]}
    config: dict[str, Any] = {"methodConfig": [{"name": [{}], "hedgingPolicy": policy}]}
    return config | more


def hedged(**options: Any) -> World:
    return World(hedging(**options), connections=2)


def codes(world: World) -> list[StatusCode | None]:
    """How the attempts ended for their servers, if not by themselves."""
    return [attempt.cancelled.code if attempt.cancelled else None for attempt in world.served]


@pytest.mark.rule(97)
@pytest.mark.rule(95)
def test_r97_an_attempt_every_delay_until_one_answers() -> None:
    world = hedged()
    call = world.call(b"x")
    world.advance(2.5)
    assert world.times == [0, 1, 2]
    assert [attempt.previous_attempts for attempt in world.served] == [None, "1", "2"]
    assert all(attempt.messages == [b"x"] and attempt.request_ended for attempt in world.served)
    assert len({id(attempt.connection) for attempt in world.served}) == 2
    world.served[1].answer(b"yes")
    world.advance(10)
    assert call.code is StatusCode.OK
    assert call.responses == [b"yes"]
    assert codes(world) == [StatusCode.CANCELLED, None, StatusCode.CANCELLED]
    assert len(world.served) == 3
    assert call.attempts == 3
    assert world.retries.buffered == 0
    assert world.timers.next_due() is None


def test_a_channel_that_closes_tells_a_call_with_two_timers() -> None:
    """One of them has fired; the call waits for the other, and for a connection."""
    world = World(hedging(), connections=0)
    call = world.call(b"x")
    fired: list[bool] = []
    AttemptTimer(call, 0.25, lambda: fired.append(True))
    AttemptTimer(call, 0.25, lambda: fired.append(False)).cancel()
    world.advance(0.5)
    assert fired == [True]
    world.retries.end_waiting(CLOSED)
    assert call.code is CLOSED.code
    assert not world.retries.waiting
    assert world.timers.next_due() is None


@pytest.mark.rule(97)
def test_r97_without_a_delay_all_start_at_once() -> None:
    world = hedged(delay="0s")
    call = world.call(b"x")
    assert world.times == [0, 0, 0, 0]
    world.served[3].answer(b"yes")
    world.settle()
    assert call.code is StatusCode.OK
    assert codes(world) == [StatusCode.CANCELLED] * 3 + [None]


@pytest.mark.rule(97)
def test_r97_a_non_fatal_failure_brings_the_next_attempt_at_once() -> None:
    world = hedged()
    call = world.call(b"x")
    world.advance(0.25)
    world.served[0].fail(UNAVAILABLE)
    world.advance(2)
    assert world.times == [0, 0.25, 1.25, 2.25]
    world.advance(10)
    assert len(world.served) == 4
    assert call.code is None


@pytest.mark.rule(97)
def test_r97_a_fatal_failure_ends_the_call() -> None:
    world = hedged()
    call = world.call(b"x")
    world.advance(1.5)
    world.served[1].fail(StatusCode.NOT_FOUND, "not here")
    world.advance(10)
    assert call.code is StatusCode.NOT_FOUND
    assert call.outcomes[0].message == "not here"
    assert codes(world) == [StatusCode.CANCELLED, None]


@pytest.mark.rule(97)
def test_r97_when_all_fail_the_last_failure_counts() -> None:
    world = hedged(attempts=3)

    def fail(attempt: Served) -> None:
        attempt.fail(UNAVAILABLE, f"failure {len(world.served)}")

    world.answer = fail
    error = world.call(b"x").outcomes[0]
    assert error.message == "failure 3"
    assert error.attempts == 3
    assert error.earlier_failures == ("UNAVAILABLE: failure 1", "UNAVAILABLE: failure 2")


@pytest.mark.rule(94)
@pytest.mark.rule(97)
def test_r97_pushback_delays_the_next_attempt() -> None:
    world = hedged()
    world.call(b"x")
    world.advance(0.5)
    world.served[0].fail(UNAVAILABLE, grpc_retry_pushback_ms=3000)
    world.advance(10)
    assert world.times == [0, 3.5, 4.5, 5.5]


@pytest.mark.rule(94)
@pytest.mark.rule(97)
def test_r97_pushback_can_forbid_further_attempts() -> None:
    world = hedged()
    call = world.call(b"x")
    world.advance(1.5)
    world.served[0].fail(UNAVAILABLE, grpc_retry_pushback_ms=-1)
    world.advance(10)
    assert world.times == [0, 1]
    assert call.code is None  # the second may still answer
    world.served[1].answer(b"yes")
    world.settle()
    assert call.code is StatusCode.OK


@pytest.mark.rule(96)
@pytest.mark.rule(97)
def test_r97_a_throttled_channel_sends_the_first_attempt_only() -> None:
    world = World(hedging(retryThrottling={"maxTokens": 2, "tokenRatio": 0.5}), connections=2)
    world.answer = lambda attempt: attempt.fail(UNAVAILABLE)
    call = world.call(b"x")
    assert call.code is UNAVAILABLE
    assert len(world.served) == 1  # 2 → 1 token, which is half
    world.answer = None
    call = world.call(b"x")
    world.advance(10)
    assert len(world.served) == 2
    world.served[1].answer(b"yes")
    world.settle()
    assert call.code is StatusCode.OK
    assert world.retries.throttle is not None
    assert world.retries.throttle.tokens == 1.5


@pytest.mark.rule(92)
@pytest.mark.rule(97)
def test_r97_a_stream_goes_to_all_attempts_until_one_has_won() -> None:
    world = hedged(attempts=2)
    call = world.call(b"1", end=False, streaming=True)
    world.advance(1)
    call.send(b"2")
    assert [attempt.messages for attempt in world.served] == [[b"1", b"2"]] * 2
    world.served[1].answer(b"hello", end=False)
    world.settle()
    call.send(b"3")
    call.end_sending()
    world.settle()
    assert world.served[0].messages == [b"1", b"2"]
    assert world.served[1].messages == [b"1", b"2", b"3"]
    assert codes(world) == [StatusCode.CANCELLED, None]
    world.served[1].answer(b"bye")
    world.settle()
    assert call.responses == [b"hello", b"bye"]
    assert call.code is StatusCode.OK


@pytest.mark.rule(92)
@pytest.mark.rule(97)
def test_r97_too_much_to_keep_leaves_one_attempt() -> None:
    world = World(hedging(attempts=3), connections=2, retry_buffer=100)
    call = world.call(b"a" * 80, end=False, streaming=True)
    world.advance(1.5)
    assert len(world.served) == 2
    call.send(b"b" * 80)
    world.advance(10)
    assert len(world.served) == 2
    assert sum(attempt.cancelled is not None for attempt in world.served) == 1
    winner = next(attempt for attempt in world.served if attempt.cancelled is None)
    assert winner.messages == [b"a" * 80, b"b" * 80]
    winner.fail(UNAVAILABLE)
    world.settle()
    assert call.code is UNAVAILABLE
    assert world.retries.buffered == 0


@pytest.mark.rule(38)
@pytest.mark.rule(97)
def test_r38_the_deadline_covers_all_hedges() -> None:
    world = hedged()
    call = world.call(b"x", timeout=1.5)
    world.advance(1.6)
    assert call.code is StatusCode.DEADLINE_EXCEEDED
    assert all(attempt.cancelled for attempt in world.served)
    assert world.timers.next_due() is None
    assert world.served[1].call.request.timeout == pytest.approx(0.5)


@pytest.mark.rule(38)
def test_r38_the_deadline_passes_while_pushback_holds_the_next_attempt() -> None:
    world = hedged()
    world.answer = lambda attempt: attempt.fail(UNAVAILABLE, grpc_retry_pushback_ms=60_000)
    call = world.call(b"x", timeout=2)
    world.advance(2)
    assert call.code is StatusCode.DEADLINE_EXCEEDED


@pytest.mark.rule(89)
def test_r89_a_refused_hedge_is_sent_again_once() -> None:
    world = hedged(attempts=2)
    world.answer = lambda attempt: attempt.refuse() if len(world.served) == 1 else None
    call = world.call(b"x")
    assert [attempt.previous_attempts for attempt in world.served] == [None, None]
    world.served[1].answer(b"yes")
    world.settle()
    assert call.code is StatusCode.OK


def test_cancelling_cancels_all_attempts() -> None:
    world = hedged()
    call = world.call(b"x")
    world.advance(1.5)
    call.cancel()
    world.advance(10)
    assert call.code is StatusCode.CANCELLED
    assert codes(world) == [StatusCode.CANCELLED] * 2
    assert world.retries.buffered == 0


def test_hedges_that_wait_for_a_connection() -> None:
    world = World(hedging(attempts=2), connections=0)
    call = world.call(b"x")
    world.advance(1)
    assert len(world.pending) == 2
    assert not call.under_way
    world.connect()
    world.settle()
    assert len(world.served) == 2
    world.served[0].answer(b"yes")
    world.settle()
    assert call.code is StatusCode.OK
    assert codes(world)[1] is StatusCode.CANCELLED


def test_a_policy_that_comes_while_the_call_waits() -> None:
    world = World(connections=0)
    call = world.call(b"x")
    world.service_config = parse_service_config(hedging())
    world.connect()
    world.advance(1)
    assert world.times == [0, 1]
    world.served[1].answer(b"yes")
    world.settle()
    assert call.code is StatusCode.OK


def test_the_slowest_attempt_does_not_hold_up_the_sender() -> None:
    world = World(hedging(attempts=2, delay="0s"), connections=2, send_buffer=10)
    call = world.call(end=False, streaming=True)
    hedges: Any = call._hedging
    first, second = (hedge.core for hedge in hedges._running)
    for core in (first, second):
        core.send_message(b"a" * 70_000)  # what no window takes
    assert call.must_wait
    assert first.wants_send_ready
    assert second.wants_send_ready
    second.queued_bytes = 0
    assert not call.must_wait
