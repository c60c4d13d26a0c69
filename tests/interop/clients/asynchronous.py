"""grpcio's asyncio client and barewire's: their calls have the same names, so one class drives both."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Sequence
from typing import Any, TypeVar

import grpc

from barewire import rpc

from .barewire_sync import barewire_options
from .grpcio_sync import grpcio_options
from .load_hearing import HeardLoad
from .outcome import (
    MAX_MESSAGE,
    METHODS,
    PATIENCE,
    Client,
    Conversation,
    Outcome,
    Pairs,
    Plain,
    kept,
)
from .stubs import generated, loaded

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


class AsyncClient(Client):
    """`run` takes a coroutine to its end in the loop that the channel lives in."""

    END: Any = None  # what receiving gives when no more responses come

    def __init__(self, target: str, loop: LoopThread, roots: bytes | None = None) -> None:
        self._loop = loop
        self._roots = roots
        self._stubs: dict[str, Any]
        self._channel: Any = loop.run(self._open(target))

    async def _open(self, target: str) -> Any:
        """Makes the channel, `messages` and `_stubs`."""
        raise NotImplementedError

    def _options(self, **options: Any) -> dict[str, Any]:
        """The options of `Client.call` in this library's words."""
        raise NotImplementedError

    async def _send(self, call: Any, request: Any) -> None:
        await call.write(request)

    async def _receive(self, call: Any) -> Any:
        return await call.read()

    async def _done_sending(self, call: Any) -> None:
        await call.done_writing()

    def _start(self, method: str, requests: Iterable[Any], **options: Any) -> Any:
        first = requests if METHODS[method].many_in else next(iter(requests))
        return self._method(method)(first, **self._options(**options))

    def _method(self, method: str) -> Any:
        return getattr(self._stubs[METHODS[method].service], METHODS[method].name)

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
        outcome.initial = kept(await call.initial_metadata())
        outcome.trailing = kept(await call.trailing_metadata())
        return outcome

    def call(
        self,
        method: str,
        requests: Iterable[Any],
        *,
        timeout: float | None = PATIENCE,
        metadata: Pairs = (),
        compression: str | None = None,
        token: str | None = None,
    ) -> Outcome:
        async def run() -> Outcome:
            call = self._start(
                method,
                requests,
                timeout=timeout,
                metadata=tuple(metadata),
                compression=compression,
                token=token,
            )
            return await self._finish(call, Outcome(""), aiter(call) if METHODS[method].many_out else None)

        return self._loop.run(run())

    def cancel_at_once(self, method: str) -> Outcome:
        async def run() -> Outcome:
            call = self._method(method)(timeout=PATIENCE)
            call.cancel()
            return await self._finish(call, Outcome(""), None)

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
            call = self._method(method)(timeout=PATIENCE)
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
        options = [("grpc.max_receive_message_length", MAX_MESSAGE)]
        if self._roots:
            channel = grpc.aio.secure_channel(target, grpc.ssl_channel_credentials(self._roots), options)
        else:
            channel = grpc.aio.insecure_channel(target, options)
        self.messages, self._stubs = generated(channel)
        return channel

    def _options(self, **options: Any) -> dict[str, Any]:
        return grpcio_options(**options)


class BarewireConversation(Conversation):
    def __init__(self, loop: LoopThread, call: Any) -> None:
        self._loop = loop
        self._call = call

    def turn(self, request: Any) -> Any:
        async def run() -> Any:
            await self._call.send(request)
            return await self._call.receive()

        return self._loop.run(run())

    def end(self) -> None:
        async def run() -> None:
            await self._call.done_sending()
            assert await self._call.receive() is None

        self._loop.run(run())


class BarewireClient(AsyncClient):
    def __init__(self, target: str, loop: LoopThread, roots: bytes | None = None, **options: Any) -> None:
        self._target = target
        self._channel_options = options
        super().__init__(target, loop, roots)

    def _new_channel(self, target: str) -> rpc.Channel:
        tls = ssl.create_default_context(cadata=self._roots.decode()) if self._roots else None
        limits = {"max_receive_message_size": MAX_MESSAGE}
        return rpc.Channel(target, tls=tls, **limits, **self._channel_options)

    def hearing(self) -> tuple[Client, HeardLoad]:
        heard = HeardLoad()
        return type(self)(self._target, self._loop, self._roots, **heard.options), heard

    def converse(self, method: str) -> Conversation:
        async def begin() -> Any:
            return self._method(method)(timeout=PATIENCE)

        return BarewireConversation(self._loop, self._loop.run(begin()))

    async def _open(self, target: str) -> Any:
        channel = self._new_channel(target)
        self.messages, self._stubs = loaded(channel)
        return channel

    def _options(self, **options: Any) -> dict[str, Any]:
        return barewire_options(**options)

    def _start(self, method: str, requests: Iterable[Any], **options: Any) -> Any:
        requests = list(requests)
        if not any(isinstance(request, Plain) for request in requests):
            return super()._start(method, requests, **options)
        call = self._method(method)(**self._options(**options))

        async def send_all() -> None:
            for request in requests:
                if isinstance(request, Plain):
                    await call.send(request.message, compress=False)
                else:
                    await call.send(request)
            await call.done_sending()

        self._sending = asyncio.ensure_future(send_all())
        return call

    async def _send(self, call: Any, request: Any) -> None:
        await call.send(request)

    async def _receive(self, call: Any) -> Any:
        return await call.receive()

    async def _done_sending(self, call: Any) -> None:
        await call.done_sending()


class BarewireWithGeneratedStubs(BarewireClient):
    """barewire's channel under the stubs and messages that grpcio's generator and protoc wrote."""

    async def _open(self, target: str) -> Any:
        channel = self._new_channel(target)
        self.messages, self._stubs = generated(channel)
        return channel
