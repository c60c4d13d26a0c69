"""Calls with several attempts in turn, against scripted servers in virtual time."""

from __future__ import annotations

from typing import Any

import pytest

from barewire.rpc.limits import Limits
from barewire.rpc.service_config import parse_service_config
from barewire.rpc.status import Status, StatusCode
from tests.support.rpc_attempts import Served, World

UNAVAILABLE = StatusCode.UNAVAILABLE


def retrying(attempts: int = 4, **more: Any) -> dict[str, Any]:
    policy = {
        "maxAttempts": attempts,
        "initialBackoff": "1s",
        "maxBackoff": "10s",
        "backoffMultiplier": 2,
        "retryableStatusCodes": ["UNAVAILABLE", "CANCELLED", "DEADLINE_EXCEEDED"],
    }
    throttling = more.pop("throttling", None)
    config: dict[str, Any] = {"methodConfig": [{"name": [{}], "retryPolicy": policy, **more}]}
    return config | ({"retryThrottling": throttling} if throttling else {})


def fail_first(world: World, count: int, **trailing: Any) -> None:
    """Servers fail so many attempts, and answer the next."""

    def answer(attempt: Served) -> None:
        if len(world.served) <= count:
            attempt.fail(UNAVAILABLE, f"failure {len(world.served)}", **trailing)
        else:
            attempt.answer(b"yes")

    world.answer = answer


@pytest.mark.rule(91)
@pytest.mark.rule(95)
def test_r95_retries_tell_how_many_attempts_there_were() -> None:
    world = World(retrying())
    fail_first(world, 3)
    call = world.call(b"x")
    world.advance(100)
    assert call.code is StatusCode.OK
    assert call.responses == [b"yes"]
    assert [attempt.previous_attempts for attempt in world.served] == [None, "1", "2", "3"]
    assert all(attempt.messages == [b"x"] and attempt.request_ended for attempt in world.served)
    delays = [after - before for before, after in zip(world.times, world.times[1:], strict=False)]
    for delay, expected in zip(delays, (1, 2, 4), strict=True):
        assert 0.8 * expected <= delay <= 1.2 * expected
    assert call.attempts == 4
    assert world.retries.buffered == 0


def test_a_subchannel_s_last_call_is_dated_by_when_it_began() -> None:
    world = World()
    world.answer = lambda attempt: attempt.answer(b"yes")
    world._now += 3600.0  # nothing happens on the connection meanwhile
    began = world.now()
    assert world.call(b"x").code is StatusCode.OK
    assert world.connections[0].core.calls.last_started == began


def test_the_error_tells_of_all_attempts() -> None:
    world = World(retrying(3))
    fail_first(world, 9)
    call = world.call(b"x")
    world.advance(100)
    error = call.outcomes[0]
    assert error.message == "failure 3"
    assert error.attempts == 3
    assert error.earlier_failures == ("UNAVAILABLE: failure 1", "UNAVAILABLE: failure 2")
    assert "after 3 attempts; earlier: UNAVAILABLE: failure 1; UNAVAILABLE: failure 2" in str(error)


def test_a_code_that_the_policy_does_not_name_ends_the_call() -> None:
    world = World(retrying())
    world.answer = lambda attempt: attempt.fail(StatusCode.INTERNAL)
    call = world.call(b"x")
    assert call.code is StatusCode.INTERNAL
    assert len(world.served) == 1


def test_without_retries_nothing_is_tried_again() -> None:
    world = World(retrying(), enabled=False)
    fail_first(world, 1)
    assert world.call(b"x").code is UNAVAILABLE
    world = World(enabled=False)
    world.answer = Served.refuse
    assert world.call(b"x").code is UNAVAILABLE
    assert len(world.served) == 1


# -- transparent retry --------------------------------------------------------------------------------------------


@pytest.mark.rule(89)
def test_r89_a_refused_stream_is_tried_again_once() -> None:
    world = World()

    def answer(attempt: Served) -> None:
        if len(world.served) == 1:
            attempt.refuse()
        else:
            attempt.answer(b"yes")

    world.answer = answer
    call = world.call(b"x")
    assert call.code is StatusCode.OK
    assert world.times == [0, 0]
    assert [attempt.previous_attempts for attempt in world.served] == [None, None]

    world = World()
    world.answer = Served.refuse
    call = world.call(b"x")
    assert call.code is UNAVAILABLE
    assert len(world.served) == 2
    assert call.outcomes[0].attempts == 2


