"""A bookstore without a database. Broken on purpose where the tests need it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from barewire import rpc, schema
from tests.support.protos import BOOKSTORE

books = schema.load(BOOKSTORE)


class Bookstore(books.BookstoreServicer):
    async def GetBook(self, request: Any, context: Any) -> Any:
        if request.id == "evil":
            raise rpc.RpcError(rpc.StatusCode.NOT_FOUND, "\x1b[2Jbook not found")
        if request.id != "1":
            raise rpc.RpcError(rpc.StatusCode.NOT_FOUND, "book not found")
        return books.Book(id="1", title="One")

    async def ListBooks(self, request: Any, context: Any) -> AsyncIterator[Any]:
        yield books.Book(id="1")
        yield books.Book(id="2")
        raise rpc.RpcError(rpc.StatusCode.ABORTED, "no more")

    async def AddBooks(self, requests: AsyncIterator[Any], context: Any) -> Any:
        return books.BookList(books=[book async for book in requests])
