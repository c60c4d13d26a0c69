"""grpcio's server interceptors: they choose the handler of a call, and may wait while they do."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

from ..errors import RpcError
from ..generic_handlers import GenericHandler, HandlerCallDetails, as_method_handler
from ..handlers import MethodHandler, make_handler
from ..status import StatusCode

Continuation = Callable[[HandlerCallDetails], Awaitable[Any]]


class ServerInterceptor(ABC):
    """Base class of interceptors of `grpc.aio.server(interceptors=[…])`."""

    @abstractmethod
    async def intercept_service(
        self, continuation: Continuation, handler_call_details: HandlerCallDetails
    ) -> Any:
        """The RpcMethodHandler of the call: what `await continuation(handler_call_details)` gives, or another."""


def intercepted(interceptors: Sequence[Any], find: GenericHandler) -> GenericHandler:
    """`find` inside the interceptors, the first outermost.

    They may wait, and the shape of the call is known only when they are done. So the call is taken as one that streams
    both ways, of bytes, and brought into shape afterwards.
    """

    async def innermost(details: HandlerCallDetails) -> Any:
        return find(details)

    continuation: Continuation = innermost
    for interceptor in reversed(interceptors):
        continuation = _bind(interceptor, continuation)

    def handler_of(details: HandlerCallDetails) -> MethodHandler:
        async def answer(requests: AsyncIterator[bytes], context: Any) -> None:
            found = await continuation(details)
            if found is None:
                raise RpcError(StatusCode.UNIMPLEMENTED, f"this server has no method {details.method[:200]}")
            await _Shaped(as_method_handler(details.method, found), requests, context).run()

        return make_handler(details.method, answer, client_streaming=True, server_streaming=True)

    return handler_of


def _bind(interceptor: Any, continuation: Continuation) -> Continuation:
    async def step(details: HandlerCallDetails) -> Any:
        return await interceptor.intercept_service(continuation, details)

    return step


class _Shaped:
    """One call of bytes both ways, as the call of a handler."""

    def __init__(self, handler: MethodHandler, requests: AsyncIterator[bytes], context: Any) -> None:
        self._handler = handler
        self._requests = requests
        self._context = _MessageContext(context, handler)

    async def run(self) -> None:
        handler = self._handler
        if not handler.is_async:
            raise RpcError(StatusCode.INTERNAL, "behind interceptors, handlers have to be `async def`")
        outcome = handler.function(await self._request(), self._context)
        if inspect.isasyncgen(outcome):
            async for message in outcome:
                await self._context.write(message)
            return
        response = await outcome
        if not handler.server_streaming and self._context.code() in (None, StatusCode.OK):
            await self._context.write(response)

    async def _request(self) -> Any:
        if self._handler.client_streaming:
            return self._decoded()
        found = [request async for request in self._decoded()]
        if len(found) != 1:
            reason = f"{self._handler.path} takes one request; {len(found) or 'none'} came"
            raise RpcError(StatusCode.UNIMPLEMENTED, reason)
        return found[0]

    async def _decoded(self) -> AsyncIterator[Any]:
        while (message := await self._context.read()) is not None:
            yield message


class _MessageContext:
    """The context of a call of bytes, for a handler of messages."""

    def __init__(self, context: Any, handler: MethodHandler) -> None:
        self._context = context
        self._handler = handler

    async def read(self) -> Any:
        data = await self._context.read()
        if data is None:
            return None
        try:
            return self._handler.request_deserializer(data)
        except Exception as error:
            raise RpcError(StatusCode.INTERNAL, f"the request cannot be decoded: {error}") from error

    async def write(self, message: Any) -> None:
        try:
            data = self._handler.response_serializer(message)
        except Exception as error:
            reason = f"the response cannot be encoded ({type(error).__name__})"
            raise RpcError(StatusCode.INTERNAL, reason) from error
        await self._context.write(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._context, name)