@pytest.mark.rule(89)
def test_r89_transparent_retries_are_not_counted_by_the_policy_or_the_throttle() -> None:
    world = World(retrying(2, throttling={"maxTokens": 10, "tokenRatio": 1}))

    def answer(attempt: Served) -> None:
        if len(world.served) == 1:
            attempt.refuse()
        else:
            attempt.fail(UNAVAILABLE)

    world.answer = answer
    call = world.call(b"x")
    world.advance(10)
    assert call.code is UNAVAILABLE
    assert [attempt.previous_attempts for attempt in world.served] == [None, None, "1"]
    assert world.retries.throttle is not None
    assert world.retries.throttle.tokens == 8


@pytest.mark.rule(89)
def test_r89_what_never_left_the_client_is_tried_again_without_limit() -> None:
    world = World(server_limits=Limits(max_concurrent_streams=1))
    world.call(b"takes the stream", end=False, streaming=True)
    call = world.call(b"x")
    for _ in range(5):
        world.lose(world.connections[0])
        world.call(b"takes the stream", end=False, streaming=True)
        world.connect()
        world.settle()
    assert call.code is None
    assert [attempt.messages for attempt in world.served] == [[b"takes the stream"]] * 6
    world.served[-1].answer(b"done")
    world.settle()
    assert world.served[-1].messages == [b"x"]
    world.served[-1].answer(b"yes")
    world.settle()
    assert call.code is StatusCode.OK
    assert call.attempts == 6


@pytest.mark.rule(60)
@pytest.mark.rule(89)
def test_r60_calls_above_the_last_stream_id_go_to_another_connection() -> None:
    world = World(connections=2)
    doomed = world.connections[1]  # the first call goes there
    handled = world.call(b"a", streaming=True)
    assert world.served[0].connection is doomed
    world.submitted = 0
    # The server says good-bye while the next call is under way: it handles the first stream only.
    call = world.call(b"x")  # taken by the server core, so the GOAWAY has to be its own
    assert len(world.served) == 2
    doomed.pair.client.goaway_received(1, 0, b"")
    world._dispatch(doomed)
    world.settle()
    assert [attempt.connection is doomed for attempt in world.served] == [True, True, False]
    world.served[2].answer(b"yes")
    world.settle()
    assert call.code is StatusCode.OK
    world.served[0].answer(b"also")  # R60: it runs to its end
    world.settle()
    assert handled.code is StatusCode.OK


@pytest.mark.rule(89)
def test_r89_a_lost_connection_is_not_tried_again_without_a_policy() -> None:
    world = World(connections=2)
    call = world.call(b"x")
    world.lose(world.served[0].connection)
    world.settle()
    assert call.code is UNAVAILABLE
    assert len(world.served) == 1


def test_a_lost_connection_is_retried_by_a_policy() -> None:
    world = World(retrying(), connections=2)
    call = world.call(b"x")
    world.lose(world.served[0].connection)
    world.advance(2)
    world.served[1].answer(b"yes")
    world.settle()
    assert call.code is StatusCode.OK


# -- commit -------------------------------------------------------------------------------------------------------


@pytest.mark.rule(92)
def test_r92_a_response_that_has_begun_commits() -> None:
    world = World(retrying())

    def answer(attempt: Served) -> None:
        attempt.call.send_initial_metadata()
        attempt.fail(UNAVAILABLE)

    world.answer = answer
    call = world.call(b"x")
    world.advance(10)
    assert call.code is UNAVAILABLE
    assert len(world.served) == 1
    assert world.retries.buffered == 0


