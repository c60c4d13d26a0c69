"""A call that ends early: the client sees the right code, and the handler really stops."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from .clients.aio_losses import lost_by_grpcio_aio
from .clients.outcome import PATIENCE, Client

FOREVER_MS = int(PATIENCE * 1000)
# Seconds, tried in turn until a call has come to its handler in time: that takes a loaded machine longer.
DEADLINES = (0.2, 1.0, 5.0, 20.0)


def new_label() -> str:
    return uuid.uuid4().hex


def counters(client: Client, label: str) -> Any:
    return client.call("Count", [client.interop.Request(label=label)]).response


def wait_until(true: Callable[[], bool], what: str) -> None:
    """Waits for something that has to happen soon; only a fault takes all the patience."""
    end = time.monotonic() + PATIENCE / 3
    while not true():
        assert time.monotonic() < end, f"did not happen: {what}"
        time.sleep(0.02)


@pytest.mark.rule(36)
@pytest.mark.parametrize("method", ["Unary", "ServerStream"])
def test_r36_deadline_ends_the_call_and_the_handler(client: Client, method: str) -> None:
    counters(client, new_label())  # the call that may take long, because it connects
    for timeout in DEADLINES:
        label = new_label()
        request = client.interop.Request(label=label, sleep_ms=FOREVER_MS, response_count=1)
        outcome = client.call(method, [request], timeout=timeout)
        assert outcome.code == "DEADLINE_EXCEEDED"
        assert outcome.responses == []
        if counters(client, label).started:
            break
    wait_until(lambda: counters(client, label).cancelled == 1, "the handler is cancelled")
    assert counters(client, label).finished == 0


@pytest.mark.rule(35)
@pytest.mark.slow
def test_r35_whose_timer_is_first_does_not_matter(client: Client) -> None:
    """Deadlines of a millisecond pass on the client, on the server, or on the way; the caller sees the same."""
    counters(client, new_label())
    request = client.interop.Request(response_count=2, interval_ms=FOREVER_MS, label=new_label())
    outcomes = [client.call("Bidi", [request], timeout=0.001) for _ in range(200)]
    assert {each.code for each in outcomes if not lost_by_grpcio_aio(each)} == {"DEADLINE_EXCEEDED"}


@pytest.mark.rule(33)
def test_r33_the_handler_knows_the_time_that_is_left(client: Client) -> None:
    label, without = new_label(), new_label()
    client.call("Unary", [client.interop.Request(label=label)], timeout=30)
    client.call("Unary", [client.interop.Request(label=without)], timeout=None)
    # grpcio's own servers have been seen to say a little more than the client gave.
    assert 0 < counters(client, label).time_remaining_ms <= 31_000
    assert counters(client, without).time_remaining_ms == -1


def test_deadline_between_responses(client: Client) -> None:
    counters(client, new_label())  # the call that may take long, because it connects
    request = client.interop.Request(response_count=FOREVER_MS, interval_ms=20, label=new_label())
    for timeout in DEADLINES:
        outcome = client.call("ServerStream", [request], timeout=timeout)
        assert outcome.code == "DEADLINE_EXCEEDED"
        if outcome.responses:
            break
    assert 0 < len(outcome.responses) < FOREVER_MS


@pytest.mark.rule(40)
@pytest.mark.parametrize("method", ["ServerStream", "Bidi"])
def test_r40_cancel_after_the_first_response(client: Client, method: str) -> None:
    label = new_label()
    request = client.interop.Request(label=label, response_count=FOREVER_MS, interval_ms=10)
    outcome = client.cancel_after_first(method, [request])
    assert outcome.code == "CANCELLED"
    assert outcome.responses[0].index == 0
    wait_until(lambda: counters(client, label).cancelled == 1, "the handler is cancelled")
    stopped = counters(client, label)
    time.sleep(0.1)  # ten more responses, if it were still running
    assert counters(client, label).sent == stopped.sent
    assert stopped.finished == 0


def test_the_channel_survives_cancelled_calls(client: Client) -> None:
    for _ in range(20):
        request = client.interop.Request(response_count=FOREVER_MS, interval_ms=1, label=new_label())
        assert client.cancel_after_first("ServerStream", [request]).code == "CANCELLED"
    assert client.call("Unary", [client.interop.Request(response_size=3)]).response.payload == bytes(3)
