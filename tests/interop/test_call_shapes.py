"""The four shapes of a call, each way between barewire and grpcio: the bookstore, sizes, order, turns."""

from __future__ import annotations

from .clients.outcome import PATIENCE, Client
from .peers.ledger import SHELF

MEBIBYTE = 1 << 20


def titles(books: list) -> list[tuple[str, str, str]]:
    return [(book.id, book.title, book.author) for book in books]


def test_unary(client: Client) -> None:
    outcome = client.call("GetBook", [client.books.GetBookRequest(id="2")])
    assert titles([outcome.response]) == [SHELF[1]]


def test_server_streaming(client: Client) -> None:
    outcome = client.call("ListBooks", [client.empty()])
    assert outcome.code == "OK"
    assert set(SHELF) <= set(titles(outcome.responses))


def test_client_streaming(client: Client) -> None:
    books = [client.books.Book(id=f"new-{n}", title=f"Title {n}", author="Ærøskøbing") for n in range(10)]
    outcome = client.call("AddBooks", books)
    assert titles(outcome.response.books) == titles(books)
    found = client.call("GetBook", [client.books.GetBookRequest(id="new-7")])
    assert titles([found.response]) == titles(books[7:8])


def test_client_streaming_of_nothing(client: Client) -> None:
    outcome = client.call("AddBooks", [])
    assert not outcome.response.books


def test_bidirectional(client: Client) -> None:
    books = [client.books.Book(id=str(n), title="→" * n) for n in range(50)]
    outcome = client.call("Chat", books)
    assert outcome.code == "OK"
    assert titles(outcome.responses) == titles(books)


def test_bidirectional_in_turns(client: Client) -> None:
    books = [client.books.Book(id=str(n)) for n in range(20)]
    outcome = client.ping_pong("Chat", books)
    assert outcome.code == "OK"
    assert titles(outcome.responses) == titles(books)


def test_bidirectional_of_nothing(client: Client) -> None:
    outcome = client.call("Chat", [])
    assert (outcome.code, outcome.responses) == ("OK", [])


def test_more_answers_than_requests(client: Client) -> None:
    requests = [client.interop.Request(response_count=5, response_size=size) for size in (0, 1, 1000)]
    outcome = client.call("Bidi", requests)
    assert outcome.code == "OK"
    assert [len(response.payload) for response in outcome.responses] == [0] * 5 + [1] * 5 + [1000] * 5
    assert [response.index for response in outcome.responses] == [0, 1, 2, 3, 4] * 3


def test_zero_byte_messages(client: Client) -> None:
    outcome = client.call("Unary", [client.interop.Request()])
    assert outcome.response.received_bytes == 0
    assert not outcome.response.payload


def test_one_mebibyte_both_ways_unary(client: Client) -> None:
    request = client.interop.Request(payload=bytes(MEBIBYTE), response_size=MEBIBYTE)
    outcome = client.call("Unary", [request])
    assert outcome.response.received_bytes == MEBIBYTE
    assert len(outcome.response.payload) == MEBIBYTE


def test_one_mebibyte_messages_both_ways_streaming(client: Client) -> None:
    requests = [client.interop.Request(payload=bytes(MEBIBYTE), response_size=MEBIBYTE)] * 8
    outcome = client.call("Bidi", requests)
    assert outcome.code == "OK"
    assert [len(response.payload) for response in outcome.responses] == [MEBIBYTE] * 8
    uploaded = client.call("ClientStream", requests)
    assert uploaded.response.received_bytes == 8 * MEBIBYTE


def test_a_long_client_stream_is_the_first_call_of_its_channel(client: Client) -> None:
    """The sender has to wait for the connection, then for the window; nothing comes from the server meanwhile."""
    requests = [client.interop.Request(payload=bytes(8192))] * 200
    outcome = client.call("ClientStream", requests, timeout=PATIENCE / 3)
    assert outcome.response.received_count == 200


def test_sizes_around_every_boundary(client: Client) -> None:
    """Around the frame size and the window of HTTP/2, where a length prefix or a message is split."""
    sizes = [n + d for n in (16_384, 65_535) for d in (-11, -10, -9, -6, -5, -4, -1, 0, 1)]
    requests = [client.interop.Request(payload=bytes(size), response_size=size) for size in sizes]
    outcome = client.call("Bidi", requests)
    assert outcome.code == "OK"
    assert [len(response.payload) for response in outcome.responses] == sizes


def test_hundred_calls_at_once(client: Client) -> None:
    requests = [client.interop.Request(payload=bytes(n), response_size=n, sleep_ms=5) for n in range(100)]
    outcomes = client.all_at_once("Unary", requests)
    assert [outcome.response.received_bytes for outcome in outcomes] == list(range(100))
    assert [len(outcome.response.payload) for outcome in outcomes] == list(range(100))
