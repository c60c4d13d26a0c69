"""TLS, unix sockets, and servers that go away: politely, suddenly, and come back."""

from __future__ import annotations

import signal
import socket
import ssl
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import trustme

from tests.support.processes import reserved_port

from .clients.outcome import PATIENCE, Client
from .conftest import PAIRS, Connect, start_server
from .peers.ledger import SHELF

each_pair = pytest.mark.parametrize(("client_name", "server_name"), PAIRS, ids=map("-to-".join, PAIRS))
each_client = pytest.mark.parametrize(
    "client_name", ["grpcio-sync", "grpcio-aio", "barewire", "barewire-sync"]
)


def get_and_list(client: Client) -> None:
    book = client.call("GetBook", [client.books.GetBookRequest(id="1")]).response
    assert (book.id, book.title, book.author) == SHELF[0]
    listed = client.call("ListBooks", [client.empty()])
    assert [listed_book.id for listed_book in listed.responses] == [id for id, *_ in SHELF]
    echoed = client.call("Unary", [client.interop.Request(payload=bytes(100_000), response_size=100_000)])
    assert len(echoed.response.payload) == 100_000


@pytest.mark.rule(74)
@each_pair
def test_r74_tls(
    connect: Connect, client_name: str, server_name: str, authority: trustme.CA, certificate: str
) -> None:
    with start_server(server_name, "127.0.0.1:0", certificate) as child:
        roots = authority.cert_pem.bytes()
        get_and_list(connect(client_name, f"localhost:{child.line()}", roots))


@pytest.mark.rule(74)
@each_client
def test_r74_a_certificate_of_an_unknown_authority_is_refused(
    connect: Connect, client_name: str, certificate: str
) -> None:
    with start_server("barewire", "127.0.0.1:0", certificate) as child:
        strangers = trustme.CA().cert_pem.bytes()
        client = connect(client_name, f"localhost:{child.line()}", strangers)
        outcome = client.call("GetBook", [client.books.GetBookRequest(id="1")])
        assert outcome.code == "UNAVAILABLE"
        assert "certificate" in outcome.message.lower()


@pytest.mark.rule(80)
@each_pair
def test_r80_unix_sockets(connect: Connect, client_name: str, server_name: str, tmp_path: Path) -> None:
    target = f"unix:{tmp_path}/books"
    with start_server(server_name, target) as child:
        child.line()
        get_and_list(connect(client_name, target))


@pytest.mark.rule(61)
@each_client
def test_r61_sigterm_lets_calls_in_flight_finish(connect: Connect, client_name: str) -> None:
    with start_server("barewire") as child, ThreadPoolExecutor(1) as pool:
        client = connect(client_name, f"127.0.0.1:{child.line()}")
        request = client.interop.Request(label="drain", sleep_ms=1500, response_size=7)
        slow = pool.submit(client.call, "Unary", [request])
        end = time.monotonic() + PATIENCE
        while not client.call("Count", [client.interop.Request(label="drain")]).response.started:
            assert time.monotonic() < end
        child.interrupt(signal.SIGTERM)
        assert len(slow.result().response.payload) == 7
        assert child.wait() == 0


@pytest.mark.rule(44)
@each_pair
def test_r44_a_server_that_is_killed_and_comes_back(
    connect: Connect, client_name: str, server_name: str
) -> None:
    # Reserved: while nobody listens there, a connection could get the port as its own.
    with reserved_port() as port:
        address = f"127.0.0.1:{port}"
        client = kill_under_load(connect, client_name, server_name, address)
        with start_server(server_name, address) as child:
            child.line()
            end = time.monotonic() + PATIENCE
            while True:  # channels wait a little before they try again
                outcome = client.call("GetBook", [client.books.GetBookRequest(id="1")])
                if outcome.code == "OK":
                    break
                assert outcome.code == "UNAVAILABLE", outcome
                assert time.monotonic() < end, outcome
                time.sleep(0.1)


def kill_under_load(connect: Connect, client_name: str, server_name: str, address: str) -> Client:
    """Starts a server, and kills it while it streams; the stream ends with UNAVAILABLE. Returns the client."""
    with start_server(server_name, address) as child, ThreadPoolExecutor(1) as pool:
        child.line()
        client = connect(client_name, address)
        request = client.interop.Request(response_count=100_000, interval_ms=5, label="killed")
        stream = pool.submit(client.call, "ServerStream", [request])
        end = time.monotonic() + PATIENCE
        while not client.call("Count", [client.interop.Request(label="killed")]).response.sent:
            assert time.monotonic() < end
        child.interrupt(signal.SIGKILL)
        outcome = stream.result()
        assert outcome.code == "UNAVAILABLE", (outcome.code, outcome.message)
        return client


@each_client
def test_a_port_where_nobody_listens(connect: Connect, client_name: str) -> None:
    with reserved_port() as port:
        target = f"127.0.0.1:{port}"
        client = connect(client_name, target)
        outcome = client.call("GetBook", [client.books.GetBookRequest(id="1")])
    assert outcome.code == "UNAVAILABLE"
    assert target in outcome.message
    assert "refused" in outcome.message.lower()


@pytest.mark.rule(74)
def test_r74_alpn_chooses_h2(authority: trustme.CA, certificate: str) -> None:
    """Seen by a plain TLS client that would rather have HTTP/1.1."""
    context = ssl.create_default_context(cadata=authority.cert_pem.bytes().decode())
    context.set_alpn_protocols(["http/1.1", "h2"])
    with start_server("barewire", "127.0.0.1:0", certificate) as child:
        address = ("127.0.0.1", int(child.line()))
        with (
            socket.create_connection(address, 10) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as tls,
        ):
            assert tls.selected_alpn_protocol() == "h2"
