"""Flow control: windows that grow, unfinished messages, peers that open no window."""

from __future__ import annotations

import math

import pytest
from hyperframe import frame as hf

from barewire.rpc.bandwidth import PAYLOAD, BandwidthEstimator
from barewire.rpc.limits import Limits
from barewire.rpc.status import Http2Error, Status, StatusCode
from tests.support.rpc_pair import Pair
from tests.support.rpc_raw_peer import HEAD, OK, RawClient, RawServer, envelope

INITIAL_WINDOW_SIZE = 4
SMALL = Limits(stream_window=65_535, connection_window=65_535)


def bandwidth_pings(peer: RawServer | RawClient) -> list[hf.PingFrame]:
    return [frame for frame in peer.of(hf.PingFrame) if frame.opaque_data == PAYLOAD]


def granted_windows(peer: RawServer | RawClient) -> list[int]:
    """The initial windows that the core has announced since the handshake."""
    return [frame.settings[INITIAL_WINDOW_SIZE] for frame in peer.of(hf.SettingsFrame) if frame.settings]


# -- the estimator ------------------------------------------------------------------------------------------------


def sample(estimator: BandwidthEstimator, size: int, seconds: float, now: float = 0.0) -> bool:
    estimator.begin(now, 0)
    return estimator.end(now + seconds, size)


def test_a_window_that_is_filled_in_one_round_trip_grows() -> None:
    estimator = BandwidthEstimator(64_000, 1_000_000)
    assert sample(estimator, 64_000, 0.1)
    assert estimator.window == 128_000
    assert sample(estimator, 120_000, 0.1)
    assert estimator.window == 256_000


def test_a_window_that_is_not_filled_stays() -> None:
    estimator = BandwidthEstimator(64_000, 1_000_000)
    assert not sample(estimator, 40_000, 0.1)
    assert estimator.window == 64_000


def test_more_that_takes_longer_is_a_queue_and_no_bandwidth() -> None:
    estimator = BandwidthEstimator(64_000, 1_000_000)
    assert sample(estimator, 64_000, 0.1)
    for _ in range(10):
        assert not sample(estimator, 128_000, 1.0)
    assert estimator.window == 128_000


def test_no_window_grows_beyond_its_limit() -> None:
    estimator = BandwidthEstimator(64_000, 200_000)
    for size in (64_000, 128_000, 200_000, 400_000):
        sample(estimator, size, 0.1)
        assert estimator.window <= 200_000
    assert estimator.window == 200_000
    assert not estimator.useful


def test_an_answer_that_nobody_asked_for() -> None:
    assert not BandwidthEstimator(64_000, 200_000).end(1.0, 10**9)


# -- windows that grow --------------------------------------------------------------------------------------------


def flood(server: RawServer, amount: int, round_trip: float) -> None:
    """Answer the only call as fast as its windows let a server, and PINGs one round trip later."""
    granted = {0: server.core.limits.connection_window, 1: server.core.limits.stream_window}
    body = envelope(bytes(amount - 5))
    position = 0
    seen = len(server.frames)
    while position < len(body):
        while position < len(body) and (room := min(16_384, *granted.values(), len(body) - position)):
            server.send(server.data(1, body[position : position + room]))
            position += room
            for stream_id in granted:
                granted[stream_id] -= room
        server.now += round_trip
        assert len(server.frames) > seen or position == len(body), "the client opens no window: deadlock"
        came, seen = server.frames[seen:], len(server.frames)
        for frame in came:
            if isinstance(frame, hf.WindowUpdateFrame):
                granted[frame.stream_id] += frame.window_increment
            elif isinstance(frame, hf.PingFrame):
                server.send(server.ping(frame.opaque_data, ack=True))
            elif isinstance(frame, hf.SettingsFrame) and frame.settings:
                now = frame.settings[INITIAL_WINDOW_SIZE]
                granted[1] += now - server.core.http2.stream_window
                server.send(server.settings(ack=True))


@pytest.mark.rule(72)
def test_r72_a_fast_sender_far_away_gets_larger_windows() -> None:
    server = RawServer(Limits(max_receive_message_size=2**24, max_window=1_000_000))
    server.call(b"x")
    server.send(server.headers(1, HEAD))
    flood(server, 10_000_000, 0.1)
    grown = granted_windows(server)
    assert grown == sorted(grown)
    assert grown[-1] == 1_000_000
    assert len(bandwidth_pings(server)) < 40
    server.send(server.headers(1, OK, True))
    assert server.status().code is StatusCode.OK
    assert len(server.messages()[0]) == 9_999_995


