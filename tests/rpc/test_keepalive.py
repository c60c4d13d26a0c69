"""Keepalive of both sides, on a clock that only the test moves."""

from __future__ import annotations

import logging
import math
from typing import Any

import pytest
from hyperframe import frame as hf

from barewire.rpc.client_connection import ClientConnection
from barewire.rpc.errors import RpcConfigurationError
from barewire.rpc.keepalive import MIN_CLIENT_TIME, SERVER_KEEPALIVE, Keepalive, too_many_pings
from barewire.rpc.server_connection import ServerConnection
from barewire.rpc.status import StatusCode
from tests.support.rpc_raw_peer import HEAD, OK, RawClient, RawPeer, RawServer


def server_for(keepalive: Keepalive, settings: dict[int, int] | None = None) -> RawServer:
    """A scripted server for a client with keepalive."""
    core = ClientConnection(peer="the test server", keepalive=keepalive)
    return RawServer(settings=settings, core=core)


def answer_ping(peer: RawPeer) -> None:
    peer.send(peer.ping(peer.of(hf.PingFrame)[-1].opaque_data, ack=True))


@pytest.mark.rule(64)
def test_r64_off_by_default() -> None:
    assert Keepalive() == Keepalive(time=math.inf, timeout=20.0, without_calls=False)
    server = server_for(Keepalive())
    server.call(b"x")
    assert server.core.next_timer() is None


@pytest.mark.rule(64)
def test_r64_pings_when_nothing_has_come_for_long() -> None:
    server = server_for(Keepalive(time=30))
    server.call(b"x")
    assert server.pass_time(29.9) == 0
    assert server.pass_time(0.1) == 1
    answer_ping(server)
    assert server.pass_time(29.9) == 0
    assert server.pass_time(0.1) == 1


@pytest.mark.rule(64)
def test_r64_the_time_is_measured_from_the_last_byte_read() -> None:
    server = server_for(Keepalive(time=30))
    call = server.call(b"x", end=False)
    for _ in range(10):
        assert server.pass_time(29) == 0
        server.send(server.window(1, 1))
    for _ in range(2):  # what we send does not count
        assert server.pass_time(14) == 0
        call.send_message(b"x")
        server.take()
    assert server.pass_time(2) == 1


@pytest.mark.rule(64)
@pytest.mark.rule(66)
def test_r64_any_byte_is_an_answer() -> None:
    server = server_for(Keepalive(time=30, timeout=5))
    server.call(b"x")
    assert server.pass_time(30) == 1
    server.deliver(server.window(1, 1).serialize()[:1])
    server.pass_time(29)
    assert server.connection_ended is None


@pytest.mark.rule(64)
def test_r64_without_calls_there_are_no_pings_unless_asked_for() -> None:
    assert server_for(Keepalive(time=30)).pass_time(1000) == 0
    server = server_for(Keepalive(time=30, without_calls=True))
    assert server.pass_time(30) == 1
    answer_ping(server)
    assert server.pass_time(30) == 1


@pytest.mark.rule(65)
def test_r65_a_call_after_long_idleness_goes_out_with_a_ping() -> None:
    server = server_for(Keepalive(time=30))
    assert server.pass_time(1000) == 0
    server.call(b"x")
    assert server.core.next_timer() is not None
    assert server.pass_time(0) == 1
    answer_ping(server)
    assert server.pass_time(29.9) == 0


@pytest.mark.rule(65)
def test_r65_going_active_does_not_begin_the_time_anew() -> None:
    server = server_for(Keepalive(time=30))
    assert server.pass_time(20) == 0
    server.call(b"x")
    assert server.pass_time(10) == 1


@pytest.mark.rule(64)
def test_r64_the_last_call_has_ended_while_a_ping_was_on_its_way() -> None:
    server = server_for(Keepalive(time=30, timeout=20))
    server.call(b"x")
    server.pass_time(30)
    server.send(server.headers(1, HEAD + OK, True))
    assert server.pass_time(1000) == 0
    assert server.connection_ended is None
    server.call(b"y")
    assert server.pass_time(0) == 1


@pytest.mark.rule(66)
def test_r66_no_answer_closes_the_connection_and_says_why() -> None:
    server = server_for(Keepalive(time=30, timeout=5), settings={3: 1})
    server.call(b"x")
    server.call(b"waits for a stream")
    server.pass_time(34.9)
    assert server.connection_ended is None
    server.pass_time(0.1)
    first, second = server.endings()
    assert first.code is second.code is StatusCode.UNAVAILABLE
    for status in (first, second):
        assert "nothing came for 5 s after a keepalive PING" in status.message
        assert "Keepalive(time=30, timeout=5)" in status.message
    assert server.connection_ended
    assert not server.core.accepts_calls
    assert server.core.next_timer() is None


@pytest.mark.rule(66)
def test_r66_a_timeout_longer_than_the_time() -> None:
    server = server_for(Keepalive(time=10, timeout=100))
    server.call(b"x")
    assert server.pass_time(109.9) == 1
    assert server.connection_ended is None
    server.pass_time(0.1)
    assert server.connection_ended


@pytest.mark.rule(69)
def test_r69_a_server_asks_after_two_hours_even_without_calls() -> None:
    assert Keepalive(time=7200, timeout=20, without_calls=True) == SERVER_KEEPALIVE
    client = RawClient(core=ServerConnection(keepalive=SERVER_KEEPALIVE))
    assert client.pass_time(7199) == 0
    assert client.pass_time(1) == 1
    answer_ping(client)
    assert client.pass_time(7200) == 1
    client.pass_time(19.9)
    assert client.connection_ended is None
    client.pass_time(0.1)
    assert client.connection_ended


@pytest.mark.rule(69)
def test_r69_calls_of_a_client_that_is_gone_are_cancelled() -> None:
    client = RawClient(core=ServerConnection(keepalive=Keepalive(60, 20)))
    client.request(1, b"x")
    client.pass_time(80)
    (status,) = client.endings()
    assert status.code is StatusCode.CANCELLED
    assert "keepalive" in status.message


@pytest.mark.rule(64)
def test_r64_a_client_gets_ten_seconds_at_least(caplog: pytest.LogCaptureFixture) -> None:
    assert Keepalive(time=30).for_client() == Keepalive(time=30)
    assert not caplog.records
    assert Keepalive(time=1, timeout=3, without_calls=True).for_client() == Keepalive(
        MIN_CLIENT_TIME, 3, without_calls=True
    )
    assert "10 s are used" in caplog.text


@pytest.mark.parametrize("options", [{"time": 0}, {"time": -1}, {"timeout": 0}, {"time": math.nan}])
def test_times_that_make_no_sense(options: dict[str, Any]) -> None:
    with pytest.raises(RpcConfigurationError, match="has to be seconds above 0"):
        Keepalive(**options)


@pytest.mark.rule(67)
def test_r67_twice_the_time_and_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert too_many_pings("dns:///there", Keepalive(time=15, timeout=3)) == Keepalive(time=30, timeout=3)
    for text in ("dns:///there", "too_many_pings", "time=15", "30 s", "PingPolicy", "EnforcementPolicy"):
        assert text in caplog.text
