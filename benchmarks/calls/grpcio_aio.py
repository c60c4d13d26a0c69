"""grpcio on asyncio, with upb messages."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc

from .contender import BOOK, AsyncDriver, Driver, grpcio_modules


def version() -> str:
    return f"grpcio {grpc.__version__}, asyncio"


def serve() -> None:
    pb2, pb2_grpc = grpcio_modules()

    class Bench(pb2_grpc.BenchServicer):
        async def Unary(self, request: Any, context: Any) -> Any:
            return request

        async def Stream(self, request: Any, context: Any) -> AsyncIterator[Any]:
            book = pb2.Book(**BOOK)
            for _ in range(request.count):
                yield book

    async def run() -> None:
        server = grpc.aio.server()
        pb2_grpc.add_BenchServicer_to_server(Bench(), server)
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        print(port, flush=True)
        await server.wait_for_termination()

    asyncio.run(run())


def connect(target: str) -> Driver:
    pb2, pb2_grpc = grpcio_modules()

    async def open() -> Any:
        return pb2_grpc.BenchStub(grpc.aio.insecure_channel(target))

    async def unary(stub: Any) -> None:
        await stub.Unary(pb2.Book(**BOOK))

    async def stream(stub: Any) -> int:
        return sum([1 async for _ in stub.Stream(pb2.Count(count=1000))])

    return AsyncDriver(open, unary, stream)
