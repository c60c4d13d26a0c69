"""The bookstore's server.

python examples/bookstore/server.py --port 50051 --db books.sqlite
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import sqlite3
import sys
from collections.abc import AsyncIterator
from typing import Any

from bookstore import books
from interceptors import CallLog, RequireToken
from store import Row, Store

from barewire import rpc

_MAX_BATCH = 100_000  # books in one AddBooks: they wait in memory until the last has come


class Bookstore(books.BookstoreServicer):
    """The four methods of bookstore.proto. Without a store of its own, it keeps its books in memory."""

    def __init__(self, store: Store | None = None) -> None:
        self.store = store or Store()

    async def GetBook(self, request: Any, context: rpc.ServicerContext) -> Any:
        """Unary: one request, one response."""
        if not request.id:
            raise rpc.RpcError(rpc.StatusCode.INVALID_ARGUMENT, "id is empty")
        row = await self.store.get(request.id)
        if row is None:
            raise rpc.RpcError(rpc.StatusCode.NOT_FOUND, "book not found")
        return to_message(row)

    async def ListBooks(self, request: Any, context: rpc.ServicerContext) -> AsyncIterator[Any]:
        """Server streaming: each `yield` is a response. It waits while the client is too slow to take more."""
        async for row in self.store.all():
            yield to_message(row)

    async def AddBooks(self, requests: AsyncIterator[Any], context: rpc.ServicerContext) -> Any:
        """Client streaming: stores all books when the last has come; a stream that breaks off stores none."""
        batch: list[Any] = []
        async for book in requests:
            if not book.id:
                raise rpc.RpcError(rpc.StatusCode.INVALID_ARGUMENT, f"book {len(batch) + 1} has an empty id")
            if len(batch) == _MAX_BATCH:
                raise rpc.RpcError(rpc.StatusCode.RESOURCE_EXHAUSTED, f"more than {_MAX_BATCH} books at once")
            batch.append(book)
        await self.store.add([Row(book.id, book.title, book.author) for book in batch])
        return books.BookList(books=batch)

    async def Chat(self, requests: AsyncIterator[Any], context: rpc.ServicerContext) -> AsyncIterator[Any]:
        """Both: answers each book as it comes."""
        async for book in requests:
            yield book


def to_message(row: Row) -> Any:
    return books.Book(id=row.id, title=row.title, author=row.author)


async def serve(store: Store, address: str, token: str | None) -> None:
    interceptors: list[rpc.Interceptor] = [CallLog()]
    if token:
        interceptors.append(RequireToken(token))
    server = rpc.Server([Bookstore(store)], interceptors=interceptors)
    port = await server.start(address)
    print(f"bookstore: serving on {address.rpartition(':')[0]}:{port}, Ctrl-C stops", flush=True)
    await server.serve_until_signal()


def main() -> int:
    parser = argparse.ArgumentParser(description="Serve the bookstore over gRPC.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=50051, help="0 takes any free one (default: %(default)s)")
    parser.add_argument(
        "--db", default=":memory:", metavar="FILE", help="where the books are kept (default: in memory)"
    )
    parser.add_argument("--token", help="refuse calls that do not bring this bearer token")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        store = Store(arguments.db)
    except sqlite3.Error as error:
        print(f"bookstore: cannot keep books in {arguments.db}: {error}", file=sys.stderr)
        return 1
    try:
        asyncio.run(serve(store, f"{arguments.host}:{arguments.port}", arguments.token))
    except (OSError, rpc.RpcConfigurationError) as error:
        print(f"bookstore: {error}", file=sys.stderr)
        return 1
    finally:
        store.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
