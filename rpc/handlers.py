"""Method handlers: which function answers a path, in which shape, and how its messages become bytes."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..schema.service import ServiceSpec
from .errors import RpcConfigurationError, RpcError
from .status import Status

Serializer = Callable[[Any], bytes]
Deserializer = Callable[[bytes], Any]


@dataclass(frozen=True, slots=True)
class MethodHandler:
    """One method of a server.

    `function` takes (request, context) or, with `client_streaming`, (requests, context). `is_async` tells an
    `async def` from a plain function, `is_generator` whether it yields its responses.
    """

    path: str
    function: Callable[..., Any]
    client_streaming: bool
    server_streaming: bool
    request_deserializer: Deserializer
    response_serializer: Serializer
    is_async: bool
    is_generator: bool


def service_of(servicer: object) -> ServiceSpec | None:
    """The service that a servicer implements."""
    return getattr(servicer, "__service__", None)


def handlers_of(servicer: object) -> list[MethodHandler]:
    """The handlers of a servicer: an object whose class derives from a generated or loaded `…Servicer`.

    Methods that the class does not define are left out; the server answers them with UNIMPLEMENTED. Raises
    RpcConfigurationError for an object that is no servicer, or a function that does not fit its method's shape.
    """
    spec = service_of(servicer)
    if spec is None or isinstance(servicer, type):
        raise RpcConfigurationError(
            f"{servicer!r} is not a servicer; pass an instance of a class derived from a …Servicer"
        )
    handlers: list[MethodHandler] = []
    for method in spec.methods:
        function = getattr(servicer, method.attribute)
        if getattr(function, "__unimplemented__", False):
            continue
        handlers.append(
            make_handler(
                method.path,
                function,
                client_streaming=method.client_streaming,
                server_streaming=method.server_streaming,
                request_deserializer=method.request_deserializer,
                response_serializer=method.response_serializer,
            )
        )
    return handlers


def make_handler(
    path: str,
    function: Callable[..., Any],
    *,
    client_streaming: bool = False,
    server_streaming: bool = False,
    request_deserializer: Deserializer = bytes,
    response_serializer: Serializer = bytes,
) -> MethodHandler:
    """A handler for one path. Without serializers, messages are bytes. Raises RpcConfigurationError."""
    async_generator = inspect.isasyncgenfunction(function)
    is_generator = async_generator or inspect.isgeneratorfunction(function)
    if is_generator and not server_streaming:
        raise RpcConfigurationError(f"{path} has one response; its handler must return it, not yield")
    return MethodHandler(
        path,
        function,
        client_streaming,
        server_streaming,
        request_deserializer,
        response_serializer,
        is_async=async_generator or inspect.iscoroutinefunction(function),
        is_generator=is_generator,
    )


def refusing_handler(path: str, status: Status) -> MethodHandler:
    """A handler that fails every call with `status`, whatever its shape, without waiting for a message."""

    async def refuse(requests: object, context: object) -> None:
        raise RpcError.from_status(status)

    return make_handler(path, refuse, client_streaming=True, server_streaming=True)