@pytest.mark.rule(72)
def test_r72_larger_windows_work_on_both_sides() -> None:
    limits = Limits(
        stream_window=65_535, connection_window=65_535, max_window=2**20, max_receive_message_size=2**26
    )
    pair = Pair(client_limits=limits, server_limits=limits)
    for _ in range(3):
        ours, theirs = pair.open(bytes(2_000_000), end=True)
        for _ in range(200):
            pair.now += 0.01
            pair.exchange()
        assert pair.consume(theirs) == [bytes(2_000_000)]
        pair.reply(theirs, bytes(2_000_000))
        assert pair.consume(ours) == [bytes(2_000_000)]
        assert pair.status(ours).code is StatusCode.OK
    pair.check_nothing_is_left()


@pytest.mark.rule(68)
def test_small_calls_cause_no_bandwidth_pings() -> None:
    server = RawServer()
    for number in range(50):
        server.call(b"x")
        stream_id = 2 * number + 1
        server.send(
            server.headers(stream_id, HEAD),
            server.data(stream_id, envelope(bytes(1000))),
            server.headers(stream_id, OK, True),
        )
    assert not bandwidth_pings(server)


@pytest.mark.rule(68)
def test_r68_before_each_bandwidth_ping_the_server_has_sent_data() -> None:
    """A server forgives PINGs when it has sent DATA since the last one."""
    server = RawServer(Limits(max_receive_message_size=2**24))
    server.call(b"x")
    server.send(server.headers(1, HEAD))
    flood(server, 4_000_000, 0.1)
    last = -1
    for number, frame in enumerate(server.frames):
        if isinstance(frame, hf.PingFrame):
            between = server.frames[last + 1 : number]
            assert sum(
                isinstance(other, hf.WindowUpdateFrame) for other in between
            )  # given for DATA that came
            last = number


@pytest.mark.rule(72)
def test_r72_a_reader_that_does_not_read_gets_no_larger_windows() -> None:
    client = RawClient(Limits(max_receive_message_size=2**24))
    call = client.request(1, b"x", end=False)
    for _ in range(15):
        client.send(client.data(1, envelope(bytes(16_379))))
        client.now += 0.001
    assert call is not None
    assert not bandwidth_pings(client)
    assert not granted_windows(client)


# -- windows below zero, padding ----------------------------------------------------------------------------------


@pytest.mark.rule(72)
def test_r72_a_window_below_zero_is_waited_for() -> None:
    server = RawServer(settings={INITIAL_WINDOW_SIZE: 100})
    server.call(bytes(195))
    assert len(server.body(1)) == 100
    server.send(server.settings({INITIAL_WINDOW_SIZE: 10}))  # 90 below zero
    server.send(server.window(1, 90))
    assert len(server.body(1)) == 100
    server.send(server.window(1, 50))
    assert len(server.body(1)) == 150
    server.send(server.settings({INITIAL_WINDOW_SIZE: 60}))
    assert len(server.body(1)) == 200


@pytest.mark.rule(72)
@pytest.mark.parametrize("side", ["client", "server"])
def test_r72_data_frame_padding(side: str) -> None:
    """As the interop test of that name: five bytes of payload with 255 of padding in each frame, and no deadlock."""
    peer: RawClient | RawServer
    if side == "client":
        peer = RawServer(SMALL)
        peer.call(b"x")
        peer.send(peer.headers(1, HEAD))
    else:
        peer = RawClient(SMALL)
        peer.request(1, end=False)
    size = 20_000
    body = envelope(bytes(size))
    granted = {0: 65_535, 1: 65_535}
    for position in range(0, len(body), 5):
        seen = len(peer.frames)
        peer.send(peer.data(1, body[position : position + 5], padding=255))
        for frame in peer.frames[seen:]:
            if isinstance(frame, hf.WindowUpdateFrame):
                granted[frame.stream_id] += frame.window_increment
        for stream_id in granted:
            granted[stream_id] -= 5 + 256
            assert granted[stream_id] > 0, "no window is left, and nobody opens one"
    assert peer.messages() == [bytes(size)]


# -- unfinished messages ------------------------------------------------------------------------------------------


@pytest.mark.rule(47)
@pytest.mark.rule(75)
def test_r75_unfinished_messages_of_one_connection_are_bounded() -> None:
    client = RawClient(Limits(max_receive_message_size=30_000, max_unfinished_bytes=50_000))
    for stream_id in (1, 3, 5):
        client.request(stream_id, end=False)
        client.send(client.data(stream_id, envelope(bytes(30_000))[:16_000]))
    client.send(client.data(1, bytes(1_000)))
    client.send(client.data(3, bytes(3_000)))
    fields = client.trailers(3)
    assert fields[b"grpc-status"] == b"8"
    assert b"52000 bytes" in fields[b"grpc-message"]
    assert b"max_unfinished_bytes" in fields[b"grpc-message"]
    assert client.core.incomplete.size == 33_000
    client.send(client.data(1, bytes(13_005)))  # the others go on
    assert [len(message) for message in client.messages()] == [30_000]
    client.send(client.reset(5))
    assert client.core.incomplete.size == 0


