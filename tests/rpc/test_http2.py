"""What HTTP/2 asks of a connection, and what a faulty or hostile peer may cost."""

from __future__ import annotations

from typing import Any

import pytest
from hyperframe import frame as hf
from hypothesis import given
from hypothesis import strategies as st

from barewire.rpc.events import ConnectionEnded
from barewire.rpc.limits import Limits
from barewire.rpc.status import Http2Error, Status, StatusCode
from tests.support.rpc_raw_peer import (
    HEAD,
    OK,
    PREFACE,
    REQUEST,
    Raw,
    RawClient,
    RawServer,
    changed,
    envelope,
)

CALM = Http2Error.ENHANCE_YOUR_CALM


def serve(client: RawClient, call: Any, *messages: bytes) -> None:
    if messages:
        call.send_initial_metadata()
    for message in messages:
        call.send_message(message)
    call.finish(Status(StatusCode.OK))
    client.take()


def answers(client: RawClient) -> bool:
    """Whether a new call works."""
    number = (client.core.http2.highest_remote_stream_id or -1) + 2
    serve(client, client.request(number, b"x"))
    return client.trailers(number)[b"grpc-status"] == b"0"


def fault(peer: RawClient | RawServer) -> int:
    """The error code that the connection ended with."""
    assert peer.connection_ended is not None
    ((_, code, debug),) = peer.goaways()
    assert debug
    return code


# -- connection ---------------------------------------------------------------------------------------------------


@pytest.mark.rule(63)
def test_r63_ping_is_echoed() -> None:
    for peer in (RawClient(), RawServer()):
        peer.send(peer.ping(b"\1\2\3\4\5\6\7\x08"))
        (echo,) = peer.of(hf.PingFrame)
        assert echo.flags == {"ACK"}
        assert echo.opaque_data == b"\1\2\3\4\5\6\7\x08"


def test_what_the_server_says_first() -> None:
    client = RawClient.__new__(RawClient)
    super(RawClient, client).__init__()
    from barewire.rpc.server_connection import ServerConnection

    client.core = ServerConnection(
        Limits(max_concurrent_streams=7, stream_window=70_000, connection_window=100_000)
    )
    assert client.take() == []  # it may yet be an HTTP/1.1 client
    client.deliver(PREFACE)
    settings, window = client.frames
    assert isinstance(settings, hf.SettingsFrame)
    assert settings.settings == {3: 7, 4: 70_000, 6: 16_384}
    assert isinstance(window, hf.WindowUpdateFrame)
    assert window.window_increment == 100_000 - 65_535


