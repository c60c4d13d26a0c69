"""Rules of one call, held against a scripted peer: what it may send, and what each deviation comes to."""

from __future__ import annotations

import gzip
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from hyperframe import frame as hf

from barewire.rpc.compression import CODECS, CompressionError, Uncompressed
from barewire.rpc.events import CallEnded, RequestEnded, ResponseStarted
from barewire.rpc.limits import Limits
from barewire.rpc.metadata import Metadata
from barewire.rpc.status import Http2Error, Status, StatusCode
from tests.support.rpc_raw_peer import HEAD, OK, REQUEST, Fields, RawClient, RawServer, changed, envelope

Frame = Callable[[int], Any]


@pytest.fixture
def server() -> RawServer:
    """A scripted server; the client is ours."""
    return RawServer()


@pytest.fixture
def client() -> RawClient:
    """A scripted client; the server is ours."""
    return RawClient()


def connection_lives(peer: RawClient | RawServer) -> bool:
    """Whether a call still works after what has happened."""
    assert not peer.goaways()
    assert peer.connection_ended is None
    if isinstance(peer, RawServer):
        return peer.answer(*_ok(peer)).code is StatusCode.OK
    number = peer.core.http2.highest_remote_stream_id + 2
    call = peer.request(number, b"still there?")
    call.finish(Status(StatusCode.OK))
    peer.take()
    return peer.trailers(number)[b"grpc-status"] == b"0"


def _ok(server: RawServer) -> list[Frame]:
    return [
        lambda n: server.headers(n, HEAD),
        lambda n: server.data(n, envelope(b"reply")),
        lambda n: server.headers(n, OK, True),
    ]


def serve(peer: RawClient, call: Any, *messages: bytes, status: Status | None = None) -> None:
    """Let our server answer a call."""
    if messages:
        call.send_initial_metadata()
    for message in messages:
        call.send_message(message)
    call.finish(status or Status(StatusCode.OK))
    peer.take()


# -- requests -----------------------------------------------------------------------------------------------------


@pytest.mark.rule(4)
def test_r04_415_and_the_connection_lives(client: RawClient) -> None:
    assert client.request(1, b"x", fields=changed(REQUEST, content_type=b"text/html")) is None
    assert dict(client.fields(1)[0])[b":status"] == b"415"
    assert b"text/html" in client.body(1)
    assert connection_lives(client)


@pytest.mark.rule(5)
@pytest.mark.parametrize(
    ("method", "reason"), [(b"GET", b"gRPC requests are POST, not 'GET'"), (b"HEAD", b"")]
)
def test_r05_405_for_other_methods(client: RawClient, method: bytes, reason: bytes) -> None:
    assert client.request(1, fields=changed(REQUEST, _method=method)) is None
    assert dict(client.fields(1)[0])[b":status"] == b"405"
    assert client.body(1) == reason
    assert "END_STREAM" in client.of(hf.DataFrame, 1)[-1].flags
    assert connection_lives(client)


@pytest.mark.rule(5)
@pytest.mark.parametrize(
    "fields",
    [
        changed(REQUEST, content_type=b"\xff" * 16_000),
        changed(REQUEST, _method=b"\xff" * 16_000),
        changed(REQUEST, x=b"v" * 20_000),
    ],
    ids=["content-type", "method", "too large"],
)
@pytest.mark.parametrize("window", [0, 10, 65535])
def test_r05_a_refusal_fits_whatever_window_and_frame_there_is(fields: Fields, window: int) -> None:
    client = RawClient(settings={4: window})
    assert client.request(1, fields=fields) is None
    assert len(client.fields(1)) == 1
    assert len(client.body(1)) <= window
    client.send(client.window(1, 20_000))  # the rest comes when it may
    assert client.body(1)
    assert "END_STREAM" in client.of(hf.DataFrame, 1)[-1].flags
    assert connection_lives(client)


