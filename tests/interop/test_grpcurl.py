"""grpcurl against our server: it knows no `.proto`, and asks the server by reflection."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.grpcurl import Grpcurl, find_grpcurl

from .conftest import start_server
from .peers.ledger import SHELF

BOOKS = [{"id": id, "title": title, "author": author} for id, title, author in SHELF]
NEW = [{"id": "3", "title": "Three"}, {"id": "4", "title": "Vier · 四"}]


@pytest.fixture
def grpcurl() -> Iterator[Grpcurl]:
    """grpcurl, for a bookstore with fresh shelves."""
    program = find_grpcurl()
    with start_server("barewire") as child:
        yield Grpcurl(program, f"localhost:{child.line()}")


def values(text: str) -> list[Any]:
    """The JSON values in a text, one after the other."""
    decoder = json.JSONDecoder()
    found: list[Any] = []
    text = text.strip()
    while text:
        value, end = decoder.raw_decode(text)
        found.append(value)
        text = text[end:].lstrip()
    return found


def test_list(grpcurl: Grpcurl) -> None:
    ran = grpcurl("list")
    assert ran.status == 0, ran.error
    assert ran.out.split() == [
        "bookstore.Bookstore",
        "grpc.health.v1.Health",
        "grpc.reflection.v1.ServerReflection",
        "grpc.reflection.v1alpha.ServerReflection",
        "grpc.testing.TestService",
        "interop.Interop",
        "xds.service.orca.v3.OpenRcaService",
    ]


def test_list_methods(grpcurl: Grpcurl) -> None:
    ran = grpcurl("list", "bookstore.Bookstore")
    assert ran.status == 0, ran.error
    assert ran.out.split() == [
        f"bookstore.Bookstore.{m}" for m in ("AddBooks", "Chat", "GetBook", "ListBooks")
    ]


def test_describe(grpcurl: Grpcurl) -> None:
    ran = grpcurl("describe", "bookstore.Bookstore")
    assert ran.status == 0, ran.error
    assert ran.out.splitlines() == [
        "bookstore.Bookstore is a service:",
        "service Bookstore {",
        "  rpc AddBooks ( stream .bookstore.Book ) returns ( .bookstore.BookList );",
        "  rpc Chat ( stream .bookstore.Book ) returns ( stream .bookstore.Book );",
        "  rpc GetBook ( .bookstore.GetBookRequest ) returns ( .bookstore.Book );",
        "  rpc ListBooks ( .google.protobuf.Empty ) returns ( stream .bookstore.Book );",
        "}",
    ]


def test_describe_a_message(grpcurl: Grpcurl) -> None:
    ran = grpcurl("describe", "bookstore.Book")
    assert ran.status == 0, ran.error
    assert ran.out.splitlines() == [
        "bookstore.Book is a message:",
        "message Book {",
        "  string id = 1;",
        "  string title = 2;",
        "  string author = 3;",
        "}",
    ]


def test_unary(grpcurl: Grpcurl) -> None:
    ran = grpcurl("bookstore.Bookstore/GetBook", flags=("-d", '{"id":"1"}'))
    assert ran.status == 0, ran.error
    assert json.loads(ran.out) == BOOKS[0]


def test_server_streaming(grpcurl: Grpcurl) -> None:
    ran = grpcurl("bookstore.Bookstore/ListBooks")
    assert ran.status == 0, ran.error
    assert values(ran.out) == BOOKS


def test_client_streaming(grpcurl: Grpcurl) -> None:
    data = " ".join(map(json.dumps, NEW))
    ran = grpcurl("bookstore.Bookstore/AddBooks", flags=("-d", data))
    assert ran.status == 0, ran.error
    assert json.loads(ran.out) == {"books": NEW}
    assert values(grpcurl("bookstore.Bookstore/ListBooks").out) == BOOKS + NEW


def test_bidirectional_from_standard_input(grpcurl: Grpcurl) -> None:
    ran = grpcurl("bookstore.Bookstore/Chat", flags=("-d", "@"), stdin="\n".join(map(json.dumps, NEW)))
    assert ran.status == 0, ran.error
    assert values(ran.out) == NEW


def test_health(grpcurl: Grpcurl) -> None:
    ran = grpcurl("grpc.health.v1.Health/Check")
    assert ran.status == 0, ran.error
    assert json.loads(ran.out) == {"status": "SERVING"}


def test_not_found(grpcurl: Grpcurl) -> None:
    ran = grpcurl("bookstore.Bookstore/GetBook", flags=("-d", '{"id":"404"}'))
    assert ran.status == 64 + 5
    assert ran.error.split() == ["ERROR:", "Code:", "NotFound", "Message:", "book", "not", "found"]


def test_unimplemented(grpcurl: Grpcurl) -> None:
    ran = grpcurl("bookstore.Bookstore/BurnBooks")
    assert ran.status != 0
    assert 'does not include a method named "BurnBooks"' in ran.error


def test_error_details_are_shown(grpcurl: Grpcurl) -> None:
    status = {"code": 9, "message": "no", "detail": "because"}
    ran = grpcurl("interop.Interop/Unary", flags=("-d", json.dumps({"status": status})))
    assert ran.status == 64 + 9
    assert "interop.Detail" in ran.error
    assert "because" in ran.error


def test_metadata(grpcurl: Grpcurl) -> None:
    flags = ("-v", "-H", "echo-initial-a: one", "-H", "echo-trailing-b-bin: q6ur", "-d", "{}")
    ran = grpcurl("interop.Interop/Unary", flags=flags)
    assert ran.status == 0, ran.error
    assert "echo-initial-a: one" in ran.out
    assert "echo-trailing-b-bin: q6ur" in ran.out


def test_deadline(grpcurl: Grpcurl) -> None:
    ran = grpcurl("interop.Interop/Unary", flags=("-max-time", "0.5", "-d", '{"sleep_ms": 60000}'))
    assert ran.status == 64 + 4
    assert "DeadlineExceeded" in ran.error
