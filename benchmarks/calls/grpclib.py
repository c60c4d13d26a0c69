"""grpclib: asyncio, on h2, with upb messages."""

from __future__ import annotations

import asyncio
import importlib
from importlib.metadata import version as version_of
from typing import Any

from .contender import BOOK, STREAM_LENGTH, AsyncDriver, Driver, generated


def version() -> str:
    return f"grpclib {version_of('grpclib')} on h2 {version_of('h2')}"


def modules() -> tuple[Any, Any]:
    generated("--grpclib_python_out={out}")
    return importlib.import_module("calls_pb2"), importlib.import_module("calls_grpc")


def serve() -> None:
    from grpclib.server import Server

    pb2, calls_grpc = modules()

    class Bench(calls_grpc.BenchBase):
        async def Unary(self, stream: Any) -> None:
            await stream.send_message(await stream.recv_message())

        async def Stream(self, stream: Any) -> None:
            request = await stream.recv_message()
            book = pb2.Book(**BOOK)
            for _ in range(request.count):
                await stream.send_message(book)

    async def run() -> None:
        server = Server([Bench()])
        await server.start("127.0.0.1", 0)
        # grpclib keeps its asyncio server to itself, and does not tell the port that it was given.
        print(server._server.sockets[0].getsockname()[1], flush=True)
        await server.wait_closed()

    asyncio.run(run())


def connect(target: str) -> Driver:
    from grpclib.client import Channel

    pb2, calls_grpc = modules()
    host, port = target.rsplit(":", 1)

    async def open() -> Any:
        return calls_grpc.BenchStub(Channel(host, int(port)))

    async def unary(stub: Any) -> None:
        await stub.Unary(pb2.Book(**BOOK))

    async def stream(stub: Any) -> int:
        # stub.Stream(…) would collect a list; this reads one by one, as the others do.
        async with stub.Stream.open() as call:
            await call.send_message(pb2.Count(count=STREAM_LENGTH), end=True)
            return sum([1 async for _ in call])

    return AsyncDriver(open, unary, stream)
