"""The bookstore called in all four shapes, and the bytes of every message taken apart.

python examples/bookstore/demo.py
"""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any

from bookstore import books
from server import Bookstore

from barewire import rpc, schema
from barewire.wire.names import names_from_plan
from barewire.wire.render import render

WIDTH = 100
COLOUR = sys.stdout.isatty() and "NO_COLOR" not in os.environ

INTRODUCTION = """\
barewire: a bookstore server and its client talk gRPC, over HTTP/2 on {address}.

Each message is printed as JSON, and then as the bytes that are sent, one line for each field. A
field is a tag, for some types a length, and a value. The tag holds the field number and the wire
type: 0x12 is 2 * 8 + 2, field 2 of wire type 2, which is called LEN: a length and that many bytes
follow. Names and types are not in the bytes; they come from bookstore.proto. In front of each
message, gRPC sends a prefix of five bytes: whether the message is compressed, and its length."""


class Show(rpc.Interceptor):
    """Prints the messages of every call as they are sent and received."""

    async def intercept(self, call: rpc.InterceptedCall, proceed: rpc.Proceed) -> None:
        call.on_send(lambda message: show("client sends", message))
        call.on_receive(lambda message: show("server sends", message))
        await proceed()


def show(what: str, message: Any) -> None:
    data = message.encode()
    prefix = b"\0" + len(data).to_bytes(4, "big")
    size = f"{len(data)} bytes after the prefix {prefix.hex(' ')}"
    print(f"\n{paint('1', what)} {message.__descriptor__.full_name}, {size}")
    print(f"  {message.to_json()}")
    for line in render(data, names_from_plan(message.__plan__), colour=COLOUR).splitlines():
        print(f"    {line}")


def heading(title: str) -> None:
    print(f"\n\n{paint('1;36', f'── {title} '.ljust(WIDTH, '─'))}")


def status(code: str, message: str = "") -> None:
    print(f"\n{paint('1', 'status')} {code}{message and f': {message}'}")


def paint(style: str, text: str) -> str:
    return f"\x1b[{style}m{text}\x1b[0m" if COLOUR else text


async def call_all_shapes(stub: Any) -> None:
    new = [books.Book(id="4", title="Dune"), books.Book(id="5", title="Emma")]

    heading("1. GetBook is unary: one request, one response")
    await stub.GetBook(books.GetBookRequest(id="2"))
    status("OK")

    heading("2. AddBooks is client streaming: many requests, one response")
    await stub.AddBooks(new)
    status("OK")

    heading("3. ListBooks is server streaming: one request, many responses")
    async for _ in stub.ListBooks(schema.wkt.Empty()):
        pass  # Show has printed it
    status("OK")

    heading("4. Chat is bidirectional: both sides send when they like")
    async with stub.Chat() as call:
        for book in new:
            await call.send(book)
            await call.receive()
        await call.done_sending()
        await call.receive()  # None: the server is done, too
        status((await call.code()).name)

    heading("5. A call that fails has a status instead of a response")
    try:
        await stub.GetBook(books.GetBookRequest(id="404"))
    except rpc.RpcError as error:
        status(f"{error.code.name} ({error.code.value})", error.message)


async def main() -> None:
    async with rpc.Server([Bookstore()]) as server:
        address = f"127.0.0.1:{await server.start('127.0.0.1:0')}"
        print(INTRODUCTION.format(address=address))
        async with rpc.Channel(address, interceptors=[Show()]) as channel:
            await call_all_shapes(books.BookstoreStub(channel))
    print("\n\nThe code of this page: examples/bookstore/demo.py")


if __name__ == "__main__":
    asyncio.run(main())
