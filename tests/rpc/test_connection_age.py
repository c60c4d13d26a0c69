"""How long a server keeps a connection."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from hyperframe import frame as hf

from barewire.rpc.connection_age import ConnectionAge
from barewire.rpc.server_connection import ServerConnection
from barewire.rpc.status import Status, StatusCode
from tests.support.rpc_raw_peer import RawClient


def client_of(**options: float) -> RawClient:
    return RawClient(core=ServerConnection(age=ConnectionAge(**options)))


def answer_ping(client: RawClient) -> None:
    client.send(client.ping(client.of(hf.PingFrame)[-1].opaque_data, ack=True))


def finish(client: RawClient, call: Any) -> None:
    call.finish(Status(StatusCode.OK))
    client.take()


def reasons(client: RawClient) -> list[tuple[int, bytes]]:
    return [(last, text) for last, _, text in client.goaways()]


@pytest.mark.rule(69)
def test_r69_off_by_default() -> None:
    client = client_of()
    assert client.core.next_timer() is None
    assert ConnectionAge() == ConnectionAge(math.inf, math.inf, math.inf)


@pytest.mark.rule(69)
def test_r69_an_idle_connection_is_closed() -> None:
    client = client_of(max_idle=60)
    client.pass_time(59.9)
    assert not client.goaways()
    client.pass_time(0.1)
    assert reasons(client) == [(2**31 - 1, b"max_idle")]
    answer_ping(client)
    assert reasons(client)[1:] == [(0, b"max_idle")]
    assert client.connection_ended


@pytest.mark.rule(69)
def test_r69_idle_is_counted_from_the_end_of_the_last_call() -> None:
    client = client_of(max_idle=60)
    call = client.request(1, b"x")
    client.pass_time(1000)
    assert not client.goaways()
    finish(client, call)
    client.pass_time(30)
    finish(client, client.request(3, b"y"))
    client.pass_time(59.9)
    assert not client.goaways()
    client.pass_time(0.11)
    assert reasons(client)[0][1] == b"max_idle"


@pytest.mark.rule(69)
def test_r69_a_call_on_its_way_when_the_idle_connection_is_closed_is_served() -> None:
    client = client_of(max_idle=60)
    client.pass_time(60)
    call = client.request(1, b"on its way")
    answer_ping(client)
    assert reasons(client)[1:] == [(1, b"max_idle")]
    finish(client, call)
    assert client.trailers(1)[b"grpc-status"] == b"0"
    assert client.connection_ended


@pytest.mark.rule(61)
@pytest.mark.rule(69)
def test_r69_an_old_connection_is_drained_in_two_steps() -> None:
    client = client_of(max_age=100)
    call = client.request(1, b"x")
    client.pass_time(100)
    assert reasons(client) == [(2**31 - 1, b"max_age")]
    client.pass_time(5)  # the PING is not answered
    assert reasons(client)[1:] == [(1, b"max_age")]
    client.pass_time(10_000)
    assert client.connection_ended is None  # without a grace there is no hurry
    finish(client, call)
    assert client.connection_ended


@pytest.mark.rule(69)
def test_r69_the_grace_ends_calls() -> None:
    client = client_of(max_age=100, grace=30)
    client.request(1, b"x")
    client.pass_time(129.9)
    assert client.connection_ended is None
    client.pass_time(0.1)
    (status,) = client.endings()
    assert status.code is StatusCode.CANCELLED
    assert "max_connection_age_grace" in status.message
    assert client.connection_ended


@pytest.mark.rule(69)
def test_r69_age_is_jittered_by_a_tenth() -> None:
    age = ConnectionAge(max_age=100, grace=5, max_idle=7)
    assert [age.jittered(chance).max_age for chance in (0, 0.5, 1)] == pytest.approx([90, 100, 110])
    assert replace(age.jittered(0.7), max_age=100) == age
    assert ConnectionAge().jittered(0.3) == ConnectionAge()
