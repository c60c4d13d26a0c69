"""A client and a server core back to back: calls, deadlines, GOAWAY, graceful stops."""

from __future__ import annotations

import pytest
from hyperframe import frame as hf

from barewire.rpc.client_connection import ClientConnection
from barewire.rpc.compression import CODECS
from barewire.rpc.events import CallEnded, CallStarted, ConnectionEnded, GoAwayReceived, SendReady
from barewire.rpc.limits import Limits
from barewire.rpc.metadata import Metadata
from barewire.rpc.status import Http2Error, Status, StatusCode
from tests.support.rpc_pair import Delivery, Pair, byte_by_byte, in_chunks, whole
from tests.support.rpc_raw_peer import HEAD, OK, REQUEST, RawClient, RawServer, changed, envelope

deliveries = pytest.mark.parametrize(
    "delivery", [whole, byte_by_byte, in_chunks((1, 8, 9, 10, 100))], ids=["whole", "byte-by-byte", "chunks"]
)


# -- whole calls --------------------------------------------------------------------------------------------------


@deliveries
@pytest.mark.parametrize("codec", [None, *CODECS.values()], ids=["plain", *CODECS])
def test_a_call(delivery: Delivery, codec: object) -> None:
    pair = Pair(delivery=delivery)
    ours, theirs = pair.open(
        b"one", b"", b"three" * 100, end=True, metadata=[("k", "v"), ("k-bin", b"\0\1")], codec=codec
    )
    assert theirs.request.metadata.get_all("k-bin") == [b"\0\1"]
    assert theirs.request.path == "/test.Service/Method"
    assert pair.request_ended(theirs)
    assert pair.consume(theirs) == [b"one", b"", b"three" * 100]
    theirs.set_compression(codec)  # type: ignore[arg-type]
    theirs.send_initial_metadata(Metadata([("head", "1")]))
    pair.exchange()
    assert ours.initial_metadata["head"] == "1"
    pair.reply(
        theirs, b"reply" * 100, status=Status(StatusCode.OK, trailing_metadata=Metadata([("tail", "2")]))
    )
    assert pair.consume(ours) == [b"reply" * 100]
    assert pair.status(ours).trailing_metadata == [("tail", "2")]
    assert pair.endings(theirs) == []
    pair.check_nothing_is_left()


@pytest.mark.rule(72)
@deliveries
def test_r72_large_messages_both_ways(delivery: Delivery) -> None:
    size = 3_000_000 if delivery is whole else 150_000
    limits = Limits(stream_window=65_535, connection_window=65_535)
    pair = Pair(client_limits=limits, server_limits=limits, delivery=delivery)
    ours, theirs = pair.open(bytes(size), end=True)
    pair.exchange()
    assert pair.consume(theirs) == [bytes(size)]
    pair.reply(theirs, bytes(size))
    assert pair.consume(ours) == [bytes(size)]
    assert pair.status(ours).code is StatusCode.OK
    pair.check_nothing_is_left()


def test_many_calls_at_once() -> None:
    pair = Pair(server_limits=Limits(max_concurrent_streams=5))
    calls = [pair.start(b"%d" % number, end=True) for number in range(100)]
    for _ in range(30):
        pair.exchange()
        for event in pair.server_events:
            if isinstance(event, CallStarted) and not event.call.ended:
                pair.reply(event.call, b"".join(pair.messages(event.call)))
    assert [pair.consume(call) for call in calls] == [[b"%d" % number] for number in range(100)]
    for event in list(pair.server_events):
        if isinstance(event, CallStarted):
            pair.consume(event.call)


def test_a_sender_is_told_when_it_may_go_on() -> None:
    pair = Pair(client_limits=Limits(send_buffer=1000), server_limits=Limits(max_window=256 * 1024))
    ours, theirs = pair.open()
    for size in (200_000, 400_000):  # the second waits behind the first, which nobody has read
        ours.send_message(bytes(size))
    assert ours.must_wait
    ours.wants_send_ready = True
    pair.exchange()
    assert not any(isinstance(event, SendReady) for event in pair.client_events)  # the window is full
    pair.consume(theirs)
    pair.exchange()
    assert pair.messages(theirs) == [bytes(400_000)]
    assert sum(isinstance(event, SendReady) for event in pair.client_events) == 1
    assert not ours.must_wait
    ours.wants_send_ready = True
    ours.cancel()
    pair.exchange()
    assert sum(isinstance(event, SendReady) for event in pair.client_events) == 2  # nobody waits for ever


