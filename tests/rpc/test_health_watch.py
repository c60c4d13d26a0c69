"""Client-side health checking in virtual time (A17)."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from barewire.rpc.connectivity import ConnectivityState as State
from barewire.rpc.envelope import Envelope
from barewire.rpc.services.health import HealthCheckResponse, ServingStatus
from barewire.rpc.status import Status, StatusCode
from tests.support.rpc_channel_core import FakeLink, FakeWatch, VirtualChannel

A, B = "10.0.0.1:1", "10.0.0.2:1"


def make(*addresses: str, policy: str = "round_robin") -> VirtualChannel:
    config = {"healthCheckConfig": {"serviceName": "shop"}, "loadBalancingConfig": [{policy: {}}]}
    return VirtualChannel(*addresses, service_config=config).begin()


def watch_of(link: FakeLink) -> FakeWatch:
    (watch,) = link.core.watches
    return watch


def report(watch: FakeWatch, status: Any) -> None:
    payload = HealthCheckResponse(status=status).encode()
    watch.sink.message_received(Envelope(False, payload), len(payload) + 5)


@pytest.mark.rule(87)
def test_r87_health_decides() -> None:
    channel = make(A)
    link = channel.accept(A)
    assert channel.state is State.CONNECTING  # until the server has said something
    watch = watch_of(link)
    assert watch.headers[b":path"] == b"/grpc.health.v1.Health/Watch"
    assert watch.sent == [b"\x0a\x04shop"]
    waiting = channel.call()
    report(watch, ServingStatus.SERVING)
    assert waiting.link is link
    report(watch, ServingStatus.NOT_SERVING)
    assert channel.state is State.TRANSIENT_FAILURE
    failed = channel.call()
    assert failed.status is not None
    assert failed.status.code is StatusCode.UNAVAILABLE
    assert "10.0.0.1:1: the server reports NOT_SERVING for shop" in failed.status.message
    patient = channel.call(wait_for_ready=True)
    report(watch, ServingStatus.SERVING)
    assert patient.link is link
    report(watch, 99)
    assert channel.state is State.TRANSIENT_FAILURE


@pytest.mark.rule(87)
def test_r87_the_unhealthy_get_no_calls() -> None:
    channel = make(A, B)
    a, b = channel.accept(A), channel.accept(B)
    report(watch_of(a), ServingStatus.SERVING)
    report(watch_of(b), ServingStatus.SERVICE_UNKNOWN)
    assert {channel.call().link for _ in range(4)} == {a}
    report(watch_of(b), ServingStatus.SERVING)
    assert {channel.call().link for _ in range(4)} == {a, b}


@pytest.mark.rule(87)
def test_r87_a_server_without_health_service_is_healthy(caplog: pytest.LogCaptureFixture) -> None:
    channel = make(A)
    link = channel.accept(A)
    with caplog.at_level(logging.ERROR, "barewire.rpc.health"):
        watch_of(link).end(StatusCode.UNIMPLEMENTED)
    assert len(caplog.records) == 1
    assert channel.state is State.READY
    assert channel.call().link is link
    channel.advance(1000)
    assert not link.core.watches


@pytest.mark.rule(87)
def test_r87_a_failed_watch_is_made_again() -> None:
    channel = make(A)
    link = channel.accept(A)
    watch_of(link).end(StatusCode.INTERNAL)
    assert channel.state is State.TRANSIENT_FAILURE
    assert not link.core.watches
    channel.advance(1.01)
    report(watch_of(link), ServingStatus.SERVING)
    assert channel.state is State.READY
    watch_of(link).end(StatusCode.UNAVAILABLE)
    channel.advance(0)  # it has told something: at once
    report(watch_of(link), ServingStatus.SERVING)
    assert channel.state is State.READY


@pytest.mark.rule(87)
def test_r87_the_watch_ends_with_the_connection() -> None:
    channel = make(A)
    link = channel.accept(A)
    watch = watch_of(link)
    report(watch, ServingStatus.SERVING)
    call = channel.call()
    link.lose(goaway=True)
    assert watch.cancelled  # it would keep the old connection open
    assert call.status is None
    assert channel.dialing == [A]
    again = channel.accept(A)
    assert channel.state is State.CONNECTING
    report(watch_of(again), ServingStatus.SERVING)
    assert channel.state is State.READY


@pytest.mark.rule(87)
def test_r87_watching_keeps_no_channel_from_idling() -> None:
    channel = VirtualChannel(
        A, service_config={"healthCheckConfig": {"serviceName": ""}}, policy="round_robin"
    )
    channel.idle_timeout = 10.0
    link = channel.begin().accept(A)
    report(watch_of(link), ServingStatus.SERVING)
    channel.advance(21)
    assert channel.state is State.IDLE
    assert not link.core.watches


@pytest.mark.rule(87)
def test_r87_pick_first_does_not_ask() -> None:
    channel = make(A, policy="pick_first")
    link = channel.accept(A)
    assert channel.state is State.READY
    assert not link.core.watches


@pytest.mark.rule(87)
def test_r87_health_checking_can_be_turned_on_and_off() -> None:
    channel = VirtualChannel(A, policy="round_robin").begin()
    link = channel.accept(A)
    assert not link.core.watches
    channel.resolve(A, config={"healthCheckConfig": {"serviceName": "shop"}})
    assert channel.state is State.CONNECTING
    report(watch_of(link), ServingStatus.NOT_SERVING)
    assert channel.state is State.TRANSIENT_FAILURE
    channel.resolve(A)
    assert channel.state is State.READY
    assert not link.core.watches


def test_an_answer_that_cannot_be_read() -> None:
    channel = make(A)
    link = channel.accept(A)
    watch_of(link).sink.message_received(Envelope(False, b"\xff"), 6)
    assert channel.state is State.TRANSIENT_FAILURE
    assert "cannot be read" in channel.last_error


@pytest.mark.rule(71)
@pytest.mark.rule(77)
def test_r71_health_is_asked_on_the_connection_that_is_left() -> None:
    """On the other one the stream would keep that open, and count as a call, so that the channel is never idle."""
    channel = VirtualChannel(
        A, policy="round_robin", service_config={"healthCheckConfig": {"serviceName": "shop"}}, stream_limit=1
    )
    channel.max_connections_per_subchannel = 2
    channel.begin()
    first = channel.accept(A)
    before = watch_of(first)
    report(before, ServingStatus.SERVING)
    calls = [channel.call(), channel.call()]
    second = channel.accept(A)
    first.lose(goaway=True)
    assert before.cancelled
    assert channel.state is State.READY  # as the last answer was
    report(watch_of(second), ServingStatus.NOT_SERVING)
    assert channel.state is State.TRANSIENT_FAILURE
    for call in calls:
        call.ended(Status(StatusCode.OK))
    channel.advance(2 * 30 * 60 + 1)
    assert channel.state is State.IDLE
    assert not second.core.watches
