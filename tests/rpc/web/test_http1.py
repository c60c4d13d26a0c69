"""An HTTP/1.1 connection by itself: what is no HTTP, slow clients, closing, and holding a client back."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from barewire.rpc import StatusCode, Web
from barewire.rpc.events import SettingsReceived
from tests.support.rpc_raw_peer import PREFACE
from tests.support.web_echo import Echo, frame, parse_answers, request

pytestmark = pytest.mark.rule(101)

CHUNKED = {"content_length": "", "transfer_encoding": "chunked"}


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),  # TLS where there is none
        (b"hello\r\n\r\n", 400),
        (b"PRESENT / HTTP/1.1\r\nhost: a\r\n\r\n", 405),
        (b"POST / HTTP/1.1\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n", 400),
        (request(x="\0"), 400),
        (request(content_length="4x"), 400),
        (request(content_length="-1"), 400),
        (request(transfer_encoding="chunked"), 400),  # and a Content-Length
        (request(content_length="", transfer_encoding="gzip"), 501),
        (request(b"zz\r\nhello", **CHUNKED), 400),
        (request(b"5\r\n" + frame(b"") + b"world\r\n0\r\n\r\n", **CHUNKED), 400),
        (request(x="y" * 20_000), 431),
        (request().replace(b"HTTP/1.1", b"HTTP/2.0"), 505),
    ],
)
@pytest.mark.parametrize("step", [0, 1])
def test_what_is_no_http_costs_its_connection(data: bytes, status: int, step: int) -> None:
    echo = Echo().feed(data, step)
    assert echo.answer.status == status
    if status in (400, 505):
        assert echo.ended
        assert echo.answer.fields["connection"] == "close"
    assert echo.core.open_calls == 0
    assert echo.core.calls.started == echo.core.calls.failed


@given(st.binary(max_size=200), st.integers(0, 3), st.integers(0, 300))
@example(b"PRI ", 3, 0)
def test_any_bytes_at_all(noise: bytes, kind: int, at: int) -> None:
    data = request(b"5\r\nhello\r\n0\r\n\r\n", **CHUNKED) if kind else request()
    at = at % len(data)
    data = (data[:at] + noise + data[at:], data[:at] + noise, noise, noise + data)[kind]
    whole, bytewise = Echo().feed(data), Echo().feed(data, 1)
    for echo in (whole, bytewise):
        echo.wait(1000)  # whoever says no more is given up
        assert echo.ended or PREFACE.startswith(data)  # that may still become HTTP/2: the shell gives it up
        assert echo.core.open_calls == 0
        if not data.startswith(b"PRI "):  # then they are HTTP/2's
            parse_answers(echo.output)
    assert bytewise.core.calls.started == whole.core.calls.started


def test_requests_come_one_after_the_other() -> None:
    echo = Echo(hold=True).feed(request(frame(b"1")) + request(frame(b"2")))
    assert len(echo.calls) == 1
    assert echo.paused
    echo.reply(echo.calls[0])
    echo.wait(0)
    assert len(echo.calls) == 2
    assert not echo.paused
    echo.reply(echo.calls[1])
    echo.wait(0)
    assert [answer.messages for answer in echo.answers] == [[b"1"], [b"2"]]
    assert sum(isinstance(event, SettingsReceived) for event in echo.events) == 1


@pytest.mark.parametrize(("connection", "version"), [("close", b"1.1"), ("", b"1.0")])
def test_a_client_that_wants_no_more(connection: str, version: bytes) -> None:
    data = request(connection=connection).replace(b"HTTP/1.1", b"HTTP/" + version)
    echo = Echo().feed(data + b"\r\n")  # old clients add a line
    assert echo.output.startswith(b"HTTP/1.1 200 OK\r\n")
    assert frame(b"hello") in echo.output
    assert b"onnection: close\r\n" in echo.output
    assert echo.ended == "the last response has been sent"


@pytest.mark.parametrize("content_type", ["application/grpc-web", "text/plain"])
def test_head_is_answered_without_a_body(content_type: str) -> None:
    head = request(b"", content_type=content_type).replace(b"POST", b"HEAD")
    refused, served = Echo().feed(head).output, Echo().feed(head + request()).output
    assert refused.startswith(b"HTTP/1.1 405 Method Not Allowed\r\n")
    assert refused.find(b"\r\n\r\n") == len(refused) - 4
    assert served.startswith(refused)
    assert parse_answers(served[len(refused) :])[0].messages == [b"hello"]


@pytest.mark.parametrize(
    ("target", "path", "authority"),
    [
        ("http://shop.example:81/test.Service/Echo", "/test.Service/Echo", "shop.example:81"),
        ("HTTPS://shop.example", "/", "shop.example"),
        ("/test.Service/http://other/", "/test.Service/http://other/", "server"),
    ],
)
def test_the_target_may_be_a_url(target: str, path: str, authority: str) -> None:
    (call,) = Echo().feed(request(path=target)).calls
    assert (call.request.path, call.request.authority) == (path, authority)


def test_100_continue() -> None:
    data = request(expect="100-continue")
    echo = Echo().feed(data[: -len(frame(b"hello"))])
    assert echo.output == b"HTTP/1.1 100 \r\n\r\n"
    assert echo.feed(frame(b"hello")).answer.messages == [b"hello"]


def test_connection_fields_are_no_metadata() -> None:
    echo = Echo().feed(
        request(
            connection="keep-alive, x-hop", x_hop="1", te="gzip", upgrade="h2c", x_own="2", keep_alive="5"
        )
    )
    assert dict(echo.calls[0].request.metadata) == {"x-own": "2"}
    assert echo.answer.messages == [b"hello"]


# -- time ---------------------------------------------------------------------------------------------------------


def test_a_silent_client_is_given_up() -> None:
    echo = Echo(Web(idle_timeout=50)).feed(request())
    echo.wait(49)
    echo.feed(request())
    echo.wait(49)
    assert echo.ended is None
    echo.wait(40)
    assert echo.ended
    assert len(echo.answers) == 2  # and nothing that a next request could take for its answer


@pytest.mark.parametrize("size", [30, 180])
def test_a_request_that_does_not_come(size: int) -> None:
    echo = Echo(Web(idle_timeout=50))
    data = request(bytes(100))
    echo.feed(request() + data[:size])
    echo.wait(100)
    assert echo.ended
    assert [answer.status for answer in echo.answers] == [200, 408]
    assert echo.ends == ([StatusCode.CANCELLED] if size == 180 else [])


def test_a_head_may_not_trickle() -> None:
    echo = Echo(handshake_timeout=20)
    for byte in request(x="y" * 200):
        echo.feed(bytes([byte]))
        echo.wait(1)
        if echo.ended:
            break
    assert echo.answer.status == 408


def test_a_handler_may_take_its_time() -> None:
    echo = Echo(Web(idle_timeout=50), hold=True).feed(request())
    echo.wait(10_000)
    assert echo.ended is None
    echo.reply(echo.calls[0])
    echo.wait(0)
    assert echo.answer.messages == [b"hello"]


def test_a_client_that_takes_nothing_is_given_up() -> None:
    echo = Echo(hold=True, stall_timeout=60).feed(request())
    (call,) = echo.calls
    call.send_initial_metadata()
    call.send_message(bytes(1024 * 1024))
    echo.core.data_to_send(echo.now)  # and no more, as the transport is full
    while (due := echo.core.next_timer()) is not None and due < echo.now + 200 and not echo.core.ended:
        echo.core.handle_timer(due)
    echo.turn()
    assert echo.ended
    assert echo.ends == [StatusCode.CANCELLED]


# -- closing and holding back -------------------------------------------------------------------------------------


def test_draining_says_so_and_lets_the_call_finish() -> None:
    echo = Echo(hold=True).feed(request())
    echo.core.drain(echo.now)
    echo.turn()
    assert echo.ended is None
    echo.reply(echo.calls[0])
    echo.wait(0)
    assert echo.answer.fields["connection"] == "close"
    assert echo.answer.messages == [b"hello"]
    assert echo.ended


@pytest.mark.parametrize("begin", [b"", b"P", request()])
def test_draining_an_idle_connection(begin: bytes) -> None:
    echo = Echo()
    if begin:
        echo.feed(begin)
    echo.core.drain(echo.now)
    echo.core.handle_timer(echo.now)
    echo.turn()
    if len(begin) < 2:  # it may still become HTTP/2
        assert echo.ended is None
        echo.wait(10)
    echo.turn()
    assert echo.ended


def test_draining_before_the_first_request() -> None:
    echo = Echo(hold=True)
    echo.core.drain(echo.now)
    echo.feed(request())
    echo.reply(echo.calls[0])
    echo.wait(0)
    assert echo.answer.fields["connection"] == "close"
    assert echo.answer.messages == [b"hello"]


def test_what_follows_an_early_answer_is_dropped() -> None:
    limit = 10_000
    body = frame(bytes(2 * limit))  # refused by its first five bytes
    echo = Echo(max_receive_message_size=limit)
    data = request(body)
    echo.feed(data[: -2 * limit])
    assert echo.answer.trailers["grpc-status"] == "8"
    echo.feed(data[-2 * limit :] + request())
    assert len(echo.answers) == 2
    with_close = Echo(max_receive_message_size=limit)
    data = request(body, connection="close")
    with_close.feed(data[: -2 * limit])
    assert with_close.ended is None  # closed now, the answer could be lost on the way
    with_close.feed(data[-2 * limit :])
    assert with_close.ended


def test_a_client_that_is_too_fast_is_held_back() -> None:
    echo = Echo(hold=True, stream_window=65_535)
    body = b"".join(frame(bytes(10_000)) for _ in range(10))
    echo.feed(request(body + frame(b"")))
    assert echo.paused
    (call,) = echo.calls
    call.consumed(10_005)
    echo.wait(0)
    assert echo.paused
    call.consumed(40_000)
    echo.wait(0)
    assert not echo.paused


def test_half_a_chunk_is_no_next_request() -> None:
    data = request(b"a\r\n" + frame(b"hello") + b"\r\n0\r\n\r\n", **CHUNKED)
    echo = Echo()
    for byte in data:
        echo.feed(bytes([byte]))
        assert not echo.paused
    assert echo.answer.messages == [b"hello"]


def test_the_client_goes_away() -> None:
    echo = Echo(hold=True).feed(request())
    echo.core.peer_closed("gone")
    echo.turn()
    assert echo.ends == [StatusCode.CANCELLED]
    assert echo.core.calls.failed == 1
