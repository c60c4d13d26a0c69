"""grpcio's asyncio client and barewire's: their calls have the same names, so one class drives both."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Sequence
from typing import Any, TypeVar

import grpc
from google.protobuf import empty_pb2

from barewire import rpc, schema
from tests.support.protos import BOOKSTORE, INTEROP, generated_folder, import_generated

from .outcome import MAX_MESSAGE, METHODS, PATIENCE, Outcome, Pairs, echoed

T = TypeVar("T")


class LoopThread:
    """An event loop in a thread of its own. grpcio's poller dislikes more than one loop, so one serves all tests."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name="interop loop", daemon=True)
        self._thread.start()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(2 * PATIENCE)

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(10)
        self.loop.close()


class AsyncClient:
    """`run` takes a coroutine to its end in the loop that the channel lives in."""

    interop: Any
    books: Any
    empty: Any
    END: Any = None  # what receiving gives when no more responses come

    def __init__(self, target: str, loop: LoopThread, roots: bytes | None = None) -> None:
        self._loop = loop
        self._roots = roots
        self._stubs: dict[str, Any] = {}
        self._channel: Any = loop.run(self._open(target))

    async def _open(self, target: str) -> Any:
        raise NotImplementedError

    async def _send(self, call: Any, request: Any) -> None:
        await call.write(request)

    async def _receive(self, call: Any) -> Any:
        return await call.read()

    async def _done_sending(self, call: Any) -> None:
        await call.done_writing()

    def _start(self, method: str, requests: Iterable[Any], **options: Any) -> Any:
        service, many_in, _ = METHODS[method]
        callable_ = getattr(self._stubs[service], "Unary" if service == "Nowhere" else method)
        return callable_(requests if many_in else next(iter(requests)), **options)

    async def _finish(self, call: Any, outcome: Outcome, responses: AsyncIterator[Any] | None) -> Outcome:
        """Reads the rest of `responses`, or else the one response."""
        try:
            if responses is None:
                outcome.responses.append(await call)
            else:
                async for response in responses:
                    outcome.responses.append(response)
        except (grpc.RpcError, rpc.RpcError, asyncio.CancelledError):
            pass  # the code tells
        return await self._conclude(call, outcome)

    async def _conclude(self, call: Any, outcome: Outcome) -> Outcome:
        code = await call.code()
        outcome.code = code.name
        outcome.message = await call.details() or ""
        outcome.initial = echoed(await call.initial_metadata())
        outcome.trailing = echoed(await call.trailing_metadata())
        return outcome

    def call(
        self, method: str, requests: Iterable[Any], *, timeout: float | None = PATIENCE, metadata: Pairs = ()
    ) -> Outcome:
        async def run() -> Outcome:
            call = self._start(method, requests, timeout=timeout, metadata=tuple(metadata))
            return await self._finish(call, Outcome(""), aiter(call) if METHODS[method][2] else None)

        return self._loop.run(run())

    def cancel_after_first(self, method: str, requests: Sequence[Any]) -> Outcome:
        async def run() -> Outcome:
            call = self._start(method, requests, timeout=PATIENCE)
            responses = aiter(call)
            first = await anext(responses)
            call.cancel()
            return await self._finish(call, Outcome("", responses=[first]), responses)

        return self._loop.run(run())

    def ping_pong(self, method: str, requests: Sequence[Any]) -> Outcome:
        async def run() -> Outcome:
            service, _, _ = METHODS[method]
            call = getattr(self._stubs[service], method)(timeout=PATIENCE)
            outcome = Outcome("")
            for request in requests:
                await self._send(call, request)
                outcome.responses.append(await self._receive(call))
            await self._done_sending(call)
            assert await self._receive(call) is self.END
            return await self._conclude(call, outcome)

        return self._loop.run(run())

    def read_late(self, method: str, request: Any, pause: Callable[[], None]) -> Outcome:
        async def begin() -> tuple[Any, AsyncIterator[Any], Any]:
            call = self._start(method, [request], timeout=PATIENCE)
            responses = aiter(call)
            return call, responses, await anext(responses)

        call, responses, first = self._loop.run(begin())
        pause()
        return self._loop.run(self._finish(call, Outcome("", responses=[first]), responses))

    def all_at_once(self, method: str, requests: Sequence[Any]) -> list[Outcome]:
        async def run() -> list[Outcome]:
            calls = [self._start(method, [request], timeout=PATIENCE) for request in requests]
            return await asyncio.gather(*(self._finish(call, Outcome(""), None) for call in calls))

        return self._loop.run(run())

    def close(self) -> None:
        self._loop.run(self._channel.close())


class GrpcioAioClient(AsyncClient):
    END = grpc.aio.EOF  # pyright: ignore[reportAttributeAccessIssue]  # the stubs lack it

    async def _open(self, target: str) -> Any:
        self.interop, interop_grpc, self.books, books_grpc = import_generated(
            generated_folder(), "interop_pb2", "interop_pb2_grpc", "bookstore_pb2", "bookstore_pb2_grpc"
        )
        self.empty = empty_pb2.Empty
        options = [("grpc.max_receive_message_length", MAX_MESSAGE)]
        if self._roots:
            channel = grpc.aio.secure_channel(target, grpc.ssl_channel_credentials(self._roots), options)
        else:
            channel = grpc.aio.insecure_channel(target, options)
        self._stubs = {
            "Interop": interop_grpc.InteropStub(channel),
            "Bookstore": books_grpc.BookstoreStub(channel),
            "Nowhere": interop_grpc.NowhereStub(channel),
        }
        return channel


class BarewireClient(AsyncClient):
    def _new_channel(self, target: str) -> rpc.Channel:
        tls = ssl.create_default_context(cadata=self._roots.decode()) if self._roots else None
        return rpc.Channel(target, tls=tls, max_receive_message_size=MAX_MESSAGE)

    async def _open(self, target: str) -> Any:
        self.interop = schema.load(INTEROP)
        self.books = schema.load(BOOKSTORE)
        self.empty = schema.wkt.Empty
        channel = self._new_channel(target)
        self._stubs = {
            "Interop": self.interop.InteropStub(channel),
            "Bookstore": self.books.BookstoreStub(channel),
            "Nowhere": self.interop.NowhereStub(channel),
        }
        return channel

    async def _send(self, call: Any, request: Any) -> None:
        await call.send(request)

    async def _receive(self, call: Any) -> Any:
        return await call.receive()

    async def _done_sending(self, call: Any) -> None:
        await call.done_sending()


class BarewireWithGeneratedStubs(BarewireClient):
    """barewire's channel under the stubs and messages that grpcio's generator and protoc wrote."""

    async def _open(self, target: str) -> Any:
        self.interop, interop_grpc, self.books, books_grpc = import_generated(
            generated_folder(), "interop_pb2", "interop_pb2_grpc", "bookstore_pb2", "bookstore_pb2_grpc"
        )
        self.empty = empty_pb2.Empty
        channel: Any = self._new_channel(target)
        self._stubs = {
            "Interop": interop_grpc.InteropStub(channel),
            "Bookstore": books_grpc.BookstoreStub(channel),
            "Nowhere": interop_grpc.NowhereStub(channel),
        }
        return channel
