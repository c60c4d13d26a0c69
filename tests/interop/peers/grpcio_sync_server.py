"""grpcio's blocking server; prints its port: `python -m … FOLDER [ADDRESS [CERTIFICATE]]`.

FOLDER has the generated modules.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import grpc

from tests.support.processes import die_with_parent
from tests.support.protos import import_generated

from .blocking_wait import Cancelled, wait
from .ledger import SHELF, Ledger, echoes, orca_report, rich_status
from .official_service import BlockingTestService, ServiceMessages

MAX_MESSAGE = 16 << 20
CODES = {code.value[0]: code for code in grpc.StatusCode}


class InteropHandlers:
    def __init__(self, interop: Any) -> None:
        self._interop = interop
        self._ledger = Ledger()

    @contextmanager
    def _counted(self, label: str, context: Any) -> Iterator[None]:
        self._ledger.start(label, context.time_remaining())
        try:
            yield
        except (Cancelled, GeneratorExit):
            self._ledger.add(label, "cancelled")
            raise
        self._ledger.add(label, "finished")

    def _echo(self, context: Any) -> None:
        initial, trailing = echoes(context.invocation_metadata())
        context.set_trailing_metadata(tuple(trailing))
        if initial:
            context.send_initial_metadata(tuple(initial))

    def _finish(self, request: Any, context: Any) -> None:
        status = request.status
        if not status.code:
            return
        if status.detail:
            trailing = echoes(context.invocation_metadata())[1]
            trailing.append(("grpc-status-details-bin", rich_status(self._interop, status)))
            context.set_trailing_metadata(tuple(trailing))
        context.abort(CODES[status.code], status.message)

    def _responses(self, request: Any, context: Any, count: int) -> Iterator[Any]:
        for index in range(count):
            if index and request.interval_ms:
                wait(context, request.interval_ms / 1000)
            if not context.is_active():
                raise Cancelled
            yield self._interop.Response(payload=bytes(request.response_size), index=index)
            self._ledger.add(request.label, "sent")

    def Unary(self, request: Any, context: Any) -> Any:
        with self._counted(request.label, context):
            self._echo(context)
            if request.sleep_ms:
                wait(context, request.sleep_ms / 1000)
            self._finish(request, context)
            return self._interop.Response(
                payload=bytes(request.response_size), received_count=1, received_bytes=len(request.payload)
            )

    def ServerStream(self, request: Any, context: Any) -> Iterator[Any]:
        with self._counted(request.label, context):
            self._echo(context)
            if request.sleep_ms:
                wait(context, request.sleep_ms / 1000)
            yield from self._responses(request, context, request.response_count)
            self._finish(request, context)

    def ClientStream(self, requests: Any, context: Any) -> Any:
        self._echo(context)
        count = size = 0
        first = None
        for request in requests:
            if first is None:
                first = request
                self._ledger.start(request.label, context.time_remaining())
                if request.sleep_ms:
                    wait(context, request.sleep_ms / 1000)
            count += 1
            size += len(request.payload)
            self._ledger.add(first.label, "received")
        if first is not None:
            self._finish(first, context)
        return self._interop.Response(received_count=count, received_bytes=size)

    def Bidi(self, requests: Any, context: Any) -> Iterator[Any]:
        self._echo(context)
        for request in requests:
            with self._counted(request.label, context):
                self._ledger.add(request.label, "received")
                yield from self._responses(request, context, max(1, request.response_count))
                self._finish(request, context)

    def Count(self, request: Any, context: Any) -> Any:
        return self._interop.Counters(**self._ledger.counters(request.label))


class BookstoreHandlers:
    def __init__(self, books: Any) -> None:
        self._books = books
        self._shelf = {id: books.Book(id=id, title=title, author=author) for id, title, author in SHELF}

    def GetBook(self, request: Any, context: Any) -> Any:
        if not request.id:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "a book needs an id")
        if request.id not in self._shelf:
            context.abort(grpc.StatusCode.NOT_FOUND, "book not found")
        return self._shelf[request.id]

    def ListBooks(self, request: Any, context: Any) -> Iterator[Any]:
        yield from list(self._shelf.values())

    def AddBooks(self, requests: Any, context: Any) -> Any:
        added = list(requests)
        self._shelf.update((book.id, book) for book in added)
        return self._books.BookList(books=added)

    def Chat(self, requests: Any, context: Any) -> Iterator[Any]:
        yield from requests


def fail_with(context: Any, code: int, message: str) -> NoReturn:
    context.abort(CODES[code], message)
    raise AssertionError("abort raises")


def serve(folder: Path, address: str = "127.0.0.1:0", certificate: str | None = None) -> None:
    interop, interop_grpc, books, books_grpc = import_generated(
        folder, "interop_pb2", "interop_pb2_grpc", "bookstore_pb2", "bookstore_pb2_grpc"
    )
    testing, testing_grpc, orca = import_generated(folder, "testing_pb2", "testing_pb2_grpc", "orca_pb2")
    server = grpc.server(ThreadPoolExecutor(10), options=[("grpc.max_receive_message_length", MAX_MESSAGE)])
    interop_grpc.add_InteropServicer_to_server(InteropHandlers(interop), server)
    books_grpc.add_BookstoreServicer_to_server(BookstoreHandlers(books), server)

    class TestService(BlockingTestService, testing_grpc.TestServiceServicer):
        """The generated base answers UNIMPLEMENTED."""

    messages = ServiceMessages(testing, partial(orca_report, orca), grpc.Compression.Gzip)
    testing_grpc.add_TestServiceServicer_to_server(TestService(messages, fail_with), server)
    if certificate:
        both = Path(certificate).read_bytes()
        port = server.add_secure_port(address, grpc.ssl_server_credentials([(both, both)]))
    else:
        port = server.add_insecure_port(address)
    server.start()
    print(port)
    server.wait_for_termination()


if __name__ == "__main__":
    die_with_parent()
    serve(Path(sys.argv[1]), *sys.argv[2:])