@pytest.mark.rule(75)
def test_r75_the_same_on_a_client() -> None:
    server = RawServer(Limits(max_receive_message_size=30_000, max_unfinished_bytes=1))
    for stream_id in (1, 3):
        server.call(b"x")
        server.send(server.headers(stream_id, HEAD))
    server.send(server.data(1, envelope(bytes(30_000))[:16_000]))  # one message may always come
    server.send(server.data(3, envelope(bytes(30_000))[:16_000]))
    status = server.status()
    assert status.code is StatusCode.RESOURCE_EXHAUSTED
    assert "max_unfinished_bytes" in status.message
    assert server.resets() == [Http2Error.CANCEL]
    server.send(server.data(1, bytes(14_005)), server.headers(1, OK, True))
    assert server.endings()[-1].code is StatusCode.OK
    assert server.core.incomplete.size == 0


def test_what_came_before_the_answer_is_forgotten_with_it() -> None:
    client = RawClient(settings={INITIAL_WINDOW_SIZE: 0})
    call = client.request(1, end=False)
    client.send(client.data(1, envelope(bytes(10_000))[:5_000]))
    assert client.core.incomplete.size == 5_000
    call.send_initial_metadata()
    call.send_message(b"the window is shut")
    call.finish(Status(StatusCode.OK))
    assert client.core.incomplete.size == 0


# -- windows that stay shut ---------------------------------------------------------------------------------------


@pytest.mark.rule(75)
def test_r75_a_server_that_never_opens_its_window() -> None:
    server = RawServer(Limits(stall_timeout=60), settings={INITIAL_WINDOW_SIZE: 10})
    server.call(bytes(100))
    server.pass_time(59.9)
    assert not server.endings()
    server.pass_time(0.1)
    status = server.status()
    assert status.code is StatusCode.UNAVAILABLE
    assert "took no data for 60 s" in status.message
    assert "stall_timeout" in status.message
    assert "95 bytes waiting" in status.message
    assert server.resets() == [Http2Error.CANCEL]
    assert server.connection_ended is None
    server.call(b"small")
    assert len(server.body(3)) == 10


@pytest.mark.rule(75)
def test_r75_a_client_that_never_opens_its_window_gets_a_status() -> None:
    client = RawClient(Limits(stall_timeout=60), settings={INITIAL_WINDOW_SIZE: 0})
    call = client.request(1, b"x")
    call.send_initial_metadata()
    call.send_message(b"nobody wants it")
    client.take()
    client.pass_time(60)
    assert client.trailers(1)[b"grpc-status"] == b"14"
    assert client.endings()[0].code is StatusCode.UNAVAILABLE
    assert client.core.open_calls == 0


@pytest.mark.rule(75)
def test_r75_a_slow_peer_is_no_stalled_one() -> None:
    server = RawServer(Limits(stall_timeout=60), settings={INITIAL_WINDOW_SIZE: 1})
    server.call(bytes(100))
    for _ in range(20):
        server.pass_time(50)
        server.send(server.window(1, 1))
    assert not server.endings()
    server.send(server.window(1, 1000))
    server.pass_time(1000)
    assert not server.endings()
    assert server.core.next_timer() is None


@pytest.mark.rule(75)
def test_r75_the_time_counts_from_when_the_window_shut() -> None:
    server = RawServer(Limits(stall_timeout=60), settings={INITIAL_WINDOW_SIZE: 10})
    server.pass_time(1000)
    call = server.call(b"fits", end=False)
    server.pass_time(1000)
    call.send_message(bytes(100))
    server.take()
    server.pass_time(59)
    assert not server.endings()
    server.pass_time(1)
    assert server.endings()


@pytest.mark.rule(75)
def test_r75_a_window_of_the_connection_that_stays_shut_ends_it() -> None:
    server = RawServer(Limits(stall_timeout=60), settings={INITIAL_WINDOW_SIZE: 2**20})
    server.call(bytes(70_000))
    server.call(b"x")
    server.pass_time(60)
    assert [status.code for status in server.endings()] == [StatusCode.UNAVAILABLE] * 2
    assert all("the connection's window stayed shut" in status.message for status in server.endings())
    assert [code for _, code, _ in server.goaways()] == [Http2Error.ENHANCE_YOUR_CALM]


@pytest.mark.rule(75)
def test_r75_no_stall_timeout() -> None:
    server = RawServer(Limits(stall_timeout=math.inf), settings={INITIAL_WINDOW_SIZE: 0})
    server.call(b"x")
    assert server.core.next_timer() is None
