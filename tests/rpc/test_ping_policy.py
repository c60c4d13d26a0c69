"""How often a client may ping a server."""

from __future__ import annotations

import pytest
from hyperframe import frame as hf

from barewire.rpc.ping_policy import PingPolicy
from barewire.rpc.server_connection import ServerConnection
from barewire.rpc.status import Http2Error, Status, StatusCode
from tests.support.rpc_raw_peer import RawClient

TOO_MANY = [(Http2Error.ENHANCE_YOUR_CALM, b"too_many_pings")]


def client_of(policy: PingPolicy | None) -> RawClient:
    return RawClient(core=ServerConnection(ping_policy=policy))


def ping(client: RawClient, after: float) -> bool:
    """Ping after some seconds. Whether the server still takes that."""
    client.pass_time(after)
    client.send(client.ping())
    if client.goaways():
        assert [(code, text) for _, code, text in client.goaways()] == TOO_MANY
        assert client.connection_ended == "ENHANCE_YOUR_CALM: too_many_pings"
        return False
    return True


@pytest.mark.rule(68)
def test_r68_the_defaults_are_those_of_a8() -> None:
    assert PingPolicy() == PingPolicy(min_interval=300, without_calls=False, max_strikes=2)


@pytest.mark.rule(63)
@pytest.mark.rule(68)
def test_r68_two_strikes_are_let_pass() -> None:
    client = client_of(PingPolicy())
    client.request(1, b"x", end=False)
    assert [ping(client, 299) for _ in range(4)] == [True, True, True, False]
    assert (
        len([frame for frame in client.of(hf.PingFrame) if "ACK" in frame.flags]) == 4
    )  # all were answered (R63)
    assert client.endings()[0].code is StatusCode.CANCELLED


@pytest.mark.rule(68)
def test_r68_in_time_there_is_no_strike() -> None:
    client = client_of(PingPolicy())
    client.request(1, b"x", end=False)
    assert all(ping(client, 300) for _ in range(50))


@pytest.mark.rule(68)
@pytest.mark.parametrize(("without_calls", "interval"), [(False, 7200), (True, 300)])
def test_r68_without_calls_the_interval_is_two_hours(without_calls: bool, interval: float) -> None:
    client = client_of(PingPolicy(without_calls=without_calls))
    assert all(ping(client, interval) for _ in range(10))
    assert [ping(client, interval - 1) for _ in range(3)] == [True, True, False]


@pytest.mark.rule(68)
def test_r68_what_the_server_sends_takes_strikes_back() -> None:
    client = client_of(PingPolicy())
    call = client.request(1, b"x", end=False)
    call.send_initial_metadata()
    client.take()
    for _ in range(10):
        assert ping(client, 1)
        assert ping(client, 1)
        assert ping(client, 1)
        call.send_message(b"y")
        client.take()
    call.finish(Status(StatusCode.OK))
    client.take()
    assert ping(client, 1)
    assert [ping(client, 1) for _ in range(3)] == [True, True, False]


@pytest.mark.rule(68)
def test_r68_no_policy_no_strikes() -> None:
    client = client_of(None)
    assert all(ping(client, 0) for _ in range(100))


@pytest.mark.rule(63)
def test_r63_a_ping_is_answered_at_once_with_its_own_bytes() -> None:
    client = client_of(PingPolicy())
    client.send(client.ping(b"\0\1\2\3\xff\xfe\r\n"))
    (answer,) = client.of(hf.PingFrame)
    assert "ACK" in answer.flags
    assert answer.opaque_data == b"\0\1\2\3\xff\xfe\r\n"
    client.send(client.ping(b"12345678", ack=True))  # an answer that nobody has asked for
    assert len(client.of(hf.PingFrame)) == 1