# -- deadlines and cancellation -----------------------------------------------------------------------------------


@pytest.mark.rule(33)
@pytest.mark.rule(35)
@pytest.mark.rule(36)
def test_r33_r35_r36_a_deadline_runs_on_both_sides() -> None:
    pair = Pair()
    ours, theirs = pair.open(b"x", timeout=5.0)
    assert theirs.deadline == pytest.approx(pair.now + 5)
    assert pair.client.next_timer() == pair.now + 5
    pair.advance(4.9)
    assert not ours.ended
    assert not theirs.ended
    pair.advance(0.1001)
    assert pair.status(ours).code is StatusCode.DEADLINE_EXCEEDED
    assert not pair.status(ours).from_peer
    assert pair.status(theirs).code is StatusCode.DEADLINE_EXCEEDED
    pair.consume(theirs)
    pair.exchange()
    pair.check_nothing_is_left()


@pytest.mark.rule(35)
@pytest.mark.parametrize("half_closed", [True, False])
def test_r35_the_server_ends_the_call_with_a_status(half_closed: bool) -> None:
    """And not with CANCEL: grpcio would take it for the client's own, even after trailers."""
    client = RawClient()
    client.request(1, b"x", fields=changed(REQUEST, grpc_timeout=b"5S"), end=half_closed)
    client.core.handle_timer(client.now + 5)
    client.take()
    assert client.trailers(1)[b"grpc-status"] == b"4"
    assert client.resets(1) == ([] if half_closed else [Http2Error.NO_ERROR])  # else nothing is left to reset
    assert client.endings()[0].code is StatusCode.DEADLINE_EXCEEDED


@pytest.mark.rule(35)
@pytest.mark.parametrize("handler_done", [True, False])
def test_r35_a_deadline_that_cuts_a_response_message_is_told_by_the_status(handler_done: bool) -> None:
    """The specification lets a server send CANCEL here, which a client maps to CANCELLED unless its own timer was
    first. gRPC's C core sends its status, and so do we; a status that waits behind the message is too late."""
    client = RawClient(settings={4: 100})
    call = client.request(1, b"x", fields=changed(REQUEST, grpc_timeout=b"5S"))
    call.send_message(bytes(1000))
    if handler_done:
        call.finish(Status(StatusCode.OK))
    client.take()
    assert len(client.body(1)) == 100
    client.core.handle_timer(client.now + 5)
    client.take()
    assert client.trailers(1)[b"grpc-status"] == b"4"
    assert client.resets(1) == []
    assert client.endings()[0].code is StatusCode.DEADLINE_EXCEEDED


@pytest.mark.rule(36)
def test_r36_what_comes_after_the_deadline_is_not_used() -> None:
    server = RawServer()
    call = server.call(b"x", timeout=5.0)
    server.core.handle_timer(server.now + 5)
    server.take()
    assert server.resets() == [Http2Error.CANCEL]
    server.send(server.headers(call.stream_id, [*HEAD, *OK, (b"k", b"v")], True))
    assert server.status().code is StatusCode.DEADLINE_EXCEEDED
    assert not server.status().trailing_metadata


@pytest.mark.rule(37)
@pytest.mark.parametrize(
    ("passed", "code"), [(4.0, "CANCELLED"), (5.0, "DEADLINE_EXCEEDED"), (6.0, "DEADLINE_EXCEEDED")]
)
def test_r37_cancelled_after_the_deadline(passed: float, code: str) -> None:
    server = RawServer()
    call = server.call(b"x", timeout=5.0)
    server.now += passed  # the reset comes before our own timer fires
    server.send(server.reset(call.stream_id, 8))
    assert server.status().code.name == code


def test_deadlines_of_finished_calls_do_not_pile_up() -> None:
    pair = Pair()
    for _ in range(300):
        ours, theirs = pair.open(b"x", end=True, timeout=3600.0)
        pair.consume(theirs)
        pair.reply(theirs)
        assert pair.status(ours).code is StatusCode.OK
        pair.client_events.clear()
        pair.server_events.clear()
    assert len(pair.client._deadlines) < 100
    assert len(pair.server._deadlines) < 100
    pair.check_nothing_is_left()