def test_an_http1_client_is_told() -> None:
    client = RawClient.__new__(RawClient)
    super(RawClient, client).__init__()
    from barewire.rpc.server_connection import ServerConnection

    client.core = ServerConnection()
    client.deliver(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert client.connection_ended is not None
    assert client.text.startswith(b"HTTP/1.1 505 ")


@pytest.mark.parametrize("preface", [b"", PREFACE])
@given(junk=st.binary(min_size=1, max_size=200))
def test_junk_never_escapes(preface: bytes, junk: bytes) -> None:
    from barewire.rpc.server_connection import ServerConnection

    core = ServerConnection()
    core.receive(preface + junk, 1.0)
    core.data_to_send()
    core.receive(junk, 1.0)
    core.take_events()


_KINDS = st.builds(
    lambda kind, flags, stream, payload: (
        len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload
    ),
    st.integers(0, 12),
    st.sampled_from([0, 1, 4, 5, 8, 9, 0x20, 0x2D, 0xFF]),
    st.sampled_from([0, 0, 1, 1, 2, 3, 5, 2**31 - 1]),
    st.one_of(
        st.binary(max_size=40),
        st.sampled_from(
            [b"\0\0\0\0", b"\0\0\0\1", b"\x7f\xff\xff\xff", b"\0\0\0\x08", bytes(8), b"\x88\x82\x84"]
        ),
        st.sampled_from(
            [
                b"\0\4\0\0\0\0",
                b"\0\4\x7f\xff\xff\xff",
                b"\0\1\0\0\0\0",
                b"\0\5\0\0\x40\0",
                b"\0\4\xff\xff\xff\xff",
            ]
        ),
    ),
)


@given(st.lists(_KINDS, max_size=12))
def test_frames_of_any_kind_never_escape(frames: list[bytes]) -> None:
    client, server = RawClient(), RawServer()
    calls = [client.request(1, b"x", end=False), server.call(b"x" * 70_000)]
    for frame in frames:
        for peer in (client, server):
            peer.core.receive(frame, 1000.0)
            peer.events += peer.core.take_events()
            peer.core.data_to_send()
    for peer in (client, server):
        peer.core.peer_closed("the end")
        peer.events += peer.core.take_events()
        assert sum(isinstance(event, ConnectionEnded) for event in peer.events) == 1
    assert len(server.endings()) == 1
    assert len(client.endings()) >= 1
    assert all(call.ended for call in calls)
    assert client.core.open_calls == server.core.open_calls == 0
    assert client.core._unread == 0


@pytest.mark.parametrize(
    "frames",
    [
        [Raw(b"\0\0\1\0\0\0\0\0\0x")],  # DATA on stream 0
        [hf.DataFrame(99, b"x")],
        [hf.HeadersFrame(2, b"\x82", flags=["END_HEADERS"])],
        [hf.SettingsFrame(0, settings={5: 1})],
        [hf.WindowUpdateFrame(0, window_increment=2**31 - 1)],
        [hf.ContinuationFrame(1, b"")],
        [hf.HeadersFrame(3, b"\x82"), hf.PingFrame(0)],
        [hf.HeadersFrame(3, b"\xff\xff\xff", flags=["END_HEADERS"])],
        [hf.PushPromiseFrame(1, data=b"", flags=["END_HEADERS"], promised_stream_id=2)],
    ],
    ids=lambda frames: type(frames[0]).__name__,
)
def test_faults_of_the_connection(frames: list[hf.Frame]) -> None:
    client = RawClient()
    client.request(1, b"x", end=False)
    client.send(*frames)
    assert fault(client) not in (0, CALM)
    assert [status.code for status in client.endings()] == [StatusCode.CANCELLED]
    assert client.core.open_calls == 0
    client.send(client.ping())  # nothing more happens
    assert not client.of(hf.PingFrame)


@pytest.mark.rule(44)
def test_r44_a_fault_of_the_server_ends_calls_as_unavailable() -> None:
    server = RawServer()
    server.call(b"x")
    server.send(hf.PushPromiseFrame(1, data=b"", flags=["END_HEADERS"], promised_stream_id=2))
    assert server.status().code is StatusCode.UNAVAILABLE
    assert "the test server" in server.status().message


def test_unknown_frames_and_settings_are_ignored() -> None:
    client = RawClient(settings={0x99: 5})
    client.deliver(b"\0\0\3\x77\xff\0\0\0\1abc")
    assert answers(client)


@pytest.mark.rule(75)
def test_r75_unknown_settings_are_not_collected() -> None:
    client = RawClient()
    for start in range(100, 60_000, 2000):
        payload = b"".join(key.to_bytes(2, "big") + bytes(4) for key in range(start, start + 2000))
        client.deliver(
            len(payload).to_bytes(3, "big") + b"\4\0\0\0\0\0" + payload
        )  # hyperframe keeps to 8 bits
    assert len(client.core.http2._h2.remote_settings._settings) < 100
    assert answers(client)


# -- concurrency --------------------------------------------------------------------------------------------------


@pytest.mark.rule(70)
def test_r70_one_stream_too_many_is_refused_and_the_header_table_kept() -> None:
    client = RawClient(Limits(max_concurrent_streams=2))
    first = client.request(1, b"x", end=False)
    client.request(3, b"x", end=False)
    assert client.request(5, b"x", fields=changed(REQUEST, x_new=b"in the table")) is None
    assert client.resets() == [Http2Error.REFUSED_STREAM]
    assert client.resets(5) == [Http2Error.REFUSED_STREAM]
    serve(client, first)
    call = client.request(7, b"x", fields=changed(REQUEST, x_new=b"in the table"))
    assert call.request.metadata["x-new"] == "in the table"


@pytest.mark.rule(70)
def test_r70_calls_wait_for_a_stream() -> None:
    server = RawServer(settings={3: 2})
    calls = [server.call(b"%d" % number, timeout=50.0) for number in range(6)]
    assert [call.stream_id for call in calls] == [1, 3, 0, 0, 0, 0]
    calls[2].cancel()
    calls[3].fail(Status(StatusCode.DEADLINE_EXCEEDED))
    server.send(server.headers(1, HEAD + OK, True))
    assert [call.stream_id for call in calls] == [1, 3, 0, 0, 5, 0]
    assert server.body(5) == envelope(b"4")
    server.send(server.settings({3: 100}))
    assert calls[5].stream_id == 7
    assert server.body(7) == envelope(b"5")
    assert [status.code.name for status in server.endings()] == ["CANCELLED", "DEADLINE_EXCEEDED", "OK"]


@pytest.mark.rule(70)
def test_r70_a_server_that_takes_none_now() -> None:
    server = RawServer(Limits(max_waiting_calls=2), settings={3: 0})
    for _ in range(5):  # who has given up does not count
        call = server.call(b"x")
        assert not server.of(hf.HeadersFrame)
        call.cancel()
        server.take()
    assert {status.code for status in server.endings()} <= {StatusCode.CANCELLED}
    server.forget()
    for _ in range(3):
        server.call(b"x")
    server.take()
    assert server.status().code is StatusCode.RESOURCE_EXHAUSTED
    assert "max_waiting_calls" in server.status().message
    server.send(server.settings({3: 10}))
    assert len(server.of(hf.HeadersFrame)) == 2


@pytest.mark.rule(70)
def test_r70_waiting_calls_have_deadlines_and_end_with_the_connection() -> None:
    server = RawServer(settings={3: 0})
    server.call(b"x", timeout=5.0)
    server.call(b"x")
    server.core.handle_timer(server.now + 5)
    server.take()
    assert server.status().code is StatusCode.DEADLINE_EXCEEDED
    server.core.peer_closed("gone")
    server.take()
    assert [status.code.name for status in server.endings()] == ["DEADLINE_EXCEEDED", "UNAVAILABLE"]
    assert not server.endings()[1].reached_server


# -- flow control -------------------------------------------------------------------------------------------------


@pytest.mark.rule(72)
def test_r72_the_window_of_a_stream_opens_as_messages_are_consumed() -> None:
    limits = Limits(stream_window=100_000)
    client = RawClient(limits)
    client.send(client.headers(1, REQUEST))
    for _ in range(6):
        client.send(client.data(1, envelope(bytes(15_000))))
    call = client.started()[0]
    assert not client.of(hf.WindowUpdateFrame, 1)  # nobody has read
    for _ in range(6):
        call.consumed(15_005)
    client.take()
    assert sum(frame.window_increment for frame in client.of(hf.WindowUpdateFrame, 1)) >= 50_000
    assert client.core.http2._h2.streams[1].inbound_flow_control_window >= 50_000


@pytest.mark.rule(72)
def test_r72_a_slow_reader_shuts_its_own_window_only() -> None:
    client = RawClient(Limits(stream_window=65_535, connection_window=65_535))
    client.send(client.headers(1, REQUEST))
    for _ in range(4):
        client.send(client.data(1, envelope(bytes(16_000))))
    assert not client.of(hf.WindowUpdateFrame, 1)
    assert sum(frame.window_increment for frame in client.of(hf.WindowUpdateFrame, 0)) >= 48_000
    assert answers(client)


@pytest.mark.rule(72)
def test_r72_a_connection_of_slow_readers_is_bounded() -> None:
    limits = Limits(stream_window=65_535, connection_window=65_535, max_unread_bytes=100_000)
    client = RawClient(limits)
    sent, number = 0, 1
    while client.core.http2._h2.inbound_flow_control_window >= 16_005 and number < 101:
        client.send(client.headers(number, REQUEST), client.data(number, envelope(bytes(16_000))))
        sent += 16_005
        number += 2
    assert 100_000 < sent < 200_000
    for call in client.started():
        call.consumed(16_005)
    client.take()
    assert client.core.http2._h2.inbound_flow_control_window >= 48_000


@pytest.mark.rule(72)
def test_r72_beyond_its_window_a_peer_is_cut_off() -> None:
    client = RawClient(Limits(stream_window=65_535))
    client.send(client.headers(1, REQUEST))
    for _ in range(5):
        client.send(client.data(1, envelope(bytes(16_000))))
    assert fault(client) == Http2Error.FLOW_CONTROL_ERROR


@pytest.mark.rule(72)
@pytest.mark.parametrize("chunk", [100, 16_000])
def test_r72_a_message_larger_than_the_window_arrives(chunk: int) -> None:
    client = RawClient(Limits(stream_window=65_535, connection_window=65_535))
    client.send(client.headers(1, REQUEST))
    body = envelope(bytes(300_000))
    for start in range(0, len(body), chunk):
        part = body[start : start + chunk]
        windows = client.core.http2._h2
        assert windows.streams[1].inbound_flow_control_window >= len(part), "deadlock"
        assert windows.inbound_flow_control_window >= len(part), "deadlock"
        client.send(client.data(1, part))
    assert [len(message) for message in client.messages()] == [300_000]


@pytest.mark.rule(72)
def test_r72_padding_counts_and_is_given_back() -> None:
    client = RawClient(Limits(stream_window=65_535, connection_window=65_535))
    client.send(client.headers(1, REQUEST, padding=100))
    call = client.started()[0]
    for _ in range(2000):
        window = client.core.http2._h2.streams[1].inbound_flow_control_window
        assert window >= 266, "padding has not been given back"
        client.send(client.data(1, envelope(b"12345"), padding=255))
        call.consumed(10)
    assert len(client.messages()) == 2000


@pytest.mark.rule(72)
def test_r72_we_send_no_more_than_the_windows_take() -> None:
    client = RawClient(settings={4: 10})
    call = client.request(1, b"x")
    serve(client, call, bytes(95))
    assert len(client.body(1)) == 10
    client.send(client.window(1, 30))
    assert len(client.body(1)) == 40
    client.send(client.settings({4: 30}))  # 20 more
    assert len(client.body(1)) == 60
    client.send(client.settings({4: 0}))  # 30 fewer: the window is negative now
    client.send(client.window(1, 30))  # and zero
    assert len(client.body(1)) == 60
    client.send(client.window(1, 1000))
    assert len(client.body(1)) == 100
    assert client.trailers(1) == {b"grpc-status": b"0"}


@pytest.mark.rule(72)
def test_r72_the_window_of_the_connection_is_shared_in_turn() -> None:
    client = RawClient(settings={4: 2**30})
    calls = [client.request(number, b"x") for number in (1, 3)]
    for call in calls:
        call.send_initial_metadata()
        call.send_message(bytes(100_000))
    client.take()
    sizes = [len(client.body(number)) for number in (1, 3)]
    assert sum(sizes) == 65_535
    assert abs(sizes[0] - sizes[1]) <= 16_384
    client.send(client.window(0, 1_000_000))
    assert [len(client.body(number)) for number in (1, 3)] == [100_005, 100_005]
    assert all(len(frame.data) <= 16_384 for frame in client.of(hf.DataFrame))


@pytest.mark.rule(72)
def test_r72_a_window_that_overflows_costs_the_stream() -> None:
    client = RawClient()
    client.request(1, b"x", end=False)
    client.send(client.window(1, 2**31 - 1))
    assert client.resets(1) == [Http2Error.FLOW_CONTROL_ERROR]
    assert [status.code for status in client.endings()] == [StatusCode.INTERNAL]
    assert client.core.open_calls == 0
    assert answers(client)


def test_larger_frames_are_used_when_the_peer_takes_them() -> None:
    client = RawClient(settings={4: 2**20, 5: 60_000})
    client.send(client.window(0, 2**20))
    serve(client, client.request(1, b"x"), bytes(100_000))
    assert [len(frame.data) for frame in client.of(hf.DataFrame, 1)] == [60_000, 40_005]


# -- frames on streams that are over ------------------------------------------------------------------------------


def test_frames_after_the_end_of_a_stream() -> None:
    client = RawClient()
    serve(client, client.request(1, b"x"))
    client.send(client.window(1, 5), client.reset(1), hf.PriorityFrame(1, depends_on=0, stream_weight=5))
    assert not client.resets()
    client.send(client.data(1, b"late"))
    assert client.resets(1) == [Http2Error.STREAM_CLOSED]
    assert answers(client)


@pytest.mark.parametrize("stream_id", [3, 5])
def test_headers_on_a_stream_that_the_client_has_ended_or_passed_over(stream_id: int) -> None:
    """No frame can have crossed it on the way, so it ends the connection (RFC 9113, section 5.1)."""
    client = RawClient()
    serve(client, client.request(5, b"x"))
    client.send(client.headers(stream_id, [(b"new-in-table", b"1")], True))
    assert [code for _, code, _ in client.goaways()] == [Http2Error.STREAM_CLOSED]


@pytest.mark.parametrize(
    ("kind", "payload", "code"),
    [
        (2, bytes(4), Http2Error.FRAME_SIZE_ERROR),
        (3, bytes(5), Http2Error.FRAME_SIZE_ERROR),
        (8, bytes(3), Http2Error.FRAME_SIZE_ERROR),
        (8, bytes(4), Http2Error.PROTOCOL_ERROR),
    ],
)
def test_frames_after_the_end_of_a_stream_have_their_form(
    kind: int, payload: bytes, code: Http2Error
) -> None:
    client = RawClient()
    serve(client, client.request(1, b"x"))
    client.deliver(len(payload).to_bytes(3, "big") + bytes((kind, 0, 0, 0, 0, 1)) + payload)
    assert [error for _, error, _ in client.goaways()] == [code]


def test_headers_on_a_stream_that_the_client_has_reset() -> None:
    client = RawClient()
    client.request(1, b"x", end=False)
    client.send(client.reset(1), client.headers(1, [(b"new-in-table", b"1")], True))
    assert client.resets(1) == [Http2Error.STREAM_CLOSED]
    assert answers(client)


def test_a_stream_that_depends_on_itself() -> None:
    client = RawClient()
    frame = client.headers(1, REQUEST)
    frame.flags.add("PRIORITY")
    frame.depends_on = 1
    client.send(frame)
    assert [code for _, code, _ in client.goaways()] == [Http2Error.PROTOCOL_ERROR]


def test_windows_opened_for_calls_that_are_over_are_no_flood() -> None:
    client = RawClient(Limits(max_control_frames_per_second=50))
    for number in range(1, 201, 2):
        serve(client, client.request(number, b"x"))
        client.send(client.window(number, 5), client.reset(number, 0))
    assert answers(client)


@pytest.mark.parametrize("kind", ["data", "headers"])
def test_frames_after_the_peer_has_ended_its_half(kind: str) -> None:
    client = RawClient()
    client.request(1, b"x")
    late = client.data(1, b"late") if kind == "data" else client.headers(1, [(b"new", b"1")], True)
    client.send(late)
    assert len(client.resets(1)) == 1
    assert [status.code for status in client.endings()] == [StatusCode.INTERNAL]
    assert client.core.open_calls == 0
    assert answers(client)


def test_messages_on_their_way_to_a_cancelled_call_are_no_flood() -> None:
    server = RawServer()
    call = server.call(b"x")
    server.send(server.headers(1, HEAD))
    call.cancel()
    server.take()
    for _ in range(30):
        server.send(*(server.data(1, envelope(b"12345")) for _ in range(200)))
    assert server.connection_ended is None
    server.send(server.headers(1, OK, True))
    assert server.resets() == [Http2Error.CANCEL]
    assert server.answer(lambda n: server.headers(n, HEAD + OK, True)).code is StatusCode.OK


def test_late_data_is_given_back_to_the_connection() -> None:
    server = RawServer(Limits(connection_window=65_535))
    for number in range(1, 41, 2):
        call = server.call(b"x")
        server.send(server.headers(number, HEAD))
        call.cancel()
        server.take()
        server.send(server.data(number, bytes(16_000)))
    given = sum(frame.window_increment for frame in server.of(hf.WindowUpdateFrame, 0))
    assert given >= 20 * 16_000 - 16_384


# -- floods -------------------------------------------------------------------------------------------------------

_FEW = Limits(max_control_frames_per_second=50, max_resets_per_second=50)


@pytest.mark.rule(75)
@pytest.mark.parametrize(
    "frame",
    [
        hf.PingFrame(0, opaque_data=b"12345678"),
        hf.PingFrame(0, opaque_data=b"12345678", flags=["ACK"]),
        hf.SettingsFrame(0, settings={4: 100_000}),
        hf.SettingsFrame(0, flags=["ACK"]),
        hf.PriorityFrame(1, depends_on=0, stream_weight=1),
        hf.DataFrame(1, b""),
        hf.RstStreamFrame(99, error_code=8),
        hf.GoAwayFrame(0, last_stream_id=0, error_code=0),
        Raw(b"\0\0\1\x77\0\0\0\0\0x"),
    ],
    ids=lambda frame: type(frame).__name__,
)
@pytest.mark.parametrize("side", [RawClient, RawServer])
def test_r75_control_floods(side: type[RawClient] | type[RawServer], frame: hf.Frame) -> None:
    peer: Any = side(_FEW)
    if side is RawClient:
        peer.request(1, b"x", end=False)
    else:
        peer.call(b"x")
        peer.send(peer.headers(1, HEAD))
    for _ in range(45):
        peer.send(frame)
    if isinstance(frame, hf.GoAwayFrame) and side is RawServer:
        return  # it ends the connection by itself
    assert peer.connection_ended is None
    for _ in range(10):
        peer.send(frame)
    assert fault(peer) == CALM
    assert len(peer.endings()) == 1


@pytest.mark.rule(75)
def test_r75_slow_control_frames_are_no_flood() -> None:
    client = RawClient(_FEW)
    for _ in range(200):
        client.now += 0.05
        client.send(client.ping())
    assert len(client.of(hf.PingFrame)) == 200


def _reset(client: RawClient, number: int) -> Any:
    return client.reset(number)


def _data_after_end(client: RawClient, number: int) -> Any:
    return client.data(number, b"x")


def _headers_after_end(client: RawClient, number: int) -> Any:
    return client.headers(number, [(b"x", b"y")], True)


def _window_overflow(client: RawClient, number: int) -> Any:
    return client.window(number, 2**31 - 1)


@pytest.mark.rule(75)
@pytest.mark.parametrize("provoke", [_reset, _data_after_end, _headers_after_end, _window_overflow])
def test_r75_rapid_resets_whoever_sends_them(provoke: Any) -> None:
    client = RawClient(_FEW)
    for number in range(1, 201, 2):
        client.send(
            client.headers(number, REQUEST),
            client.data(number, envelope(b"x"), True),
            provoke(client, number),
        )
        if client.connection_ended:
            break
    assert fault(client) == CALM
    assert 50 <= len(client.started()) <= 52
    assert client.core.open_calls == 0


@pytest.mark.rule(75)
def test_r75_streams_beyond_the_limit_again_and_again() -> None:
    client = RawClient(Limits(max_concurrent_streams=1, max_resets_per_second=50))
    for number in range(1, 201, 2):
        client.send(client.headers(number, REQUEST))
    assert fault(client) == CALM


@pytest.mark.rule(75)
def test_r75_malformed_requests_again_and_again() -> None:
    client = RawClient(Limits(max_unsent_replies=50))
    for number in range(1, 401, 2):  # nothing is taken: `receive` alone
        frame = client.headers(number, changed(REQUEST, content_type=b"text/html"), True)
        client.core.receive(frame.serialize(), client.now + number)
    client.take()
    assert fault(client) == CALM


@pytest.mark.rule(75)
def test_r75_a_peer_that_asks_but_does_not_take_the_answers() -> None:
    client = RawClient(Limits(max_unsent_replies=100))
    for second in range(300):
        client.core.receive(client.ping().serialize(), client.now + second)
    client.take()
    assert "max_unsent_replies" in (client.connection_ended or "")
    assert len(client.of(hf.PingFrame)) == 100


@pytest.mark.rule(75)
def test_r75_continuations() -> None:
    client = RawClient(Limits(max_continuation_frames=4))
    client.send(hf.HeadersFrame(1, b"\x82"))
    for _ in range(10):
        client.send(hf.ContinuationFrame(1, b""))
    assert fault(client) == CALM
    assert "max_continuation_frames" in (client.connection_ended or "")


def test_a_header_block_in_many_frames() -> None:
    client = RawClient()
    client.send(client.headers(1, changed(REQUEST, x=b"y" * 500), split=20))
    assert client.started()[0].request.metadata["x"] == "y" * 500


@pytest.mark.rule(75)
def test_r75_hpack_bombs() -> None:
    client = RawClient()
    client.send(client.headers(1, [(b"x", b"y" * 4000)], True))
    block = client.encoder.encode([(b"x", b"y" * 4000)])
    bomb = hf.HeadersFrame(3, block + block[-1:] * 10_000, flags=["END_HEADERS", "END_STREAM"])
    client.send(bomb)
    assert fault(client) == CALM


@pytest.mark.rule(75)
def test_r75_informational_responses_without_end() -> None:
    server = RawServer(_FEW)
    server.call(b"x")
    for _ in range(60):
        server.send(server.headers(1, [(b":status", b"103")]))
    assert fault(server) == CALM