@pytest.mark.rule(5)
@pytest.mark.rule(23)
@pytest.mark.parametrize(
    "fields",
    [
        [],
        [(b"content-length", b"x")],
        changed(REQUEST, _path=None),
        [*REQUEST, (b":path", b"/x")],
        [*REQUEST, (b"UPPER", b"")],
        [*REQUEST, (b"connection", b"close")],
        [*REQUEST, (b"x", b"\r\n")],
        [*REQUEST, (b":authority", b"two")],
    ],
)
@pytest.mark.parametrize("end", [True, False])
def test_r05_r23_malformed_requests_cost_their_stream(client: RawClient, fields: Fields, end: bool) -> None:
    client.send(client.headers(1, fields, end))
    assert not client.started()
    assert client.resets(1) == [Http2Error.PROTOCOL_ERROR]
    assert connection_lives(client)


@pytest.mark.rule(5)
@pytest.mark.parametrize("length", [b"0", b"3", b"11", b"13", b"1e1", b""])
@pytest.mark.parametrize("content_type", [b"application/grpc", b"text/plain"])
def test_r05_a_request_with_a_wrong_content_length_is_malformed(
    client: RawClient, length: bytes, content_type: bytes
) -> None:
    """RFC 9113, section 8.1.1."""
    client.request(1, b"payload", fields=changed(REQUEST, content_length=length, content_type=content_type))
    assert client.resets(1) == [Http2Error.PROTOCOL_ERROR]
    assert connection_lives(client)


@pytest.mark.rule(5)
def test_r05_a_request_with_the_right_content_length(client: RawClient) -> None:
    serve(client, client.request(1, b"payload", fields=changed(REQUEST, content_length=b"12")))
    assert client.trailers(1)[b"grpc-status"] == b"0"


@pytest.mark.rule(4)
def test_r04_a_refusal_ends_with_its_request(client: RawClient) -> None:
    client.request(1, b"more", fields=changed(REQUEST, content_type=b"text/plain"), end=False)
    assert dict(client.fields(1)[0])[b":status"] == b"415"
    assert "END_STREAM" not in client.of(hf.DataFrame, 1)[-1].flags
    client.send(client.data(1, b"", True))
    assert "END_STREAM" in client.of(hf.DataFrame, 1)[-1].flags
    assert not client.resets()
    assert client.core.open_calls == 0


@pytest.mark.rule(4)
def test_r04_an_endless_request_that_is_refused_is_cut_off(client: RawClient) -> None:
    client.request(1, *[bytes(16_000)] * 3, fields=changed(REQUEST, content_type=b"text/plain"), end=False)
    assert "END_STREAM" in client.of(hf.DataFrame, 1)[-1].flags
    assert client.resets(1) == [Http2Error.NO_ERROR]
    assert client.core.open_calls == 0
    assert connection_lives(client)


@pytest.mark.rule(5)
@pytest.mark.parametrize("content_type", [b"application/grpc", b"text/plain"])
def test_r05_malformed_request_trailers(client: RawClient, content_type: bytes) -> None:
    client.request(1, b"x", fields=changed(REQUEST, content_type=content_type), end=False)
    client.send(client.headers(1, [(b":method", b"POST")], True))
    assert client.resets(1) == [Http2Error.PROTOCOL_ERROR]
    assert connection_lives(client)


@pytest.mark.rule(7)
@pytest.mark.parametrize("size", [1, 2, 4, 5, 6, 11])
def test_r07_data_may_be_cut_anywhere(client: RawClient, size: int) -> None:
    client.send(client.headers(1, REQUEST))
    body = envelope(b"first") + envelope(b"") + envelope(b"third message")
    for start in range(0, len(body), size):
        client.send(client.data(1, body[start : start + size]))
    client.send(client.data(1, end=True))
    assert client.messages() == [b"first", b"", b"third message"]
    assert isinstance(client.events[-1], RequestEnded)


