"""Connections that run out of stream ids (R73)."""

from __future__ import annotations

from typing import Any

import pytest

from barewire.rpc.events import ConnectionRetired
from barewire.rpc.status import Status, StatusCode
from barewire.rpc.streams import STREAM_IDS_RUN_LOW
from tests.support.rpc_raw_peer import HEAD, OK, RawClient, RawServer

LAST = STREAM_IDS_RUN_LOW | 1


def skip_ids(server: RawServer, next_id: int) -> None:
    server.core.http2._streams._next_local_id = next_id
    server.core.http2._h2.highest_outbound_stream_id = next_id - 2


def serve(peer: Any, call: Any) -> None:
    call.finish(Status(StatusCode.OK))
    peer.take()


@pytest.mark.rule(73)
def test_r73_a_client_retires_its_connection_at_three_quarters() -> None:
    server = RawServer()
    skip_ids(server, LAST - 2)
    server.call(b"x")
    assert server.core.accepts_calls
    call = server.call(b"y")
    assert call.stream_id == LAST
    assert not server.core.accepts_calls
    assert [event for event in server.events if isinstance(event, ConnectionRetired)]
    for stream_id in (LAST - 2, LAST):
        assert server.connection_ended is None
        server.send(server.headers(stream_id, HEAD), server.headers(stream_id, OK, True))
    assert [status.code for status in server.endings()] == [StatusCode.OK] * 2
    assert server.connection_ended


@pytest.mark.rule(73)
def test_r73_calls_that_wait_for_a_stream_go_elsewhere() -> None:
    server = RawServer(settings={3: 1})
    skip_ids(server, LAST - 2)
    server.call(b"x")
    server.call(b"waits")
    server.call(b"waits, too")
    server.send(server.headers(LAST - 2, HEAD), server.headers(LAST - 2, OK, True))
    *_, (code, reached) = [(status.code, status.reached_server) for status in server.endings()]
    assert (code, reached) == (StatusCode.UNAVAILABLE, False)
    assert len(server.endings()) == 2  # the first waiting call has got the last stream
    server.send(server.headers(LAST, HEAD), server.headers(LAST, OK, True))
    assert [status.code for status in server.endings()].count(StatusCode.OK) == 2


@pytest.mark.rule(61)
@pytest.mark.rule(73)
def test_r73_a_server_sends_the_client_away() -> None:
    client = RawClient()
    first = client.request(LAST - 2, b"x")
    assert not client.goaways()
    second = client.request(LAST, b"y")
    assert client.goaways() == [(2**31 - 1, 0, b"stream ids run low")]
    serve(client, first)
    serve(client, second)
    assert client.trailers(LAST)[b"grpc-status"] == b"0"
