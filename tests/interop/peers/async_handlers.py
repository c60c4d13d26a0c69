"""The handlers of interop.proto and of the bookstore for asyncio servers: grpcio's and barewire's.

Contexts have the same names in both, so one class serves; what differs comes in as a `Dialect`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from .ledger import SHELF, Ledger, echoes

Pairs = list[tuple[str, "str | bytes"]]


@dataclass(frozen=True)
class Dialect:
    """`fail(context, status, trailing)` ends the call with an interop.Status and trailing metadata: it raises."""

    interop: Any  # what has Status, Response, Counters
    books: Any  # what has Book, BookList
    fail: Callable[[Any, Any, Pairs], Awaitable[None]]


class InteropHandlers:
    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._ledger = Ledger()

    @contextmanager
    def _counted(self, label: str, context: Any) -> Iterator[None]:
        self._ledger.start(label, context.time_remaining())
        try:
            yield
        except (asyncio.CancelledError, GeneratorExit):
            self._ledger.add(label, "cancelled")
            raise
        self._ledger.add(label, "finished")

    async def _echo(self, context: Any) -> None:
        initial, trailing = echoes(context.invocation_metadata())
        context.set_trailing_metadata(tuple(trailing))
        if initial:
            await context.send_initial_metadata(tuple(initial))

    async def _finish(self, request: Any, context: Any) -> None:
        status = request.status
        if status is not None and status.code:
            await self._dialect.fail(context, status, echoes(context.invocation_metadata())[1])

    async def _responses(self, request: Any, count: int) -> AsyncIterator[Any]:
        for index in range(count):
            if index and request.interval_ms:
                await asyncio.sleep(request.interval_ms / 1000)
            yield self._dialect.interop.Response(payload=bytes(request.response_size), index=index)
            self._ledger.add(request.label, "sent")

    async def Unary(self, request: Any, context: Any) -> Any:
        with self._counted(request.label, context):
            await self._echo(context)
            await asyncio.sleep(request.sleep_ms / 1000)
            await self._finish(request, context)
            return self._dialect.interop.Response(
                payload=bytes(request.response_size), received_count=1, received_bytes=len(request.payload)
            )

    async def ServerStream(self, request: Any, context: Any) -> AsyncIterator[Any]:
        with self._counted(request.label, context):
            await self._echo(context)
            await asyncio.sleep(request.sleep_ms / 1000)
            async for response in self._responses(request, request.response_count):
                yield response
            await self._finish(request, context)

    async def ClientStream(self, requests: Any, context: Any) -> Any:
        await self._echo(context)
        count = size = 0
        first = None
        async for request in requests:
            if first is None:
                first = request
                self._ledger.start(request.label, context.time_remaining())
                await asyncio.sleep(request.sleep_ms / 1000)
            count += 1
            size += len(request.payload)
            self._ledger.add(first.label, "received")
        if first is not None:
            await self._finish(first, context)
        return self._dialect.interop.Response(received_count=count, received_bytes=size)

    async def Bidi(self, requests: Any, context: Any) -> AsyncIterator[Any]:
        await self._echo(context)
        async for request in requests:
            with self._counted(request.label, context):
                self._ledger.add(request.label, "received")
                async for response in self._responses(request, max(1, request.response_count)):
                    yield response
                await self._finish(request, context)

    async def Count(self, request: Any, context: Any) -> Any:
        return self._dialect.interop.Counters(**self._ledger.counters(request.label))


class BookstoreHandlers:
    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._shelf = {
            id: dialect.books.Book(id=id, title=title, author=author) for id, title, author in SHELF
        }

    async def GetBook(self, request: Any, context: Any) -> Any:
        if not request.id:
            await self._fail(context, 3, "a book needs an id")
        if request.id not in self._shelf:
            await self._fail(context, 5, "book not found")
        return self._shelf[request.id]

    async def _fail(self, context: Any, code: int, message: str) -> None:
        await self._dialect.fail(context, self._dialect.interop.Status(code=code, message=message), [])

    async def ListBooks(self, request: Any, context: Any) -> AsyncIterator[Any]:
        for book in list(self._shelf.values()):
            yield book

    async def AddBooks(self, requests: Any, context: Any) -> Any:
        added = [book async for book in requests]
        self._shelf.update((book.id, book) for book in added)
        return self._dialect.books.BookList(books=added)

    async def Chat(self, requests: Any, context: Any) -> AsyncIterator[Any]:
        async for book in requests:
            yield book
