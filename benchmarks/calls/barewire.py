"""barewire: asyncio, its own messages."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from importlib.metadata import version as version_of
from typing import Any

from barewire import rpc, schema

from .contender import BOOK, PROTO, STREAM_LENGTH, AsyncDriver, Driver


def version() -> str:
    return f"barewire {version_of('barewire')} on h2 {version_of('h2')}"


def serve() -> None:
    calls: Any = schema.load(PROTO)

    class Bench(calls.BenchServicer):
        async def Unary(self, request: Any, context: Any) -> Any:
            return request

        async def Stream(self, request: Any, context: Any) -> AsyncIterator[Any]:
            book = calls.Book(**BOOK)
            for _ in range(request.count):
                yield book

    async def run() -> None:
        server = rpc.Server([Bench()])
        print(await server.start("127.0.0.1:0"), flush=True)
        await server.serve_until_signal()

    asyncio.run(run())


def connect(target: str) -> Driver:
    calls: Any = schema.load(PROTO)

    async def open() -> Any:
        return calls.BenchStub(rpc.Channel(target))

    async def unary(stub: Any) -> None:
        await stub.Unary(calls.Book(**BOOK))

    async def stream(stub: Any) -> int:
        return sum([1 async for _ in stub.Stream(calls.Count(count=STREAM_LENGTH))])

    return AsyncDriver(open, unary, stream)