@pytest.mark.rule(8)
@pytest.mark.parametrize("flag", [2, 0x80, 0xFF])
def test_r08_flag_byte_to_the_server(client: RawClient, flag: int) -> None:
    client.send(client.headers(1, REQUEST), client.data(1, envelope(b"good") + envelope(b"bad", flag)))
    assert client.messages() == [b"good"]
    assert client.trailers(1)[b"grpc-status"] == b"13"
    assert b"flag byte" in client.trailers(1)[b"grpc-message"]
    assert [status.code for status in client.endings()] == [StatusCode.INTERNAL]
    assert connection_lives(client)


@pytest.mark.rule(8)
@pytest.mark.rule(50)
@pytest.mark.parametrize("flag", [2, 0x80, 0xFF])
def test_r08_r50_flag_byte_to_the_client(server: RawServer, flag: int) -> None:
    status = server.answer(
        lambda n: server.headers(n, HEAD),
        lambda n: server.data(n, envelope(b"good") + envelope(b"bad", flag)),
    )
    assert status.code is StatusCode.INTERNAL
    assert server.messages() == [b"good"]
    assert server.resets() == [Http2Error.CANCEL]
    assert connection_lives(server)


@pytest.mark.rule(9)
def test_r09_the_end_of_requests_rides_on_data(server: RawServer) -> None:
    server.call(b"message")
    (data,) = server.of(hf.DataFrame)
    assert "END_STREAM" in data.flags
    assert data.data == envelope(b"message")
    server.forget()
    call = server.call(b"message", end=False)
    call.end_sending()
    server.take()
    first, last = server.of(hf.DataFrame)
    assert "END_STREAM" not in first.flags
    assert (last.data, last.flags) == (b"", {"END_STREAM"})
    assert len(server.of(hf.HeadersFrame)) == 1


# -- the form of responses ----------------------------------------------------------------------------------------


@pytest.mark.rule(10)
@pytest.mark.rule(11)
def test_r10_r11_head_messages_trailers(client: RawClient) -> None:
    call = client.request(1, b"x")
    serve(client, call, b"a", b"b")
    head, trailers = client.of(hf.HeadersFrame, 1)
    assert "END_STREAM" not in head.flags
    assert "END_STREAM" in trailers.flags
    assert client.fields(1) == [
        [*HEAD, (b"grpc-accept-encoding", b"identity,gzip,deflate")],
        [(b"grpc-status", b"0")],
    ]
    assert client.body(1) == envelope(b"a") + envelope(b"b")
    assert not client.resets()
    assert not client.endings()  # it was finished here


@pytest.mark.rule(10)
@pytest.mark.rule(12)
@pytest.mark.rule(93)
def test_r10_r12_r93_trailers_only(client: RawClient) -> None:
    call = client.request(1, b"x")
    status = Status(StatusCode.NOT_FOUND, "nö", b"", Metadata([("k", "v"), ("b-bin", b"\0")]))
    serve(client, call, status=status)
    (frame,) = client.of(hf.HeadersFrame, 1)
    assert "END_STREAM" in frame.flags
    assert client.fields(1) == [
        [*HEAD, (b"grpc-status", b"5"), (b"grpc-message", b"n%C3%B6"), (b"k", b"v"), (b"b-bin", b"AA")]
    ]


@pytest.mark.rule(10)
@pytest.mark.rule(12)
def test_r10_r12_a_trailers_only_response(server: RawServer) -> None:
    fields = [*HEAD, (b"grpc-status", b"9"), (b"grpc-message", b"%41"), (b"k", b"v")]
    status = server.answer(lambda n: server.headers(n, fields, True))
    assert (status.code, status.message, status.from_peer) == (StatusCode.FAILED_PRECONDITION, "A", True)
    assert status.trailing_metadata == [("k", "v")]