@pytest.mark.rule(92)
def test_r92_messages_are_kept_and_replayed_in_order() -> None:
    world = World(retrying())
    call = world.call(b"1", end=False, streaming=True)
    call.send(b"2")
    world.served[0].fail(UNAVAILABLE)
    world.settle()
    call.send(b"3")  # between two attempts
    world.advance(2)
    assert world.served[1].messages == [b"1", b"2", b"3"]
    call.send(b"4")
    call.end_sending()
    world.settle()
    assert world.served[1].messages == [b"1", b"2", b"3", b"4"]
    assert world.served[1].request_ended
    world.served[1].answer(b"yes")
    world.settle()
    assert call.code is StatusCode.OK


@pytest.mark.rule(92)
def test_r92_more_than_the_buffer_commits() -> None:
    world = World(retrying(), retry_buffer=100)
    call = world.call(b"a" * 60, end=False, streaming=True)
    assert world.retries.buffered == 60
    call.send(b"b" * 60)
    assert world.retries.buffered == 0
    world.served[0].fail(UNAVAILABLE)
    world.advance(10)
    assert call.code is UNAVAILABLE
    assert len(world.served) == 1


@pytest.mark.rule(92)
def test_r92_a_message_larger_than_the_buffer_is_sent_but_once() -> None:
    world = World(retrying(), retry_buffer=100)
    fail_first(world, 1)
    assert world.call(b"a" * 101).code is UNAVAILABLE
    assert world.served[0].messages == [b"a" * 101]


@pytest.mark.rule(92)
def test_r92_the_buffers_of_a_channel_are_bounded_together() -> None:
    world = World(retrying(), retry_buffer=100, retry_buffer_total=250)
    calls = [world.call(b"a" * 100, end=False, streaming=True) for _ in range(3)]
    assert world.retries.buffered == 200
    for attempt in list(world.served):
        attempt.fail(UNAVAILABLE)
    world.settle()
    assert [call.code for call in calls] == [None, None, UNAVAILABLE]
    for call in calls:
        call.cancel()
    assert world.retries.buffered == 0


def test_back_pressure_holds_between_attempts() -> None:
    world = World(retrying(), send_buffer=50)
    call = world.call(b"a" * 40, end=False, streaming=True)
    assert not call.must_wait
    world.served[0].fail(UNAVAILABLE)
    world.settle()
    call.send(b"b" * 40)
    assert call.must_wait
    woken = call.woken
    world.advance(2)
    assert call.woken > woken
    assert not call.must_wait
    assert world.served[1].messages == [b"a" * 40, b"b" * 40]


# -- deadlines, cancelling ----------------------------------------------------------------------------------------


@pytest.mark.rule(38)
def test_r38_the_deadline_covers_all_attempts_and_the_time_between() -> None:
    world = World(retrying())
    world.answer = lambda attempt: attempt.fail(UNAVAILABLE)
    call = world.call(b"x", timeout=2.0)
    world.advance(1.99)
    assert call.code is None
    world.advance(0.01)
    assert call.code is StatusCode.DEADLINE_EXCEEDED
    assert len(world.served) == 2
    assert world.timers.next_due() is None
    timeouts = [attempt.call.request.timeout for attempt in world.served]
    assert timeouts[0] == pytest.approx(2.0)
    assert timeouts[1] == pytest.approx(2.0 - world.times[1], abs=1e-5)


@pytest.mark.rule(38)
def test_r38_a_deadline_that_passes_is_never_retried() -> None:
    world = World(retrying())  # DEADLINE_EXCEEDED is among its codes
    call = world.call(b"x", timeout=1.0)
    world.advance(5)
    assert call.code is StatusCode.DEADLINE_EXCEEDED
    assert len(world.served) == 1


@pytest.mark.rule(39)
@pytest.mark.parametrize(("own", "configured", "expected"), [(None, "3s", 3), (2, "3s", 2), (5, "3s", 3)])
def test_r39_the_smaller_timeout_counts(own: float | None, configured: str, expected: float) -> None:
    world = World({"methodConfig": [{"name": [{}], "timeout": configured}]})
    call = world.call(b"x", timeout=own)
    assert world.served[0].call.request.timeout == expected
    world.advance(expected - 0.1)
    assert call.code is None
    world.advance(0.1)
    assert call.code is StatusCode.DEADLINE_EXCEEDED


