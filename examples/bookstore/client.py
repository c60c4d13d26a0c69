"""The bookstore's client: one call of each shape.

python examples/bookstore/client.py --target 127.0.0.1:50051
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator
from typing import Any

from bookstore import books
from interceptors import BringToken

from barewire import rpc, schema


async def get_book(stub: Any, id: str) -> Any:
    """Unary: await the call for its response. A failed call raises RpcError."""
    return await stub.GetBook(books.GetBookRequest(id=id), timeout=5)


async def list_books(stub: Any) -> AsyncIterator[Any]:
    """Server streaming: iterate over the call."""
    async for book in stub.ListBooks(schema.wkt.Empty(), timeout=5):
        yield book


async def add_books(stub: Any, new: list[Any]) -> Any:
    """Client streaming: pass any iterable or async iterable of requests."""
    return await stub.AddBooks(new, timeout=5)


async def chat(stub: Any, topics: list[Any]) -> AsyncIterator[Any]:
    """Bidirectional: send and receive in any order; `done_sending` says that no request follows."""
    async with stub.Chat(timeout=5) as call:
        for book in topics:
            await call.send(book)
            yield await call.receive()
        await call.done_sending()
        assert await call.receive() is None  # the server is done as well


async def run(target: str, token: str | None) -> None:
    interceptors = [BringToken(token)] if token else []
    async with rpc.Channel(target, interceptors=interceptors) as channel:
        stub = books.BookstoreStub(channel)
        new = [books.Book(id="4", title="Roadside Picnic"), books.Book(id="5", title="The Dispossessed")]

        print("GetBook  ", (await get_book(stub, "1")).to_json())
        print("AddBooks ", (await add_books(stub, new)).to_json())
        async for book in list_books(stub):
            print("ListBooks", book.to_json())
        async for book in chat(stub, new):
            print("Chat     ", book.to_json())
        try:
            await get_book(stub, "404")
        except rpc.RpcError as error:
            print("GetBook  ", error.code.name, error.message)


def main() -> int:
    parser = argparse.ArgumentParser(description="Call the bookstore in all four shapes.")
    parser.add_argument("--target", default="127.0.0.1:50051", help="default: %(default)s")
    parser.add_argument("--token", help="the bearer token that the server requires")
    arguments = parser.parse_args()
    try:
        asyncio.run(run(arguments.target, arguments.token))
    except rpc.RpcError as error:
        print(f"bookstore: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
