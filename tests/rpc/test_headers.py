from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from barewire.rpc.header_blocks import HeaderBlock
from barewire.rpc.headers import (
    Request,
    RequestRefused,
    decode_message,
    encode_message,
    parse_request,
    parse_response_head,
    parse_trailers,
    request_headers,
    reset_status,
    response_headers,
    trailers,
)
from barewire.rpc.metadata import Metadata
from barewire.rpc.status import Status, StatusCode
from tests.support.rpc_raw_peer import HEAD, OK, REQUEST, Fields, changed

_MAX = 16 * 1024


def request(**changes: bytes | None) -> Request | RequestRefused:
    return parse_request(HeaderBlock(changed(REQUEST, **changes)), _MAX)


def refused(**changes: bytes | None) -> RequestRefused:
    outcome = request(**changes)
    assert isinstance(outcome, RequestRefused)
    return outcome


def accepted(**changes: bytes | None) -> Request:
    outcome = request(**changes)
    assert isinstance(outcome, Request), outcome
    return outcome


def outcome(fields: Fields, *, trailers_only: bool = False) -> Status:
    return parse_trailers(HeaderBlock(fields), _MAX, trailers_only=trailers_only)


# -- requests -----------------------------------------------------------------------------------------------------


@pytest.mark.rule(1)
@pytest.mark.rule(2)
@pytest.mark.rule(3)
@pytest.mark.rule(21)
def test_r01_r02_r03_r21_what_a_request_looks_like() -> None:
    fields = request_headers("/a.B/C", "host:1", "https", [(b"mine", b"1")], 1.5, b"gzip")
    names = [name for name, _ in fields]
    assert names == [
        *(b":method", b":scheme", b":path", b":authority", b"grpc-timeout", b"te", b"content-type"),
        *(b"user-agent", b"grpc-accept-encoding", b"grpc-encoding", b"mine"),
    ]
    values = dict(fields)
    assert values[b":method"] == b"POST"
    assert values[b":scheme"] == b"https"
    assert values[b":path"] == b"/a.B/C"
    assert values[b"te"] == b"trailers"
    assert values[b"content-type"] == b"application/grpc"
    assert values[b"user-agent"].startswith(b"grpc-python-barewire/")


@given(st.text("abc./", min_size=1), st.none() | st.floats(1e-6, 1e6))
def test_requests_round_trip(path: str, timeout: float | None) -> None:
    parsed = parse_request(HeaderBlock(request_headers(path, "h:1", "http", (), timeout)), _MAX)
    assert isinstance(parsed, Request)
    assert parsed.path == path
    assert parsed.authority == "h:1"
    assert parsed.accept_encoding == ("identity", "gzip", "deflate")
    assert parsed.metadata.keys() == ["user-agent"]
    if timeout is None:
        assert parsed.timeout is None
    else:
        assert parsed.timeout == pytest.approx(timeout, rel=1e-2)


@pytest.mark.rule(3)
@pytest.mark.parametrize(
    "content_type",
    [
        *(b"application/grpc", b"application/grpc+proto", b"application/grpc+json"),
        *(b"application/grpc;charset=utf-8", b"application/grpc+x"),
    ],
)
def test_r03_content_types_of_grpc(content_type: bytes) -> None:
    assert accepted(content_type=content_type).content_type == content_type.decode()


@pytest.mark.rule(4)
@pytest.mark.parametrize(
    "content_type",
    [None, b"", b"application/json", b"application/grpc-web", b"application/grpcx", b"text/html"],
)
def test_r04_other_content_types_are_415(content_type: bytes | None) -> None:
    assert refused(content_type=content_type).http_status == 415


@pytest.mark.rule(5)
@pytest.mark.parametrize("method", [b"GET", b"PUT", b"post", b""])
def test_r05_other_methods_are_405(method: bytes) -> None:
    assert refused(_method=method).http_status == 405


@pytest.mark.rule(5)
@pytest.mark.rule(30)
def test_r05_r30_headers_over_the_limit_are_431() -> None:
    answer = refused(x=b"v" * _MAX)
    assert answer.http_status == 431
    assert "max_header_list_size" in answer.reason
    size = HeaderBlock(changed(REQUEST, x=b"")).size
    assert isinstance(request(x=b"v" * (_MAX - size)), Request)
    assert isinstance(request(x=b"v" * (_MAX - size + 1)), RequestRefused)


@pytest.mark.rule(5)
@pytest.mark.parametrize(
    "fields",
    [
        [],
        REQUEST[1:],  # no :method
        [*REQUEST, (b":path", b"/late")],
        [(b":method", b"POST"), *REQUEST],
        [(b":unknown", b""), *REQUEST],
        [(b":status", b"200"), *REQUEST],
        [*REQUEST, (b"Upper", b"x")],
        [*REQUEST, (b"", b"x")],
        [*REQUEST, (b"a b", b"x")],
        [*REQUEST, (b"x", b"a\r\nb: c")],
        [*REQUEST, (b"x", b"\0")],
        [*REQUEST, (b"connection", b"close")],
        [*REQUEST, (b"transfer-encoding", b"chunked")],
        changed(REQUEST, te=b"gzip"),
        changed(REQUEST, _path=b""),
    ],
)
def test_r05_malformed_requests_are_reset(fields: Fields) -> None:
    answer = parse_request(HeaderBlock(fields), _MAX)
    assert isinstance(answer, RequestRefused)
    assert answer.http_status == 0