@pytest.mark.rule(11)
def test_r11_a_whole_response(server: RawServer) -> None:
    assert server.answer(*_ok(server)).code is StatusCode.OK
    assert server.messages() == [b"reply"]
    kinds = [type(event) for event in server.events]
    assert kinds.index(ResponseStarted) < kinds.index(CallEnded)
    assert not server.resets()


@pytest.mark.rule(16)
def test_r16_second_headers_without_end_cost_the_stream(server: RawServer) -> None:
    status = server.answer(
        lambda n: server.headers(n, HEAD), lambda n: server.headers(n, [(b"new-in-table", b"1"), *OK])
    )
    assert status.code is StatusCode.INTERNAL
    assert server.resets() == [Http2Error.PROTOCOL_ERROR]
    assert connection_lives(server)  # and the header table has been kept


@pytest.mark.rule(16)
def test_r16_on_the_server(client: RawClient) -> None:
    client.request(1, b"x", end=False)
    client.send(client.headers(1, [(b"new-in-table", b"1")]))
    assert client.resets(1) == [Http2Error.PROTOCOL_ERROR]
    assert [status.code for status in client.endings()] == [StatusCode.INTERNAL]
    assert connection_lives(client)


def test_request_trailers_are_an_end(client: RawClient) -> None:
    client.request(1, b"x", end=False)
    client.send(client.headers(1, [(b"x-checksum", b"1")], True))
    assert isinstance(client.events[-1], RequestEnded)
    assert connection_lives(client)


def test_data_before_the_head_costs_the_stream(server: RawServer) -> None:
    status = server.answer(lambda n: server.data(n, envelope(b"early")))
    assert status.code is StatusCode.INTERNAL
    assert server.resets() == [Http2Error.PROTOCOL_ERROR]
    assert connection_lives(server)


@pytest.mark.rule(17)
def test_r17_informational_responses_are_skipped(server: RawServer) -> None:
    informational = [(b":status", b"103"), (b"link", b"x")]
    status = server.answer(
        lambda n: server.headers(n, [(b":status", b"100")]),
        lambda n: server.headers(n, informational),
        *_ok(server),
    )
    assert status.code is StatusCode.OK
    assert sum(isinstance(event, ResponseStarted) for event in server.events) == 1


@pytest.mark.rule(17)
def test_r17_an_informational_response_that_ends_the_stream_is_an_error_of_the_stream(
    server: RawServer,
) -> None:
    status = server.answer(lambda n: server.headers(n, [(b":status", b"103")], True))
    assert status.code is StatusCode.INTERNAL
    assert connection_lives(server)


@pytest.mark.rule(17)
def test_r17_a_request_that_looks_like_an_informational_response_costs_its_stream(client: RawClient) -> None:
    for number, end in ((1, True), (3, False)):
        client.send(client.headers(number, [(b":status", b"100"), *REQUEST], end))
        assert client.resets(number) == [Http2Error.PROTOCOL_ERROR]
    assert connection_lives(client)


@pytest.mark.rule(18)
def test_r18_the_server_is_done_before_the_client(client: RawClient) -> None:
    call = client.request(1, b"x", end=False)
    serve(client, call, status=Status(StatusCode.NOT_FOUND))
    assert client.trailers(1)[b"grpc-status"] == b"5"
    assert client.resets(1) == [Http2Error.NO_ERROR]
    assert [type(frame).__name__ for frame in client.frames][-2:] == ["HeadersFrame", "RstStreamFrame"]
    client.send(client.data(1, envelope(b"too late"), True))
    assert connection_lives(client)


@pytest.mark.rule(18)
def test_r18_the_client_hears_of_it(server: RawServer) -> None:
    call = server.call(b"x", end=False)
    server.send(server.headers(call.stream_id, HEAD + OK, True))
    assert server.status().code is StatusCode.OK
    assert server.resets() == [Http2Error.NO_ERROR]
    call.send_message(b"nobody listens")
    call.end_sending()
    server.send(server.reset(call.stream_id, 0))
    assert server.messages() == []
    assert connection_lives(server)


