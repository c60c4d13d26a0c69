"""A server that calls itself all the time: `python -m tests.cli.busy_server stats` (or channelz) prints its port."""

from __future__ import annotations

import asyncio
import itertools
import sys
from typing import Any

from barewire import rpc
from tests.cli.bookstore_server import books
from tests.support.processes import die_with_parent


class Busy(books.BookstoreServicer):  # type: ignore[misc, name-defined]
    """Every third book is missing, and \\x1b[31m in its name could colour a terminal."""

    async def GetBook(self, request: Any, context: Any) -> Any:
        await asyncio.sleep(0.002)
        if request.id == "2":
            raise rpc.RpcError(rpc.StatusCode.NOT_FOUND, "\x1b[31mno such book")
        return books.Book(id=request.id)


async def call_all_the_time(port: int) -> None:
    """The port is printed when there is something to see."""
    async with rpc.Channel(f"127.0.0.1:{port}") as channel:
        stub = books.BookstoreStub(channel)
        for turn in itertools.count():
            calls = [stub.GetBook(books.GetBookRequest(id=str(number))) for number in range(3)]
            await asyncio.gather(*calls, return_exceptions=True)
            if turn == 1:
                print(port, flush=True)


async def main() -> None:
    options: dict[str, Any] = dict.fromkeys(sys.argv[1:], True)
    async with rpc.Server([Busy()], **options) as server:
        await call_all_the_time(await server.start("127.0.0.1:0"))


if __name__ == "__main__":
    die_with_parent()
    asyncio.run(main())