@pytest.mark.rule(23)
def test_r23_hosts() -> None:
    assert accepted(_authority=None, host=b"from-host").authority == "from-host"
    assert accepted(host=b"ignored").authority == "test"
    two = [*changed(REQUEST, host=b"a"), (b"host", b"b")]
    answer = parse_request(HeaderBlock(two), _MAX)
    assert isinstance(answer, RequestRefused)
    assert answer.http_status == 400


@pytest.mark.rule(34)
@pytest.mark.parametrize("timeout", [b"", b"1", b"123456789S", b"-1S", b"soon"])
def test_r34_malformed_timeout(timeout: bytes) -> None:
    answer = refused(grpc_timeout=timeout)
    assert (answer.http_status, answer.code) == (200, StatusCode.INTERNAL)


@pytest.mark.rule(31)
def test_r31_undecodable_binary_metadata() -> None:
    answer = refused(k_bin=b"!")
    assert (answer.http_status, answer.code) == (200, StatusCode.INTERNAL)
    assert "k-bin" in answer.reason


@given(st.lists(st.tuples(st.binary(max_size=12), st.binary(max_size=12)), max_size=5))
def test_any_fields_are_a_request_or_refused(fields: Fields) -> None:
    for candidate in (fields, REQUEST + fields):
        assert isinstance(parse_request(HeaderBlock(candidate), _MAX), Request | RequestRefused)


def test_what_a_refusal_says_is_short_ascii() -> None:
    for answer in (refused(content_type=b"\xff" * 9000), refused(_method=b"\xff" * 9000)):
        assert len(answer.reason) < 1000
        assert answer.reason.isascii()
        assert answer.reason.isprintable()


def test_a_block_is_parsed_once() -> None:
    block = HeaderBlock(REQUEST)
    assert parse_request(block, _MAX) is parse_request(block, _MAX)


# -- responses ----------------------------------------------------------------------------------------------------


def test_response_heads_round_trip() -> None:
    head = parse_response_head(
        HeaderBlock(response_headers([("a", "1"), ("b-bin", b"\0")], b"gzip", b"gzip, x")), _MAX
    )
    assert head.fault is None
    assert head.metadata == [("a", "1"), ("b-bin", b"\0")]
    assert head.encoding == "gzip"
    assert head.accept_encoding == ("gzip", "x")


@pytest.mark.rule(43)
@pytest.mark.parametrize(
    ("http_status", "code"),
    [
        *((b"400", "INTERNAL"), (b"401", "UNAUTHENTICATED"), (b"403", "PERMISSION_DENIED")),
        *((b"404", "UNIMPLEMENTED"), (b"429", "UNAVAILABLE"), (b"431", "INTERNAL"), (b"502", "UNAVAILABLE")),
        *((b"503", "UNAVAILABLE"), (b"504", "UNAVAILABLE"), (b"500", "UNKNOWN"), (b"302", "UNKNOWN")),
        *((b"200", "UNKNOWN"), (b"", "UNKNOWN"), (b"abc", "UNKNOWN"), ("²".encode("latin-1"), "UNKNOWN")),
    ],
)
def test_r43_http_status_decides_without_grpc_status(http_status: bytes, code: str) -> None:
    fields = [(b":status", http_status), (b"content-type", b"text/html")]
    head = parse_response_head(HeaderBlock(fields), _MAX)
    assert head.fault is not None
    assert head.fault.code.name == code
    assert not head.fault.from_peer
    assert outcome(fields, trailers_only=True).code.name == code


@pytest.mark.rule(43)
@pytest.mark.rule(12)
def test_r43_grpc_status_in_a_trailers_only_response_goes_first() -> None:
    fields = [(b":status", b"503"), (b"grpc-status", b"5"), (b"grpc-message", b"gone")]
    status = outcome(fields, trailers_only=True)
    assert (status.code, status.message, status.from_peer) == (StatusCode.NOT_FOUND, "gone", True)


@pytest.mark.rule(19)
@pytest.mark.parametrize("http_status", [b"200", b"500"])
def test_r19_grpc_status_in_a_head_that_does_not_end_the_stream_means_nothing(http_status: bytes) -> None:
    fields = [(b":status", http_status), (b"content-type", b"application/grpc"), (b"grpc-status", b"0")]
    fault = parse_response_head(HeaderBlock(fields), _MAX).fault
    if http_status == b"200":
        assert fault is None
    else:
        assert fault is not None
        assert fault.code is StatusCode.UNKNOWN