@pytest.mark.rule(18)
@pytest.mark.rule(42)
def test_r18_many_early_ends_are_no_attack() -> None:
    """A server that answers before the client has finished resets each stream; so may it, however many there are."""
    server = RawServer(Limits(max_resets_per_second=10))
    for _ in range(50):
        call = server.call(b"x", end=False)
        server.send(server.headers(call.stream_id, HEAD + OK, True), server.reset(call.stream_id, 0))
        call = server.call(b"x")
        server.send(server.reset(call.stream_id, 7))
    assert server.connection_ended is None
    client = RawClient(Limits(max_resets_per_second=10))
    for number in range(1, 100, 2):
        call = client.request(number, b"x", end=False)
        serve(client, call)
        client.send(client.reset(number, 0))  # what the client says to the early end
    assert client.connection_ended is None


@pytest.mark.rule(19)
def test_r19_grpc_status_in_the_head_is_not_the_outcome(server: RawServer) -> None:
    status = server.answer(
        lambda n: server.headers(n, [*HEAD, (b"grpc-status", b"5")]),
        lambda n: server.data(n, envelope(b"reply")),
        lambda n: server.headers(n, OK, True),
    )
    assert status.code is StatusCode.OK
    assert server.messages() == [b"reply"]


@pytest.mark.rule(20)
def test_r20_missing_trailers(server: RawServer) -> None:
    status = server.answer(
        lambda n: server.headers(n, HEAD), lambda n: server.data(n, envelope(b"reply"), True)
    )
    assert status.code is StatusCode.INTERNAL
    assert not status.from_peer
    assert server.messages() == [b"reply"]
    status = server.answer(
        lambda n: server.headers(n, HEAD), lambda n: server.headers(n, [(b"x", b"y")], True)
    )
    assert status.code is StatusCode.UNKNOWN
    assert server.answer(lambda n: server.headers(n, HEAD, True)).code is StatusCode.UNKNOWN


@pytest.mark.rule(20)
def test_r20_trailers_that_begin_with_content_length(server: RawServer) -> None:
    status = server.answer(
        lambda n: server.headers(n, HEAD),
        lambda n: server.headers(n, [(b"content-length", b"0"), (b"grpc-status", b"5")], True),
    )
    assert status.code is StatusCode.NOT_FOUND


@pytest.mark.rule(50)
@pytest.mark.parametrize("rest", [b"\0", b"\0\0\0\0\5ab"])
def test_r50_a_response_cut_in_a_message(server: RawServer, rest: bytes) -> None:
    for end in (lambda n: server.headers(n, OK, True), lambda n: server.data(n, end=True)):
        status = server.answer(lambda n: server.headers(n, HEAD), lambda n: server.data(n, rest), end)
        assert status.code is StatusCode.INTERNAL


@pytest.mark.rule(50)
def test_r50_a_response_cut_in_a_message_keeps_its_error(server: RawServer) -> None:
    status = server.answer(
        lambda n: server.headers(n, HEAD),
        lambda n: server.data(n, b"\0\0"),
        lambda n: server.headers(n, [(b"grpc-status", b"8")], True),
    )
    assert status.code is StatusCode.RESOURCE_EXHAUSTED


@pytest.mark.rule(50)
@pytest.mark.parametrize("trailers", [True, False])
def test_r50_a_request_cut_in_a_message(client: RawClient, trailers: bool) -> None:
    client.send(client.headers(1, REQUEST), client.data(1, b"\0\0\0\0\5ab", not trailers))
    if trailers:
        client.send(client.headers(1, [(b"x", b"y")], True))
    assert client.trailers(1)[b"grpc-status"] == b"13"
    assert not any(isinstance(event, RequestEnded) for event in client.events)
    assert connection_lives(client)


# -- metadata and deadlines on the wire ---------------------------------------------------------------------------


