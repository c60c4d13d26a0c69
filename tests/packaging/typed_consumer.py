"""A typed program as a user writes it: `make wheel-check` checks it strictly against an installed wheel."""

from __future__ import annotations

import asyncio
from typing import assert_type

from barewire import rpc, schema

books = schema.load("bookstore.proto")
book = books.Book(id="1", title="gRPC Fundamentals")


def code_of(error: rpc.RpcError) -> rpc.StatusCode:
    return error.code


async def fetch(target: str) -> None:
    async with rpc.Channel(target) as channel:
        stub = books.BookstoreStub(channel)
        try:
            await stub.GetBook(books.GetBookRequest(id="1"), timeout=2)
        except rpc.RpcError as error:
            assert_type(code_of(error), rpc.StatusCode)


async def serve(address: str) -> None:
    server = rpc.Server([books.BookstoreServicer()])
    await server.start(address)
    await server.serve_until_signal()


if __name__ == "__main__":
    asyncio.run(fetch("127.0.0.1:50051"))
