"""The types that generated `x_rpc.py` modules name: part of the contract of `schema.generated`.

Type checkers and editors read them; the program needs none of this, so it does not import it.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Iterable
from typing import Protocol, TypeVar

from .aio import ServicerContext, StreamStreamCall, StreamUnaryCall, UnaryStreamCall, UnaryUnaryCall
from .metadata import Metadata, MetadataPairs

__all__ = ["ServicerContext", "StreamStream", "StreamUnary", "UnaryStream", "UnaryUnary"]

Request = TypeVar("Request", contravariant=True)
Response = TypeVar("Response")


class UnaryUnary(Protocol[Request, Response]):
    """A method of a stub, one request, one response: `response = await stub.Method(request)`."""

    def __call__(
        self,
        request: Request,
        *,
        timeout: float | None = None,
        metadata: Metadata | MetadataPairs = (),
        wait_for_ready: bool | None = None,
        compression: str | None = None,
    ) -> UnaryUnaryCall[Response]: ...


class UnaryStream(Protocol[Request, Response]):
    """A method of a stub, one request, many responses: `async for response in stub.Method(request)`."""

    def __call__(
        self,
        request: Request,
        *,
        timeout: float | None = None,
        metadata: Metadata | MetadataPairs = (),
        wait_for_ready: bool | None = None,
        compression: str | None = None,
    ) -> UnaryStreamCall[Response]: ...


class StreamUnary(Protocol[Request, Response]):
    """A method of a stub, many requests, one response: `response = await stub.Method(requests)`, or without requests
    and with `call.send`."""

    def __call__(
        self,
        requests: AsyncIterable[Request] | Iterable[Request] | None = None,
        *,
        timeout: float | None = None,
        metadata: Metadata | MetadataPairs = (),
        wait_for_ready: bool | None = None,
        compression: str | None = None,
    ) -> StreamUnaryCall[Response]: ...


class StreamStream(Protocol[Request, Response]):
    """A method of a stub, many requests, many responses: `async for response in stub.Method(requests)`, or
    `async with stub.Method() as call` with `call.send` and `call.receive`."""

    def __call__(
        self,
        requests: AsyncIterable[Request] | Iterable[Request] | None = None,
        *,
        timeout: float | None = None,
        metadata: Metadata | MetadataPairs = (),
        wait_for_ready: bool | None = None,
        compression: str | None = None,
    ) -> StreamStreamCall[Response]: ...