@pytest.mark.rule(20)
def test_r20_trailers_without_status() -> None:
    status = outcome([(b"x", b"y")])
    assert status.code is StatusCode.UNKNOWN
    assert not status.from_peer
    assert outcome(HEAD, trailers_only=True).code is StatusCode.UNKNOWN


@pytest.mark.rule(13)
@pytest.mark.parametrize("number", range(17))
def test_r13_all_codes(number: int) -> None:
    assert outcome([(b"grpc-status", b"%d" % number)]).code == number
    assert trailers(Status(StatusCode(number), "x"))[0] == (b"grpc-status", b"%d" % number)


@pytest.mark.rule(13)
@pytest.mark.parametrize(
    "text", [b"", b"17", b"99999999999999999999", b"-1", b"OK", b"1.0", b" 0", b"+0", b"\xb2"]
)
def test_r13_what_is_no_code_is_unknown_and_shown(text: bytes) -> None:
    status = outcome([(b"grpc-status", text), (b"grpc-message", b"m")])
    assert status.code is StatusCode.UNKNOWN
    assert status.message.startswith("m [grpc-status was")


@pytest.mark.rule(30)
def test_r30_oversized_responses() -> None:
    big = [(b"x", b"y" * _MAX)]
    fault = parse_response_head(HeaderBlock(HEAD + big), _MAX).fault
    assert fault is not None
    assert "max_header_list_size" in fault.message
    assert "max_header_list_size" in outcome(OK + big).message


def test_malformed_responses() -> None:
    fault = parse_response_head(HeaderBlock([*HEAD, (b"X", b"")]), _MAX).fault
    assert fault is not None
    assert fault.code is StatusCode.INTERNAL
    assert outcome([(b":status", b"200"), *OK]).code is StatusCode.INTERNAL  # a pseudo-header in trailers
    assert outcome([*OK, (b"connection", b"close")]).code is StatusCode.INTERNAL
    assert outcome([*OK, (b"k-bin", b"!")]).code is StatusCode.INTERNAL  # R31


def test_one_block_read_as_a_whole_response_and_then_as_trailers() -> None:
    block = HeaderBlock(HEAD + OK)
    assert parse_trailers(block, _MAX, trailers_only=True).code is StatusCode.OK
    assert parse_trailers(block, _MAX, trailers_only=False).code is StatusCode.INTERNAL
    assert parse_response_head(block, _MAX).fault is None


@pytest.mark.rule(32)
def test_r32_details_travel_in_their_field() -> None:
    fields = trailers(Status(StatusCode.ABORTED, "m", b"\1\2", Metadata([("k", "v")])))
    assert [name for name, _ in fields] == [b"grpc-status", b"grpc-message", b"k", b"grpc-status-details-bin"]
    status = outcome(fields)
    assert status.details == b"\1\2"
    assert status.trailing_metadata["k"] == "v"


@pytest.mark.rule(11)
def test_r11_trailers_say_ok_too() -> None:
    assert trailers(Status(StatusCode.OK)) == [(b"grpc-status", b"0")]


@given(st.lists(st.tuples(st.binary(max_size=12), st.binary(max_size=12)), max_size=5), st.booleans())
def test_any_fields_are_an_outcome(fields: Fields, trailers_only: bool) -> None:
    for candidate in (fields, HEAD + fields, OK + fields):
        assert outcome(candidate, trailers_only=trailers_only).code in StatusCode
        parse_response_head(HeaderBlock(candidate), _MAX)


@pytest.mark.rule(42)
def test_r42_only_refused_streams_are_safe_to_repeat() -> None:
    assert not reset_status(7).reached_server
    assert reset_status(8).reached_server
    assert "0x99" in reset_status(0x99).message


# -- grpc-message -------------------------------------------------------------------------------------------------


@pytest.mark.rule(14)
@given(st.text())
def test_r14_messages_round_trip(message: str) -> None:
    encoded = encode_message(message)
    assert all(0x20 <= byte <= 0x7E for byte in encoded)
    assert decode_message(encoded) == message.encode("utf-8", "replace").decode()


@pytest.mark.rule(14)
def test_r14_what_is_escaped() -> None:
    every = "".join(map(chr, range(128)))
    escaped = "".join(f"%{n:02X}" if n < 0x20 or n == 0x25 or n == 0x7F else chr(n) for n in range(128))
    assert encode_message(every) == escaped.encode()
    assert encode_message("é☺\U0001f600") == b"%C3%A9%E2%98%BA%F0%9F%98%80"
    assert encode_message("lone \ud800 surrogate") == b"lone ? surrogate"


@pytest.mark.rule(15)
@given(st.binary())
def test_r15_decoding_never_fails(text: bytes) -> None:
    decode_message(text)


@pytest.mark.rule(15)
@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"100%", "100%"),
        (b"%", "%"),
        (b"%zz%41", "%zzA"),
        (b"%4", "%4"),
        (b"a%2Fb", "a/b"),
        (b"%ff", "\ufffd"),
        (b"plain", "plain"),
    ],
)
def test_r15_bad_encoding_is_kept(text: bytes, message: str) -> None:
    assert decode_message(text) == message
