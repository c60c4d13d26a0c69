"""barewire's server: `python -m tests.interop.peers.barewire_server [ADDRESS]` prints its port, or its address."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from barewire import rpc, schema
from tests.support.processes import die_with_parent
from tests.support.protos import BOOKSTORE, INTEROP

from .async_handlers import BookstoreHandlers, Dialect, InteropHandlers, Pairs

interop = schema.load(INTEROP)
books = schema.load(BOOKSTORE)


class Interop(InteropHandlers, interop.InteropServicer):
    """The shared handlers come first: the generated base answers UNIMPLEMENTED."""


class Bookstore(BookstoreHandlers, books.BookstoreServicer):
    pass


async def fail(context: Any, status: Any, trailing: Pairs) -> None:
    details = [interop.Detail(text=status.detail)] if status.detail else []
    raise rpc.RpcError(rpc.StatusCode(status.code), status.message, details=details, metadata=trailing)


async def serve(address: str) -> None:
    dialect = Dialect(interop, books, fail)
    server = rpc.Server([Interop(dialect), Bookstore(dialect)], max_receive_message_size=16 << 20)
    port = await server.start(address)
    print(port)
    await server.serve_until_signal()


if __name__ == "__main__":
    die_with_parent()
    asyncio.run(serve(sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:0"))