@pytest.mark.rule(31)
def test_r31_undecodable_metadata_costs_the_call(client: RawClient, server: RawServer) -> None:
    assert client.request(1, b"x", fields=changed(REQUEST, k_bin=b"!")) is None
    assert client.trailers(1)[b"grpc-status"] == b"13"
    assert connection_lives(client)
    status = server.answer(lambda n: server.headers(n, [*HEAD, (b"k-bin", b"!")]))
    assert status.code is StatusCode.INTERNAL
    status = server.answer(
        lambda n: server.headers(n, HEAD), lambda n: server.headers(n, [*OK, (b"k-bin", b"!")], True)
    )
    assert status.code is StatusCode.INTERNAL
    assert connection_lives(server)


@pytest.mark.rule(34)
@pytest.mark.parametrize("end", [True, False])
def test_r34_a_malformed_timeout_is_answered(client: RawClient, end: bool) -> None:
    assert client.request(1, b"x", fields=changed(REQUEST, grpc_timeout=b"soon"), end=end) is None
    assert client.trailers(1)[b"grpc-status"] == b"13"
    assert connection_lives(client)


@pytest.mark.rule(30)
def test_r30_oversized_headers(client: RawClient, server: RawServer) -> None:
    big = (b"x", b"y" * 17_000)
    assert client.request(1, b"x", fields=[*REQUEST, big]) is None
    assert dict(client.fields(1)[0])[b":status"] == b"431"
    assert connection_lives(client)
    assert "max_header_list_size" in server.answer(lambda n: server.headers(n, [*HEAD, big])).message
    assert connection_lives(server)


def test_the_metadata_of_one_call_is_not_that_of_the_next(server: RawServer) -> None:
    """Responses that look the same are parsed once; nobody may notice."""
    from barewire.rpc import RpcError

    fields = [*HEAD, (b"grpc-status", b"5"), (b"k", b"v")]
    for _ in range(5):
        error = RpcError.from_status(server.answer(lambda n: server.headers(n, fields, True)))
        assert error.metadata == [("k", "v")]
        error.metadata.add("mine", "1")


# -- resets -------------------------------------------------------------------------------------------------------


@pytest.mark.rule(41)
@pytest.mark.rule(42)
@pytest.mark.parametrize(
    ("code", "expected"),
    [
        *((0, "INTERNAL"), (1, "INTERNAL"), (2, "INTERNAL"), (3, "INTERNAL"), (4, "INTERNAL")),
        *((6, "INTERNAL"), (7, "UNAVAILABLE"), (8, "CANCELLED"), (9, "INTERNAL"), (10, "INTERNAL")),
        *((11, "RESOURCE_EXHAUSTED"), (12, "PERMISSION_DENIED"), (13, "INTERNAL"), (0x4242, "INTERNAL")),
    ],
)
@pytest.mark.parametrize("begun", [True, False])
def test_r41_r42_what_a_reset_means(server: RawServer, code: int, expected: str, begun: bool) -> None:
    head = [lambda n: server.headers(n, HEAD)] if begun else []
    status = server.answer(*head, lambda n: server.reset(n, code))
    assert status.code.name == expected
    assert status.reached_server == (code != 7)
    assert not server.resets()
    assert connection_lives(server)


@pytest.mark.rule(40)
def test_r40_a_client_that_gives_up(client: RawClient, server: RawServer) -> None:
    call = server.call(b"x")
    call.cancel()
    server.take()
    assert server.resets() == [Http2Error.CANCEL]
    assert server.status().code is StatusCode.CANCELLED
    client.request(1, b"x")
    client.send(client.reset(1))
    assert [status.code for status in client.endings()] == [StatusCode.CANCELLED]
    assert not client.resets()
    assert connection_lives(client)