def test_cancelling_between_attempts_is_the_end() -> None:
    world = World(retrying())
    world.answer = lambda attempt: attempt.fail(UNAVAILABLE)
    call = world.call(b"x")
    call.cancel()
    world.advance(10)
    assert call.code is StatusCode.CANCELLED
    assert len(world.served) == 1
    assert world.retries.buffered == 0


def test_cancelling_an_attempt_is_the_end_though_cancelled_is_retryable() -> None:
    world = World(retrying())
    call = world.call(b"x")
    call.cancel()
    world.advance(10)
    assert call.code is StatusCode.CANCELLED
    assert world.served[0].cancelled is not None
    assert len(world.served) == 1


def test_what_ends_the_whole_call_is_not_retried() -> None:
    world = World(retrying())
    call = world.call(b"x")
    call.ended(Status(UNAVAILABLE, "closed", final=True))
    world.advance(10)
    assert call.code is UNAVAILABLE
    assert len(world.served) == 1


# -- pushback, throttle -------------------------------------------------------------------------------------------


@pytest.mark.rule(94)
def test_r94_the_server_chooses_the_delay() -> None:
    world = World(retrying())
    fail_first(world, 2, grpc_retry_pushback_ms=7000)
    call = world.call(b"x")
    world.advance(20)
    assert world.times == [0, 7, 14]
    assert call.code is StatusCode.OK


@pytest.mark.rule(94)
def test_r94_the_server_forbids_another_attempt() -> None:
    world = World(retrying())
    fail_first(world, 1, grpc_retry_pushback_ms=-1)
    call = world.call(b"x")
    world.advance(20)
    assert call.code is UNAVAILABLE
    assert call.outcomes[0].metadata["grpc-retry-pushback-ms"] == "-1"


@pytest.mark.rule(96)
def test_r96_a_throttled_channel_stops_retrying_until_calls_succeed() -> None:
    world = World(retrying(throttling={"maxTokens": 4, "tokenRatio": 1}))
    world.answer = lambda attempt: attempt.fail(UNAVAILABLE)
    world.call(b"x")
    world.advance(20)
    assert len(world.served) == 2  # 4 → 3 → 2 tokens
    world.answer = lambda attempt: attempt.answer(b"yes")
    world.call(b"x")
    assert world.retries.throttle is not None
    assert world.retries.throttle.tokens == 3
    fail_first(world, len(world.served) + 1)
    world.call(b"x")
    world.advance(20)
    assert world.retries.throttle.tokens == 2


# -- the rest of the method config --------------------------------------------------------------------------------


def test_message_limits_of_the_config() -> None:
    limits: dict[str, Any] = {"maxRequestMessageBytes": 10, "maxResponseMessageBytes": 10}
    config: dict[str, Any] = {"methodConfig": [{"name": [{}], **limits}]}
    world = World(config)
    world.answer = lambda attempt: attempt.answer(b"y" * 11)
    call = world.call(b"x")
    assert call.encode(b"x" * 10) == b"x" * 10
    for action in (lambda: call.encode(b"x" * 11), lambda: call.responses):
        with pytest.raises(Exception, match="limit of 10") as raised:
            action()
        assert raised.value.code is StatusCode.RESOURCE_EXHAUSTED  # type: ignore[attr-defined]


def test_wait_for_ready_of_the_config() -> None:
    world = World({"methodConfig": [{"name": [{}], "waitForReady": True}]})
    assert world.call(b"x").wait_for_ready
    assert not world.call(b"x", wait_for_ready=False).wait_for_ready
    assert not World().call(b"x").wait_for_ready


def test_a_config_that_comes_while_a_call_waits_counts() -> None:
    world = World(connections=0)
    call = world.call(b"x")
    world.service_config = parse_service_config(retrying(2, timeout="30s"))
    world.connect()
    fail_first(world, 1)
    world.settle()
    world.advance(5)
    assert call.code is StatusCode.OK
    assert world.served[0].call.request.timeout == pytest.approx(30)


def test_an_ordinary_call_makes_nothing_for_attempts() -> None:
    world = World()
    world.answer = lambda attempt: attempt.answer(b"yes")
    call = world.call(b"x")
    assert call.code is StatusCode.OK
    assert call._log is call._retries is call._hedging is call._timer is None
    assert world.retries.buffered == 0
