"""gRPC-Web over HTTP/2, among ordinary calls of the same connection."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from hyperframe import frame as hf

from barewire.rpc import Status, StatusCode, Web
from barewire.rpc.limits import Limits
from barewire.rpc.metadata import Metadata
from barewire.rpc.web.connection import WebServerConnection
from tests.support.rpc_raw_peer import PREFACE, REQUEST, Fields, RawClient, changed, envelope
from tests.support.web_echo import PAGE, frame

pytestmark = pytest.mark.rule(101)

WEB = changed(REQUEST, content_type=b"application/grpc-web+proto", te=None, origin=PAGE.encode())
TEXT = changed(WEB, content_type=b"application/grpc-web-text")
OK = frame(b"grpc-status: 0\r\n", 0x80)


def client(settings: dict[int, int] | None = None, **limits: Any) -> RawClient:
    return RawClient(settings=settings, core=WebServerConnection(Web(origins=[PAGE]), Limits(**limits)))


def finish(peer: RawClient, call: Any, *payloads: bytes, status: Status | None = None) -> None:
    if payloads:
        call.send_initial_metadata()
    for payload in payloads:
        call.send_message(payload)
    call.finish(status or Status(StatusCode.OK))
    peer.take()


@pytest.mark.parametrize("step", [1, 2, 3, 1000])
def test_the_preface_may_come_in_pieces(step: int) -> None:
    core = WebServerConnection(Web())
    data = PREFACE + RawClient.settings().serialize()
    for start in range(0, len(data), step):
        core.receive(data[start : start + step], 1.0)
    assert core.data_to_send(1.0)
    assert not core.ended


def test_calls_of_both_kinds_on_one_connection() -> None:
    peer = client()
    web = peer.request(1, b"web", fields=WEB)
    plain = peer.request(3, b"plain")
    finish(peer, plain, b"PLAIN")
    finish(peer, web, b"WEB")
    assert peer.messages() == [b"web", b"plain"]
    assert peer.body(1) == frame(b"WEB") + OK
    assert peer.body(3) == envelope(b"PLAIN")
    assert peer.trailers(3)[b"grpc-status"] == b"0"
    (head,) = peer.fields(1)  # and no trailers
    assert dict(head)[b"access-control-allow-origin"] == PAGE.encode()
    assert "END_STREAM" in peer.of(hf.DataFrame, 1)[-1].flags
    assert not peer.resets()
    assert peer.core.calls.succeeded == peer.core.streams.succeeded == 2
    assert peer.core.streams.messages_sent == 2


def test_an_error_in_the_head_and_one_in_the_body() -> None:
    peer = client()
    status = Status(StatusCode.NOT_FOUND, "no ü", trailing_metadata=Metadata([("x-why", "so")]))
    finish(peer, peer.request(1, b"", fields=WEB), status=status)
    finish(peer, peer.request(3, b"", fields=WEB), b"first", status=status)
    (head,) = peer.fields(1)
    assert peer.body(1) == b""
    assert (b"grpc-message", b"no %C3%BC") in head
    assert (b"x-why", b"so") in head
    lines = b"grpc-status: 5\r\ngrpc-message: no %C3%BC\r\nx-why: so\r\n"
    assert peer.body(3) == frame(b"first") + frame(lines, 0x80)


def test_a_client_that_streams() -> None:
    peer = client()
    text = base64.b64encode(envelope(b"1") + envelope(b"2"))
    call = peer.request(1, fields=TEXT, end=False)
    for position in range(len(text)):
        peer.send(peer.data(1, text[position : position + 1]))
    call.send_initial_metadata()
    call.send_message(b"early")
    peer.take()
    assert peer.body(1) == base64.b64encode(frame(b"early"))
    peer.send(peer.data(1, base64.b64encode(envelope(b"3")), end=True))
    assert peer.messages() == [b"1", b"2", b"3"]
    finish(peer, call, status=Status(StatusCode.OK))
    assert peer.body(1).endswith(base64.b64encode(OK))


def test_an_answer_before_the_end_of_the_request() -> None:
    peer = client()
    call = peer.request(1, b"", fields=WEB, end=False)
    finish(peer, call, status=Status(StatusCode.NOT_FOUND))
    assert dict(peer.fields(1)[0])[b"grpc-status"] == b"5"
    assert peer.resets(1) == [0]


def test_windows_hold_the_end_back_too() -> None:
    peer = client({4: 10})
    finish(peer, peer.request(1, b"", fields=WEB), b"0123456789")
    assert peer.body(1) == frame(b"0123456789")[:10]
    peer.send(peer.window(1, 6))
    assert peer.body(1) == frame(b"0123456789") + OK[:1]
    assert peer.core.open_calls == 1
    peer.send(peer.window(1, 100))
    assert peer.body(1) == frame(b"0123456789") + OK
    assert peer.core.open_calls == 0


@pytest.mark.parametrize(("length", "fault"), [(b"8", False), (b"9", True), (b"7", True)])
def test_content_length_counts_what_is_on_the_wire(length: bytes, fault: bool) -> None:
    peer = client()
    fields = changed(TEXT, content_length=length)
    peer.send(peer.headers(1, fields), peer.data(1, base64.b64encode(envelope(b"x")), end=True))
    assert (peer.resets(1) == [1]) is fault


def test_the_client_cancels() -> None:
    peer = client()
    peer.request(1, b"", fields=WEB)
    peer.send(peer.reset(1))
    (status,) = peer.endings()
    assert status.code is StatusCode.CANCELLED


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        (changed(WEB, content_type=b"text/html"), b"415"),
        (changed(WEB, _method=b"GET"), b"405"),
        (changed(WEB, _method=b"OPTIONS", access_control_request_method=b"POST"), b"204"),
        (changed(WEB, grpc_timeout=b"x"), b"200"),
    ],
)
def test_what_is_no_call(fields: Fields, status: bytes) -> None:
    peer = client()
    assert peer.request(1, b"", fields=fields) is None
    head = dict(peer.fields(1)[0])
    assert head[b":status"] == status
    assert head[b"access-control-allow-origin"] == PAGE.encode()
    assert peer.core.calls.started == 0
    assert peer.request(3, b"", fields=WEB) is not None


def test_without_web_all_of_it_is_refused() -> None:
    peer = RawClient()
    assert peer.request(1, b"", fields=WEB) is None
    assert dict(peer.fields(1)[0])[b":status"] == b"415"