def test_a_server_hears_the_end_once(client: RawClient) -> None:
    """First a fault of the client's bytes, which waits behind a closed window; then a reset, or the deadline."""
    for number, after in ((1, "reset"), (3, "deadline"), (5, "lost")):
        client.forget()
        call = client.request(number, b"x", fields=changed(REQUEST, grpc_timeout=b"5S"), end=False)
        client.core.receive(client.data(number, b"\7aaaa").serialize(), client.now)
        assert not call.ended  # its trailers have not gone yet
        if after == "reset":
            client.core.receive(client.reset(number).serialize(), client.now)
        elif after == "deadline":
            client.core.handle_timer(client.now + 10)
        else:
            client.core.peer_closed("gone")
        client.take()
        assert [status.code for status in client.endings()] == [StatusCode.INTERNAL]


# -- sizes --------------------------------------------------------------------------------------------------------


@pytest.mark.rule(47)
def test_r47_oversized_messages_name_limit_and_keyword() -> None:
    limits = Limits(max_receive_message_size=100)
    expected = "message of 101 bytes is over the limit of 100 (max_receive_message_size)"
    client, server = RawClient(limits), RawServer(limits)
    client.request(1, bytes(101))
    assert client.trailers(1)[b"grpc-status"] == b"8"
    assert expected in client.trailers(1)[b"grpc-message"].decode()
    status = server.answer(lambda n: server.headers(n, HEAD), lambda n: server.data(n, envelope(bytes(101))))
    assert status.code is StatusCode.RESOURCE_EXHAUSTED
    assert expected in status.message
    assert connection_lives(server)


@pytest.mark.rule(47)
def test_r47_messages_that_may_not_be_sent() -> None:
    server = RawServer(Limits(max_send_message_size=100))
    call = server.call(end=False)
    with pytest.raises(ValueError, match=r"101 bytes is over the limit of 100 \(max_send_message_size\)"):
        call.send_message(bytes(101))
    call.send_message(bytes(100))
    server.take()
    assert len(server.of(hf.DataFrame)[-1].data) == 105


# -- compression --------------------------------------------------------------------------------------------------

_GZIPPED = changed(REQUEST, grpc_encoding=b"gzip")


@pytest.mark.rule(52)
@pytest.mark.parametrize("encoding", [None, b"identity"])
def test_r52_a_compressed_message_without_an_encoding(client: RawClient, encoding: bytes | None) -> None:
    fields = changed(REQUEST, grpc_encoding=encoding)
    client.send(client.headers(1, fields), client.data(1, envelope(gzip.compress(b"x"), 1), True))
    assert client.trailers(1)[b"grpc-status"] == b"13"
    server = RawServer()
    head = HEAD if encoding is None else [*HEAD, (b"grpc-encoding", encoding)]
    status = server.answer(lambda n: server.headers(n, head), lambda n: server.data(n, envelope(b"x", 1)))
    assert status.code is StatusCode.INTERNAL


@pytest.mark.rule(53)
@pytest.mark.parametrize("flag", [0, 1])
@pytest.mark.parametrize("encoding", [b"snappy", b"\xff" * 9000])
def test_r53_an_unknown_encoding(client: RawClient, encoding: bytes, flag: int) -> None:
    client.send(
        client.headers(1, changed(REQUEST, grpc_encoding=encoding)),
        client.data(1, envelope(b"not to be read", flag), True),
    )
    assert not client.started()
    answer = dict(field for fields in client.fields(1) for field in fields)
    assert answer[b"grpc-status"] == b"12"
    assert answer[b"grpc-accept-encoding"] == b"identity,gzip,deflate"
    assert len(answer[b"grpc-message"]) < 1000
    assert client.messages() == []
    assert connection_lives(client)


@pytest.mark.rule(53)
def test_r53_an_encoding_that_the_client_did_not_offer(server: RawServer) -> None:
    status = server.answer(lambda n: server.headers(n, [*HEAD, (b"grpc-encoding", b"snappy")]))
    assert status.code is StatusCode.INTERNAL
    assert "snappy" in status.message
    assert connection_lives(server)


