"""gRPC-Web on a server's connection: content types, frames, trailers and errors, over both versions of HTTP."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from barewire.rpc import StatusCode
from barewire.rpc.compression import CODECS
from barewire.rpc.events import MessageReceived
from tests.support.web_echo import PAGE, Answer, Echo, frame, request

pytestmark = pytest.mark.rule(101)


def text(body: bytes) -> bytes:
    return base64.b64encode(body)


def decoded(answer: Answer) -> Answer:
    """A response in text, each frame of which was encoded by itself."""
    pieces = b"".join(
        base64.b64decode(piece)
        for piece in answer.body.replace(b"=A", b"= A").replace(b"=g", b"= g").split(b" ")
    )
    return answer._replace(body=pieces)


def test_a_call() -> None:
    echo = Echo().feed(request(frame(b"one") + frame(b"two"), x_echo="1", x_echo_bin="AAE="))
    answer = echo.answer
    assert answer.status == 200
    assert answer.fields["content-type"] == "application/grpc-web+proto"
    assert answer.fields["x-head"] == "first"
    assert answer.body.endswith(frame(b"grpc-status: 0\r\nx-echo: 1\r\nx-echo-bin: AAE\r\n", 0x80))
    assert answer.messages == [b"one", b"two"]
    (call,) = echo.calls
    assert call.request.path == "/test.Service/Echo"
    assert call.request.content_type == "application/grpc+proto"
    assert call.request.authority == "server"
    assert echo.ended is None  # ready for the next


@pytest.mark.parametrize(
    ("content_type", "accept", "response"),
    [
        ("application/grpc-web", "", "application/grpc-web+proto"),
        ("application/grpc-web+proto", "*/*", "application/grpc-web+proto"),
        ("application/grpc-web+json", "", "application/grpc-web+json"),
        ("Application/gRPC-Web; charset=utf-8", "", "application/grpc-web+proto"),
        ("application/grpc-web-text", "", "application/grpc-web-text+proto"),
        ("application/grpc-web-text+proto", "application/grpc-web", "application/grpc-web+proto"),
        ("application/grpc-web-text-base64", "text/html", "application/grpc-web-text+proto"),
        ("application/grpc-web", "application/grpc-web-text", "application/grpc-web-text+proto"),
        ("application/grpc-web", "a/b, application/grpc-web-text+proto", "application/grpc-web-text+proto"),
    ],
)
def test_accept_chooses_the_form_of_the_response(content_type: str, accept: str, response: str) -> None:
    body = frame(b"hi")
    sent = text(body) if "-text" in content_type else body
    answer = Echo().feed(request(sent, content_type=content_type, accept=accept)).answer
    assert answer.fields["content-type"] == response
    if "-text" in response:
        answer = decoded(answer)
    assert (answer.messages, answer.trailers) == ([b"hi"], {"grpc-status": "0"})


@pytest.mark.parametrize(
    "content_type", ["application/grpc-web2", "application/grpc-webx", "text/plain", "application/json", ""]
)
def test_other_content_types_are_refused(content_type: str) -> None:
    assert Echo().feed(request(content_type=content_type)).answer.status == 415


def test_grpc_itself_needs_http2() -> None:
    answer = Echo().feed(request(content_type="application/grpc+proto")).answer
    assert (answer.status, answer.body) == (
        505,
        b"gRPC needs HTTP/2; over HTTP/1.1 there is application/grpc-web",
    )


def test_a_status_without_messages_comes_in_the_head() -> None:
    answer = Echo().feed(request(b"", x_echo="1")).answer
    assert (answer.fields["grpc-status"], answer.fields["x-echo"], answer.body) == ("0", "1", b"")
    assert answer.fields["content-length"] == "0"


@pytest.mark.parametrize(
    ("body", "fields", "code", "message"),
    [
        (frame(b"x", 0x80), {}, StatusCode.INTERNAL, "flag byte 128"),
        (frame(b"x", 0x81), {}, StatusCode.INTERNAL, "flag byte 129"),
        (frame(b"x", 2), {}, StatusCode.INTERNAL, "flag byte 2"),
        (frame(b"x", 1), {}, StatusCode.INTERNAL, "compressed flag"),
        (frame(b"long")[:-1], {}, StatusCode.INTERNAL, "in the middle of a message"),
        (frame(b"long")[:3], {}, StatusCode.INTERNAL, "in the middle of a message"),
        (frame(b"x" * 101), {}, StatusCode.RESOURCE_EXHAUSTED, "max_receive_message_size"),
        (frame(b""), {"grpc_timeout": "soon"}, StatusCode.INTERNAL, "timeout"),
        (frame(b""), {"x_bad_bin": "*"}, StatusCode.INTERNAL, "x-bad-bin"),
        (frame(b"x"), {"grpc_encoding": "br"}, StatusCode.UNIMPLEMENTED, "grpc-encoding"),
        (b"!!!!", {"content_type": "application/grpc-web-text"}, StatusCode.INTERNAL, "not base64"),
        (b"AAAAA", {"content_type": "application/grpc-web-text"}, StatusCode.INTERNAL, "in the middle"),
    ],
)
@pytest.mark.parametrize("step", [0, 1])
def test_what_is_wrong_costs_the_call_alone(
    body: bytes, fields: dict[str, str], code: StatusCode, message: str, step: int
) -> None:
    echo = Echo(max_receive_message_size=100)
    echo.feed(request(body, origin=PAGE, **fields) + request(), step)
    failed, served = echo.answers
    assert failed.status == 200
    assert failed.fields["access-control-allow-origin"] == PAGE
    assert failed.trailers["grpc-status"] == str(int(code))
    assert message in failed.trailers["grpc-message"]
    assert served.trailers["grpc-status"] == "0"


def test_a_body_in_another_coding_is_refused() -> None:
    assert Echo().feed(request(content_encoding="gzip")).answer.status == 415
    assert Echo().feed(request(content_encoding="identity")).answer.status == 200


def test_messages_are_compressed_for_whom_it_can_read() -> None:
    # PROTOCOL-WEB leaves that to later; connect's client does it, and says so as in gRPC.
    gzip = CODECS["gzip"]
    echo = Echo(hold=True).feed(
        request(frame(gzip.compress(b"squeezed"), 1), grpc_encoding="gzip", grpc_accept_encoding="gzip")
    )
    (call,) = echo.calls
    call.set_compression(gzip)
    echo.reply(call)
    echo.wait(0)
    (compressed,) = (payload for flag, payload in echo.answer.frames if flag == 1)
    assert gzip.decompress(compressed, 100) == b"squeezed"
    assert echo.answer.fields["grpc-encoding"] == "gzip"
    assert echo.answer.frames[-1] == (0x80, b"grpc-status: 0\r\n")  # these never are


def test_messages_go_out_one_by_one() -> None:
    echo = Echo(hold=True).feed(request())
    (call,) = echo.calls
    call.send_initial_metadata()
    for number in range(3):
        call.send_message(b"%d" % number)
        echo.wait(0)
        assert echo.output.endswith(b"6\r\n" + frame(b"%d" % number) + b"\r\n")
    assert echo.core.streams.messages_sent == 3


def test_a_deadline_is_kept() -> None:
    echo = Echo(hold=True).feed(request(grpc_timeout="1S"))
    echo.wait(2)
    assert echo.ends == [StatusCode.DEADLINE_EXCEEDED]
    assert echo.answer.trailers["grpc-status"] == "4"
    assert echo.feed(request()).core.calls.started == 2


def test_half_a_message_is_followed_by_nothing() -> None:
    echo = Echo(hold=True).feed(request(grpc_timeout="1S"))
    (call,) = echo.calls
    call.send_initial_metadata()
    call.send_message(bytes(1024 * 1024))
    echo.output += echo.core.data_to_send(echo.now)
    assert 0 < call.queued_bytes < 1024 * 1024
    echo.wait(2)
    assert echo.ended
    assert b"grpc-status" not in echo.output
    assert not echo.output.endswith(b"0\r\n\r\n")


@given(
    messages=st.lists(st.binary(max_size=30), min_size=1, max_size=4),
    as_text=st.booleans(),
    chunked=st.booleans(),
    step=st.integers(1, 50),
)
def test_cuts_change_nothing(messages: list[bytes], as_text: bool, chunked: bool, step: int) -> None:
    body = b"".join(map(frame, messages))
    fields = {"content_type": "application/grpc-web-text"} if as_text else {}
    body = text(body) if as_text else body
    if chunked:
        pieces = [body[start : start + 7] for start in range(0, len(body), 7)]
        body = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
        fields |= {"content_length": "", "transfer_encoding": "chunked"}
    data = request(body, **fields) * 2
    whole = Echo().feed(data)
    for answer in whole.answers:
        found = decoded(answer) if as_text else answer
        assert found.messages == messages
    assert Echo().feed(data, step).output == whole.output
    received = [event for event in whole.events if isinstance(event, MessageReceived)]
    assert len(received) == 2 * len(messages)