@pytest.mark.rule(40)
@pytest.mark.parametrize("when", ["before", "open", "half-closed", "replying"])
def test_r40_the_client_cancels(when: str) -> None:
    pair = Pair()
    if when == "before":
        ours = pair.start(b"x")
        ours.cancel()
        pair.exchange()
        assert all(
            status.code is StatusCode.CANCELLED
            for event in pair.server_events
            if isinstance(event, CallStarted)
            for status in pair.endings(event.call)
        )
    else:
        ours, theirs = pair.open(b"x", end=when != "open")
        if when == "replying":
            theirs.send_initial_metadata()
            theirs.send_message(bytes(1_000_000))
            pair.exchange()
        ours.cancel()
        pair.exchange()
        assert pair.status(theirs).code is StatusCode.CANCELLED
    assert pair.status(ours).code is StatusCode.CANCELLED
    pair.check_nothing_is_left()


def test_a_call_can_be_cancelled_twice_and_after_its_end() -> None:
    pair = Pair()
    ours, theirs = pair.open(b"x", end=True)
    pair.reply(theirs)
    ours.cancel()
    ours.cancel()
    pair.exchange()
    assert pair.status(ours).code is StatusCode.OK


# -- the end of a connection --------------------------------------------------------------------------------------


@pytest.mark.rule(44)
def test_r44_a_lost_connection() -> None:
    pair = Pair()
    ours, theirs = pair.open(b"x")
    pair.client.peer_closed("cable cut")
    pair.server.peer_closed("cable cut")
    pair.collect()
    assert pair.status(ours).code is StatusCode.UNAVAILABLE
    assert "the test server" in pair.status(ours).message
    assert "cable cut" in pair.status(ours).message
    assert pair.status(theirs).code is StatusCode.CANCELLED
    pair.client.peer_closed("again")
    pair.client.receive(b"late", pair.now)
    pair.collect()
    assert sum(isinstance(event, ConnectionEnded) for event in pair.client_events) == 1


@pytest.mark.rule(60)
def test_r60_goaway_ends_what_the_server_has_not_seen() -> None:
    server = RawServer()
    kept, lost = server.call(b"kept"), server.call(b"lost")
    server.send(server.goaway(1, 0, b"max_age"))
    assert any(isinstance(event, GoAwayReceived) for event in server.events)
    status = server.status()
    assert status.code is StatusCode.UNAVAILABLE
    assert "max_age" in status.message
    assert not status.reached_server
    assert lost.ended
    assert not kept.ended
    assert not server.core.accepts_calls
    assert server.connection_ended is None
    server.send(server.headers(1, HEAD), server.data(1, envelope(b"reply")), server.headers(1, OK, True))
    assert server.endings()[-1].code is StatusCode.OK
    assert server.messages() == [b"reply"]
    assert server.connection_ended is not None


def test_a_server_that_closes_without_a_word_may_want_tls() -> None:
    client = ClientConnection()
    client.peer_closed("closed by the peer")
    (event,) = [event for event in client.take_events() if isinstance(event, ConnectionEnded)]
    assert event.reason.startswith("closed by the peer before it spoke HTTP/2 (is TLS on at one end only")


@pytest.mark.rule(60)
def test_r60_a_connection_lost_after_goaway_says_what_that_said() -> None:
    server = RawServer()
    server.call(b"cut off")
    server.send(server.goaway(1, Http2Error.ENHANCE_YOUR_CALM, b"too_many_pings"))
    server.core.peer_closed("closed by the peer")
    (status,) = [event.status for event in server.core.take_events() if isinstance(event, CallEnded)]
    assert status.message.endswith(
        "closed by the peer, after it had sent GOAWAY (ENHANCE_YOUR_CALM 'too_many_pings')"
    )


@pytest.mark.rule(60)
def test_r60_a_call_still_sends_after_goaway() -> None:
    server = RawServer(settings={4: 10})
    call = server.call(bytes(95), end=False)
    server.send(server.goaway(2**31 - 1), server.window(1, 100))
    assert len(server.body(1)) == 100
    call.end_sending()
    server.send(server.goaway(1), server.headers(1, HEAD), server.headers(1, OK, True))
    assert server.status().code is StatusCode.OK


