"""Counters of the cores: whatever happens, what has been started has succeeded, has failed, or is open."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from barewire.rpc.client_call import ClientCall
from barewire.rpc.client_connection import ClientConnection
from barewire.rpc.counters import CallCounters, StreamCounters
from barewire.rpc.keepalive import Keepalive
from barewire.rpc.limits import Limits
from barewire.rpc.server_call import ServerCall
from barewire.rpc.server_connection import ServerConnection
from barewire.rpc.status import Http2Error, Status, StatusCode
from tests.support.rpc_pair import Pair

pytestmark = pytest.mark.rule(100)


def counted(counters: CallCounters | StreamCounters) -> tuple[int, int, int]:
    return counters.started, counters.succeeded, counters.failed


def test_a_call_that_ends_well() -> None:
    pair = Pair()
    call, incoming = pair.open(b"one", b"two", end=True)
    for core in (pair.client, pair.server):
        assert counted(core.calls) == counted(core.streams) == (1, 0, 0)
    pair.reply(incoming, b"three")
    assert pair.status(call).code is StatusCode.OK
    for core in (pair.client, pair.server):
        assert counted(core.calls) == counted(core.streams) == (1, 1, 0)
    assert (pair.client.streams.messages_sent, pair.client.streams.messages_received) == (2, 1)
    assert (pair.server.streams.messages_sent, pair.server.streams.messages_received) == (1, 2)


def test_a_stream_succeeds_where_its_call_fails() -> None:
    pair = Pair()
    _, incoming = pair.open(end=True)
    pair.reply(incoming, status=Status(StatusCode.NOT_FOUND, "no"))
    for core in (pair.client, pair.server):
        assert counted(core.calls) == (1, 0, 1)
        assert counted(core.streams) == (1, 1, 0)


@pytest.mark.parametrize("ending", ["client cancels", "server resets", "connection lost", "deadline"])
def test_a_stream_that_is_cut_off_fails(ending: str) -> None:
    pair = Pair()
    call, incoming = pair.open(b"x", timeout=5)
    match ending:
        case "client cancels":
            call.cancel()
        case "server resets":
            incoming.fail(Status(StatusCode.INTERNAL), Http2Error.INTERNAL_ERROR)
        case "connection lost":
            pair.client.peer_closed("gone")
            pair.server.peer_closed("gone")
        case _:
            pair.advance(6)
    pair.exchange()
    assert counted(pair.client.calls) == counted(pair.client.streams) == (1, 0, 1)
    assert counted(pair.server.calls) == counted(pair.server.streams) == (1, 0, 1)


def test_a_deadline_that_is_answered_with_trailers_ends_the_stream_in_order() -> None:
    pair = Pair()
    pair.open(b"x", timeout=5)
    pair.advance(6)
    pair.server_to_client()
    assert counted(pair.server.calls) == (1, 0, 1)
    assert counted(pair.server.streams) == (1, 1, 0)


def test_an_answer_that_the_client_does_not_wait_for_is_no_success() -> None:
    pair = Pair(client_limits=Limits(stream_window=65_535))
    call, incoming = pair.open(end=True)
    incoming.send_initial_metadata()
    incoming.send_message(bytes(100_000))
    incoming.finish(Status(StatusCode.OK))  # stays behind the message, which does not fit the window
    pair.server_to_client()
    call.cancel()
    pair.exchange()
    assert counted(pair.server.calls) == counted(pair.server.streams) == (1, 0, 1)
    assert pair.server.streams.messages_sent == 0


def test_a_call_that_waits_has_no_stream() -> None:
    pair = Pair(server_limits=Limits(max_concurrent_streams=1))
    pair.open()
    waiting = pair.start()
    assert counted(pair.client.calls) == (2, 0, 0)
    assert counted(pair.client.streams) == (1, 0, 0)
    waiting.cancel()
    assert counted(pair.client.calls) == (2, 0, 1)
    assert counted(pair.client.streams) == (1, 0, 0)


def test_messages_in_pieces_count_once() -> None:
    pair = Pair()
    call, incoming = pair.open(bytes(200_000), bytes(10), bytes(50_000), end=True)
    pair.exchange()
    assert pair.messages(incoming) == [bytes(200_000), bytes(10), bytes(50_000)]
    assert pair.client.streams.messages_sent == pair.server.streams.messages_received == 3
    assert not call.ended


def test_times_are_those_of_the_shell() -> None:
    pair = Pair()
    headers = pair.start()._headers
    pair.exchange()
    pair.client.start_call(headers, now=2000.0).send_message(b"x")
    assert pair.client.calls.last_started == pair.client.streams.last_started == 2000.0
    data = pair.client.data_to_send(2001.0)
    assert pair.client.streams.last_message_sent == 2001.0
    pair.server.receive(data, 2002.0)
    assert pair.server.calls.last_started == pair.server.streams.last_message_received == 2002.0


def test_connections_can_share_the_counters_of_calls() -> None:
    shared = CallCounters()
    pairs = [Pair(handshake=False), Pair(handshake=False)]
    for pair in pairs:
        pair.server = ServerConnection(calls=shared)
        pair.exchange()
        _, incoming = pair.open(end=True)
        pair.reply(incoming)
    assert counted(shared) == (2, 2, 0)
    assert shared.started == sum(pair.server.streams.started for pair in pairs)


def test_keepalives_are_counted_and_no_other_pings() -> None:
    pair = Pair(handshake=False)
    pair.client = ClientConnection(None, "the test server", keepalive=Keepalive(time=30, without_calls=True))
    pair.server = ServerConnection(keepalive=Keepalive(time=100, without_calls=True))
    pair.exchange()
    for _ in range(7):
        pair.advance(15)
        pair.exchange()
    assert pair.client.streams.keepalives_sent == 3
    pair.open(b"x")
    pair.server.drain(pair.now)  # it asks by a PING whether that has been heard
    pair.exchange()
    assert pair.server.streams.keepalives_sent == 0
    assert pair.client.streams.keepalives_sent == 3


def test_the_goaway_of_the_peer_is_kept() -> None:
    pair = Pair()
    assert pair.client.goaway_error is None
    pair.open()
    pair.server.close("enough", Http2Error.ENHANCE_YOUR_CALM)
    pair.exchange()
    assert pair.client.goaway_error == Http2Error.ENHANCE_YOUR_CALM


class Traffic(RuleBasedStateMachine):
    """Calls in any order, and everything that can end them."""

    def __init__(self) -> None:
        super().__init__()
        limits = Limits(max_concurrent_streams=3, stream_window=65_535)
        self.pair = Pair(server_limits=limits, client_limits=limits)
        self.calls: list[ClientCall] = []

    def pick(self, number: int) -> ClientCall:
        return self.calls[number % len(self.calls)]

    def served(self) -> list[Any]:
        return [call for call in self.pair.server._calls.values() if isinstance(call, ServerCall)]

    @precondition(lambda self: self.pair.client.accepts_calls)
    @rule(sizes=st.lists(st.sampled_from([0, 10, 70_000]), max_size=2), end=st.booleans(), wait=st.booleans())
    def start(self, sizes: list[int], end: bool, wait: bool) -> None:
        self.calls.append(self.pair.start(*map(bytes, sizes), end=end, timeout=5 if wait else None))

    @precondition(lambda self: self.calls)
    @rule(number=st.integers(0, 50))
    def cancel(self, number: int) -> None:
        self.pick(number).cancel()

    @precondition(lambda self: self.served())
    @rule(
        number=st.integers(0, 50),
        code=st.sampled_from([StatusCode.OK, StatusCode.ABORTED]),
        size=st.sampled_from([0, 70_000]),
    )
    def answer(self, number: int, code: StatusCode, size: int) -> None:
        served = self.served()
        call = served[number % len(served)]
        if size and not call.head_sent:
            call.send_initial_metadata()
            call.send_message(bytes(size))
        call.finish(Status(code))

    @precondition(lambda self: self.served())
    @rule(number=st.integers(0, 50))
    def reset(self, number: int) -> None:
        served = self.served()
        served[number % len(served)].fail(Status(StatusCode.INTERNAL), Http2Error.INTERNAL_ERROR)

    @rule()
    def carry(self) -> None:
        self.pair.exchange()

    @rule()
    def half(self) -> None:
        self.pair.client_to_server()

    @rule()
    def wait(self) -> None:
        self.pair.advance(6)

    @rule(which=st.sampled_from(["drain", "lose", "close", ""]))
    def end(self, which: str) -> None:
        match which:
            case "drain":
                self.pair.server.drain(self.pair.now)
            case "lose":
                self.pair.client.peer_closed("gone")
                self.pair.server.peer_closed("gone")
            case "close":
                self.pair.server.close("enough")
            case _:
                pass

    @invariant()
    def all_are_accounted_for(self) -> None:
        client, server = self.pair.client, self.pair.server
        for core, waiting in ((client, len(client._waiting)), (server, 0)):
            calls, streams = core.calls, core.streams
            assert calls.started == calls.succeeded + calls.failed + core.open_calls + waiting
            assert streams.started == streams.succeeded + streams.failed + core.open_calls
            assert calls.succeeded <= streams.succeeded
        assert client.calls.started == len(self.calls)
        assert client.calls.succeeded == sum(call.ended and call.code is StatusCode.OK for call in self.calls)
        assert server.streams.started <= client.streams.started
        assert server.streams.messages_received <= client.streams.messages_sent

    def teardown(self) -> None:
        self.pair.client.peer_closed("the end")
        self.pair.server.peer_closed("the end")
        for core in (self.pair.client, self.pair.server):
            assert core.calls.started == core.calls.succeeded + core.calls.failed
            assert core.streams.started == core.streams.succeeded + core.streams.failed


TestTraffic = Traffic.TestCase
TestTraffic.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
