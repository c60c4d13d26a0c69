"""grpc.testing.TestService, which the official cases call: for asyncio servers (grpcio's and barewire's), and for
grpcio's blocking one.

What a request asks for is worked out once; the two classes differ in how they wait and fail.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

from .blocking_wait import wait
from .ledger import echoes

INVALID_ARGUMENT = 3
NOT_COMPRESSED = "the request should have come compressed, and did not"
ORCA_KEY = "endpoint-load-metrics-bin"


@dataclass(frozen=True)
class ServiceMessages:
    """The message classes of one library, and what its API has for compression.

    `was_compressed()` tells a handler how its request came; None where the library does not say.
    """

    testing: Any
    orca_report: Callable[[Any], bytes]  # a TestOrcaReport → an encoded OrcaLoadReport
    gzip: Any
    was_compressed: Callable[[], bool] | None = None
    tell_load: Callable[[Any], None] | None = None  # have a TestOrcaReport sent to those who listen

    def lacks_compression(self, request: Any) -> bool:
        """Whether this request should have come compressed, and did not."""
        expected = request.expect_compressed
        return bool(expected and expected.value and self.was_compressed and not self.was_compressed())

    def payload(self, size: int) -> Any:
        return self.testing.Payload(body=bytes(size))

    def trailing(self, request: Any, metadata: Iterable[Any]) -> list[tuple[str, str | bytes]]:
        """The trailing metadata of a unary call: what is echoed, and the load report that was asked for."""
        trailing = echoes(metadata)[1]
        report = request.orca_per_query_report
        if report is not None and report != type(report)():
            trailing.append((ORCA_KEY, self.orca_report(report)))
        return trailing

    def simple_response(self, request: Any, metadata: Iterable[Any]) -> Any:
        username = ""
        if request.fill_username:
            username = dict(metadata).get("authorization", "").removeprefix("Bearer ")
        return self.testing.SimpleResponse(
            payload=self.payload(request.response_size),
            username=username,
            server_id=f"process {os.getpid()}" if request.fill_server_id else "",
        )

    def compresses(self, parameters: Any) -> bool:
        return bool(parameters.compressed and parameters.compressed.value)


class AsyncTestService:
    """`fail(context, code, message)` ends a call: it raises."""

    def __init__(self, messages: ServiceMessages, fail: Callable[..., Any]) -> None:
        self._messages = messages
        self._fail = fail

    async def _greet(self, context: Any, trailing: list[Any] | None = None) -> None:
        initial, echoed = echoes(context.invocation_metadata())
        context.set_trailing_metadata(tuple(echoed if trailing is None else trailing))
        if initial:
            await context.send_initial_metadata(tuple(initial))

    async def _end_as_asked(self, request: Any, context: Any) -> None:
        status = request.response_status
        if status is not None and status.code:
            await self._fail(context, status.code, status.message)

    async def _check(self, request: Any, context: Any) -> None:
        if self._messages.lacks_compression(request):
            await self._fail(context, INVALID_ARGUMENT, NOT_COMPRESSED)

    async def _answers(self, request: Any, context: Any) -> AsyncIterator[Any]:
        for parameters in request.response_parameters:
            await asyncio.sleep(parameters.interval_us / 1e6)
            if not self._messages.compresses(parameters):
                context.disable_next_message_compression()
            payload = self._messages.payload(parameters.size)
            yield self._messages.testing.StreamingOutputCallResponse(payload=payload)

    async def EmptyCall(self, request: Any, context: Any) -> Any:
        return self._messages.testing.Empty()

    async def UnaryCall(self, request: Any, context: Any) -> Any:
        metadata = list(context.invocation_metadata())
        await self._greet(context, self._messages.trailing(request, metadata))
        await self._check(request, context)
        await self._end_as_asked(request, context)
        if request.response_compressed and request.response_compressed.value:
            context.set_compression(self._messages.gzip)
        return self._messages.simple_response(request, metadata)

    async def StreamingOutputCall(self, request: Any, context: Any) -> AsyncIterator[Any]:
        if any(map(self._messages.compresses, request.response_parameters)):
            context.set_compression(self._messages.gzip)
        await self._end_as_asked(request, context)
        async for answer in self._answers(request, context):
            yield answer

    async def StreamingInputCall(self, requests: Any, context: Any) -> Any:
        size = 0
        async for request in requests:
            await self._check(request, context)
            size += len(request.payload.body)
        return self._messages.testing.StreamingInputCallResponse(aggregated_payload_size=size)

    async def FullDuplexCall(self, requests: Any, context: Any) -> AsyncIterator[Any]:
        await self._greet(context)
        async for request in requests:
            await self._end_as_asked(request, context)
            if request.orca_oob_report is not None and self._messages.tell_load:
                self._messages.tell_load(request.orca_oob_report)
            async for answer in self._answers(request, context):
                yield answer

    async def HalfDuplexCall(self, requests: Any, context: Any) -> AsyncIterator[Any]:
        for request in [request async for request in requests]:
            async for answer in self._answers(request, context):
                yield answer


class BlockingTestService:
    """The same for grpcio's blocking server. `fail(context, code, message)` raises."""

    def __init__(self, messages: ServiceMessages, fail: Callable[..., NoReturn]) -> None:
        self._messages = messages
        self._fail = fail

    def _greet(self, context: Any, trailing: list[Any] | None = None) -> None:
        initial, echoed = echoes(context.invocation_metadata())
        context.set_trailing_metadata(tuple(echoed if trailing is None else trailing))
        if initial:
            context.send_initial_metadata(tuple(initial))

    def _end_as_asked(self, request: Any, context: Any) -> None:
        if request.response_status.code:
            self._fail(context, request.response_status.code, request.response_status.message)

    def _answers(self, request: Any, context: Any) -> Iterator[Any]:
        for parameters in request.response_parameters:
            if parameters.interval_us:
                wait(context, parameters.interval_us / 1e6)
            if not self._messages.compresses(parameters):
                context.disable_next_message_compression()
            payload = self._messages.payload(parameters.size)
            yield self._messages.testing.StreamingOutputCallResponse(payload=payload)

    def EmptyCall(self, request: Any, context: Any) -> Any:
        return self._messages.testing.Empty()

    def UnaryCall(self, request: Any, context: Any) -> Any:
        metadata = list(context.invocation_metadata())
        self._greet(context, self._messages.trailing(request, metadata))
        self._end_as_asked(request, context)
        if request.response_compressed.value:
            context.set_compression(self._messages.gzip)
        return self._messages.simple_response(request, metadata)

    def StreamingOutputCall(self, request: Any, context: Any) -> Iterator[Any]:
        if any(map(self._messages.compresses, request.response_parameters)):
            context.set_compression(self._messages.gzip)
        self._end_as_asked(request, context)
        yield from self._answers(request, context)

    def StreamingInputCall(self, requests: Any, context: Any) -> Any:
        size = sum(len(request.payload.body) for request in requests)
        return self._messages.testing.StreamingInputCallResponse(aggregated_payload_size=size)

    def FullDuplexCall(self, requests: Any, context: Any) -> Iterator[Any]:
        self._greet(context)
        for request in requests:
            self._end_as_asked(request, context)
            yield from self._answers(request, context)

    def HalfDuplexCall(self, requests: Any, context: Any) -> Iterator[Any]:
        for request in list(requests):
            yield from self._answers(request, context)