@pytest.mark.rule(60)
def test_r60_waiting_calls_go_elsewhere() -> None:
    server = RawServer(settings={3: 1})
    server.call(b"x")
    server.call(b"waits")
    server.send(server.goaway(1))
    assert server.status().code is StatusCode.UNAVAILABLE
    assert not server.status().reached_server
    server.send(server.headers(1, HEAD + OK, True))
    assert len(server.of(hf.HeadersFrame)) == 1


@pytest.mark.rule(60)
def test_r60_when_the_last_call_is_cancelled_the_connection_ends() -> None:
    server = RawServer()
    call = server.call(b"x")
    server.send(server.goaway(1))
    call.cancel()
    server.take()
    assert server.connection_ended is not None
    assert server.resets() == [Http2Error.CANCEL]


@pytest.mark.rule(60)
@pytest.mark.rule(62)
def test_r60_r62_goaway_without_calls() -> None:
    server = RawServer()
    server.send(server.goaway(0, 11, b"too_many_pings"))
    assert server.connection_ended is not None
    assert server.endings() == []


def test_goaway_from_a_client_changes_nothing_for_its_calls() -> None:
    client = RawClient()
    call = client.request(1, b"x")
    client.send(client.goaway(0))
    call.finish(Status(StatusCode.OK))
    client.take()
    assert client.trailers(1)[b"grpc-status"] == b"0"


@pytest.mark.rule(61)
def test_r61_a_graceful_stop() -> None:
    client = RawClient()
    first = client.request(1, b"x")
    client.core.drain(client.now)
    client.take()
    assert client.goaways() == [(2**31 - 1, 0, b"")]
    (ping,) = client.of(hf.PingFrame)
    second = client.request(3, b"was on its way")
    assert second is not None
    client.send(client.ping(ping.opaque_data, ack=True))
    assert client.goaways()[1:] == [(3, 0, b"")]
    assert client.request(5, b"too late") is None
    assert client.resets(5) == [Http2Error.REFUSED_STREAM]
    for call in (first, second):
        assert client.connection_ended is None
        call.finish(Status(StatusCode.OK))
        client.take()
    assert client.connection_ended is not None
    assert client.endings() == []


@pytest.mark.rule(61)
def test_r61_a_client_that_does_not_answer_the_ping() -> None:
    client = RawClient()
    client.core.drain(client.now)
    client.take()
    due = client.core.next_timer()
    assert due is not None
    client.core.handle_timer(due)
    client.take()
    assert client.goaways() == [(2**31 - 1, 0, b""), (0, 0, b"")]
    assert client.connection_ended is not None


@pytest.mark.rule(61)
@deliveries
def test_r61_both_sides(delivery: Delivery) -> None:
    pair = Pair(delivery=delivery)
    ours, theirs = pair.open(b"x")
    pair.server.drain(pair.now)
    pair.server.drain(pair.now)
    pair.exchange()
    assert not pair.client.accepts_calls
    ours.send_message(b"y")
    ours.end_sending()
    pair.exchange()
    assert pair.consume(theirs) == [b"x", b"y"]
    pair.reply(theirs, b"z")
    assert pair.consume(ours) == [b"z"]
    assert pair.status(ours).code is StatusCode.OK
    assert pair.client.ended
    assert pair.server.ended
    pair.check_nothing_is_left()


def test_a_client_that_drains() -> None:
    pair = Pair()
    ours, theirs = pair.open(b"x", end=True)
    pair.client.drain()
    assert not pair.client.ended
    pair.reply(theirs)
    assert pair.status(ours).code is StatusCode.OK
    assert pair.client.ended


def test_close_ends_everything_at_once() -> None:
    pair = Pair()
    ours, theirs = pair.open(b"x")
    pair.server.close("enough")
    pair.exchange()
    assert pair.status(theirs).code is StatusCode.CANCELLED
    assert isinstance(pair.server_events[-1], ConnectionEnded)
    assert not ours.ended  # GOAWAY names it; the end of the transport follows
    pair.client.peer_closed("closed")
    pair.collect()
    assert pair.status(ours).code is StatusCode.UNAVAILABLE
    assert [type(event) for event in pair.client_events].count(CallEnded) == 1
