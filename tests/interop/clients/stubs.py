"""Message classes and stubs of every service that a test server has: loaded by barewire, or written by protoc."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from google.protobuf import empty_pb2

from barewire import schema
from tests.support.protos import BOOKSTORE, INTEROP, TESTING, generated_folder, import_generated


@dataclass(frozen=True)
class Messages:
    """What holds the message classes of each schema."""

    interop: Any
    books: Any
    testing: Any
    empty: Any


class WithMessages:
    """Short ways to a client's message classes."""

    messages: Messages

    @property
    def interop(self) -> Any:
        return self.messages.interop

    @property
    def books(self) -> Any:
        return self.messages.books

    @property
    def testing(self) -> Any:
        return self.messages.testing

    @property
    def empty(self) -> Any:
        return self.messages.empty


@cache
def _schemas() -> tuple[Any, Any, Any]:
    return schema.load(INTEROP), schema.load(BOOKSTORE), schema.load(TESTING)


def loaded(channel: Any) -> tuple[Messages, dict[str, Any]]:
    """barewire's own, and the stubs by service."""
    interop, books, testing = _schemas()
    stubs = {
        "Interop": interop.InteropStub(channel),
        "Bookstore": books.BookstoreStub(channel),
        "Nowhere": interop.NowhereStub(channel),
        "TestService": testing.TestServiceStub(channel),
        "UnimplementedService": testing.UnimplementedServiceStub(channel),
    }
    return Messages(interop, books, testing, schema.wkt.Empty), stubs


def generated_messages() -> Messages:
    """Google's, as protoc wrote them."""
    names = ("interop_pb2", "bookstore_pb2", "testing_pb2")
    interop, books, testing = import_generated(generated_folder(), *names)
    return Messages(interop, books, testing, empty_pb2.Empty)


def generated(channel: Any) -> tuple[Messages, dict[str, Any]]:
    """Google's messages, and the stubs by service that grpcio's generator wrote."""
    messages = generated_messages()
    names = ("interop_pb2_grpc", "bookstore_pb2_grpc", "testing_pb2_grpc")
    interop, books, testing = import_generated(generated_folder(), *names)
    return messages, {
        "Interop": interop.InteropStub(channel),
        "Bookstore": books.BookstoreStub(channel),
        "Nowhere": interop.NowhereStub(channel),
        "TestService": testing.TestServiceStub(channel),
        "UnimplementedService": testing.UnimplementedServiceStub(channel),
    }
