"""What is common to the contenders: the messages, generated code, and how an asyncio client makes its calls.

A contender's module has `version()`, `serve()` (prints its port, and serves for ever) and `connect(target)`, which
gives a `Driver`.
"""

from __future__ import annotations

import asyncio
import functools
import importlib
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Protocol

HERE = Path(__file__).resolve().parent
PROTO = HERE / "calls.proto"
CACHE = HERE.parents[1] / ".cache" / "benchmarks"

BOOK = {"id": "1", "title": "gRPC Fundamentals", "author": "A. N. Author"}  # 37 bytes
STREAM_LENGTH = 1000


class Driver(Protocol):
    """A client under test. Both methods return when all calls are done."""

    def unary(self, in_flight: int, calls: int) -> None:
        """Makes `calls` unary calls, `in_flight` at a time."""
        ...

    def stream(self, calls: int) -> None:
        """Reads `calls` streams of STREAM_LENGTH messages, one after the other."""
        ...


class AsyncDriver:
    """A client on asyncio. `open` makes a stub; `unary` and `stream` are one call each."""

    def __init__(
        self,
        open: Callable[[], Awaitable[Any]],
        unary: Callable[[Any], Awaitable[Any]],
        stream: Callable[[Any], Awaitable[int]],
    ) -> None:
        self._runner = asyncio.Runner()
        self._unary, self._stream = unary, stream
        self._stub: Any = self._runner.run(self._opened(open))

    async def _opened(self, open: Callable[[], Awaitable[Any]]) -> Any:
        return await open()

    def unary(self, in_flight: int, calls: int) -> None:
        async def one_after_the_other(count: int) -> None:
            for _ in range(count):
                await self._unary(self._stub)

        async def run() -> None:
            await asyncio.gather(*(one_after_the_other(calls // in_flight) for _ in range(in_flight)))

        self._runner.run(run())

    def stream(self, calls: int) -> None:
        async def run() -> None:
            for _ in range(calls):
                assert await self._stream(self._stub) == STREAM_LENGTH

        self._runner.run(run())


@functools.cache
def generated(*options: str) -> None:
    """Runs protoc over calls.proto with Google's message generator and the given options; imports then find it."""
    out = CACHE / "generated_calls"
    out.mkdir(parents=True, exist_ok=True)
    plugins = Path(sys.executable).parent  # protoc looks for its plugins on PATH
    command = [sys.executable, "-m", "grpc_tools.protoc", f"-I{HERE}", f"--python_out={out}"]
    command += [option.format(out=out) for option in options]
    subprocess.run([*command, str(PROTO)], check=True, env={"PATH": str(plugins)}, capture_output=True)
    sys.path.insert(0, str(out))


def grpcio_modules() -> tuple[Any, Any]:
    """calls_pb2 and calls_pb2_grpc."""
    generated("--grpc_python_out={out}")
    return importlib.import_module("calls_pb2"), importlib.import_module("calls_pb2_grpc")
