"""Header lists are held to what the peer takes (R30), in both directions."""

from __future__ import annotations

from typing import Any

import pytest
from hyperframe import frame as hf

from barewire.rpc.compression import CODECS
from barewire.rpc.headers import request_headers
from barewire.rpc.metadata import Metadata
from barewire.rpc.status import Http2Error, Status, StatusCode
from tests.support.rpc_raw_peer import OK, RawClient, RawServer, changed
from tests.support.rpc_raw_peer import REQUEST as REQUEST_FIELDS

MAX_HEADER_LIST_SIZE = 6


def start(server: RawServer, *metadata: tuple[bytes, bytes]) -> Any:
    call = server.core.start_call(request_headers("/test.Service/Method", "test", "http", metadata))
    call.send_message(b"x")
    call.end_sending()
    server.take()
    return call


@pytest.mark.rule(30)
def test_r30_a_call_with_too_much_metadata_fails_here() -> None:
    server = RawServer(settings={MAX_HEADER_LIST_SIZE: 1000})
    start(server, (b"k", b"v" * 1000))
    status = server.status()
    assert status.code is StatusCode.RESOURCE_EXHAUSTED
    assert not status.from_peer
    for text in ("1000", "the test server", "SETTINGS_MAX_HEADER_LIST_SIZE", "less metadata"):
        assert text in status.message
    assert not server.of(hf.HeadersFrame)
    start(server, (b"k", b"v"))  # the next call works
    server.send(server.headers(1, [(b":status", b"200"), (b"content-type", b"application/grpc"), *OK], True))
    assert server.endings()[-1].code is StatusCode.OK


@pytest.mark.rule(30)
def test_r30_sizes_are_counted_as_http2_does() -> None:
    bare = sum(len(n) + len(v) + 32 for n, v in request_headers("/test.Service/Method", "test", "http"))
    server = RawServer(settings={MAX_HEADER_LIST_SIZE: bare + 32 + 1 + 10})
    start(server, (b"k", b"v" * 10))
    assert not server.endings()
    start(server, (b"k", b"v" * 11))
    assert server.status().code is StatusCode.RESOURCE_EXHAUSTED


@pytest.mark.rule(30)
def test_r30_without_a_limit_of_the_peer_there_is_none() -> None:
    server = RawServer()
    start(server, (b"k", b"v" * 100_000))
    assert not server.endings()


def call_of(limit: int) -> tuple[RawClient, Any]:
    client = RawClient(settings={MAX_HEADER_LIST_SIZE: limit})
    return client, client.request(1, b"x")


@pytest.mark.rule(30)
def test_r30_initial_metadata_that_is_too_large() -> None:
    client, call = call_of(1000)
    call.send_initial_metadata(Metadata([("k", "v" * 1000)]))
    client.take()
    fields = client.trailers(1)
    assert fields[b":status"] == b"200"
    assert fields[b"grpc-status"] == b"8"
    assert b"1000" in fields[b"grpc-message"]
    assert b"initial metadata" in fields[b"grpc-message"]
    assert client.endings()[0].code is StatusCode.RESOURCE_EXHAUSTED


@pytest.mark.rule(30)
@pytest.mark.parametrize(
    ("status", "code"),
    [
        (Status(StatusCode.OK, trailing_metadata=Metadata([("k", "v" * 1000)])), b"8"),
        (Status(StatusCode.NOT_FOUND, "m" * 1000), b"5"),
        (Status(StatusCode.NOT_FOUND, "m", details=bytes(1000)), b"5"),
    ],
    ids=["metadata", "message", "details"],
)
@pytest.mark.parametrize("head", [True, False])
def test_r30_trailers_that_are_too_large_are_replaced(status: Status, code: bytes, head: bool) -> None:
    """An error keeps its code; what cannot be OK without its metadata becomes RESOURCE_EXHAUSTED."""
    client, call = call_of(500)
    if head:
        call.send_initial_metadata()
        call.send_message(b"y")
    call.finish(status)
    client.take()
    fields = client.trailers(1)
    assert fields[b"grpc-status"] == code
    assert b"SETTINGS_MAX_HEADER_LIST_SIZE" in fields[b"grpc-message"]
    assert client.core.open_calls == 0


@pytest.mark.rule(30)
def test_r30_a_client_that_takes_no_trailers_at_all() -> None:
    client, call = call_of(40)
    call.finish(Status(StatusCode.NOT_FOUND, "m" * 100))
    client.take()
    assert client.resets(1) == [Http2Error.INTERNAL_ERROR]
    assert client.core.open_calls == 0


@pytest.mark.rule(55)
@pytest.mark.parametrize("name", [codec for codec in CODECS if codec != "identity"])
@pytest.mark.parametrize("head", [True, False])
def test_r55_an_encoding_that_was_taken_is_listed(name: str, head: bool) -> None:
    """The client did not say what it knows, so the server cannot have told it before: every response to a compressed
    request lists what the server takes, Trailers-Only ones too."""
    client = RawClient()
    call = client.request(1, fields=changed(REQUEST_FIELDS, grpc_encoding=name.encode()))
    if head:
        call.send_initial_metadata()
        client.take()
    call.finish(Status(StatusCode.OK))
    client.take()
    listed = dict(client.fields(1)[0])[b"grpc-accept-encoding"].split(b",")
    assert name.encode() in [item.strip() for item in listed]


@pytest.mark.rule(55)
def test_r55_a_client_lists_what_it_takes_with_every_call() -> None:
    server = RawServer()
    start(server)
    listed = dict(server.fields(1)[0])[b"grpc-accept-encoding"].split(b",")
    assert {item.strip().decode() for item in listed} >= set(CODECS)