@pytest.mark.rule(54)
def test_r54_corrupt_data(client: RawClient, server: RawServer) -> None:
    client.send(client.headers(1, _GZIPPED), client.data(1, envelope(b"not gzip", 1), True))
    with pytest.raises(CompressionError, match="not valid gzip") as caught:
        client.messages()
    assert caught.value.code is StatusCode.INTERNAL
    assert connection_lives(client)


@pytest.mark.rule(56)
def test_r56_only_what_the_client_takes(client: RawClient) -> None:
    accepts = changed(REQUEST, grpc_accept_encoding=b"deflate, gzip")
    for number, fields, compressed in ((1, REQUEST, False), (3, accepts, True)):
        call = client.request(number, b"x", fields=fields)
        call.set_compression(CODECS["gzip"])
        serve(client, call, b"reply")
        assert (dict(client.fields(number)[0]).get(b"grpc-encoding") == b"gzip") is compressed
        assert client.body(number)[0] == compressed


@pytest.mark.rule(57)
def test_r57_plain_and_compressed_messages_mix(client: RawClient, server: RawServer) -> None:
    body = envelope(b"plain") + envelope(gzip.compress(b"zipped"), 1)
    client.send(client.headers(1, _GZIPPED), client.data(1, body, True))
    assert client.messages() == [b"plain", b"zipped"]
    call = client.request(3, b"x", fields=changed(REQUEST, grpc_accept_encoding=b"gzip"))
    call.set_compression(CODECS["gzip"])
    call.send_initial_metadata()
    call.send_message(Uncompressed(b"reply"))
    client.take()
    assert client.body(3) == envelope(b"reply")
    status = server.answer(
        lambda n: server.headers(n, [*HEAD, (b"grpc-encoding", b"gzip")]),
        lambda n: server.data(n, body),
        lambda n: server.headers(n, OK, True),
    )
    assert status.code is StatusCode.OK
    assert server.messages() == [b"plain", b"zipped"]


@pytest.mark.rule(58)
def test_r58_bombs_go_off_one_by_one_and_not_past_the_limit() -> None:
    client = RawClient(Limits(max_receive_message_size=1 << 20))
    client.send(client.headers(1, _GZIPPED))
    bomb = envelope(gzip.compress(bytes(1 << 20)), 1)
    tracemalloc.start()
    try:
        for _ in range(10):
            client.send(client.data(1, bomb * 10))
        assert tracemalloc.get_traced_memory()[1] < 2 << 20  # though they are 100 MiB
    finally:
        tracemalloc.stop()
    opened = [message == bytes(1 << 20) for message in client.messages()]
    assert opened == [True] * 100
    client.send(client.data(1, envelope(gzip.compress(bytes((1 << 20) + 1)), 1)))
    with pytest.raises(CompressionError, match="max_receive_message_size") as caught:
        client.messages()
    assert caught.value.code is StatusCode.RESOURCE_EXHAUSTED


# -- misuse from our side -----------------------------------------------------------------------------------------


def test_what_a_call_refuses_to_do(server: RawServer, client: RawClient) -> None:
    ours = server.call(b"x")
    with pytest.raises(RuntimeError, match="last message"):
        ours.send_message(b"more")
    call = client.request(1, b"x")
    call.send_initial_metadata()
    with pytest.raises(RuntimeError, match="initial metadata"):
        call.send_initial_metadata()
    with pytest.raises(ValueError, match="may hold only"):
        call.finish(Status(StatusCode.OK, trailing_metadata=Metadata([("k", "ü")])))
    call.finish(Status(StatusCode.OK))
    call.finish(Status(StatusCode.INTERNAL))  # the first counts
    client.take()
    assert client.trailers(1)[b"grpc-status"] == b"0"
    call.send_message(b"after the end")
    assert client.take() == []
