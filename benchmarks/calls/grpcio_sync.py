"""grpcio with threads, with upb messages: ten in the server, one for each call in flight in the client."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc

from .contender import BOOK, STREAM_LENGTH, Driver, grpcio_modules


def version() -> str:
    return f"grpcio {grpc.__version__}, threads"


def serve() -> None:
    pb2, pb2_grpc = grpcio_modules()

    class Bench(pb2_grpc.BenchServicer):
        def Unary(self, request: Any, context: Any) -> Any:
            return request

        def Stream(self, request: Any, context: Any) -> Iterator[Any]:
            book = pb2.Book(**BOOK)
            for _ in range(request.count):
                yield book

    server = grpc.server(ThreadPoolExecutor(10))
    pb2_grpc.add_BenchServicer_to_server(Bench(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    server.wait_for_termination()


class SyncDriver:
    def __init__(self, target: str) -> None:
        self._pb2, pb2_grpc = grpcio_modules()
        self._stub: Any = pb2_grpc.BenchStub(grpc.insecure_channel(target))

    def unary(self, in_flight: int, calls: int) -> None:
        def one_after_the_other(count: int) -> None:
            for _ in range(count):
                self._stub.Unary(self._pb2.Book(**BOOK))

        if in_flight == 1:
            return one_after_the_other(calls)
        with ThreadPoolExecutor(in_flight) as pool:
            list(pool.map(one_after_the_other, [calls // in_flight] * in_flight))
        return None

    def stream(self, calls: int) -> None:
        for _ in range(calls):
            assert sum(1 for _ in self._stub.Stream(self._pb2.Count(count=STREAM_LENGTH))) == STREAM_LENGTH


def connect(target: str) -> Driver:
    return SyncDriver(target)
