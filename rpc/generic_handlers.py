"""Generic handlers: code that answers paths which no servicer declares, such as a proxy's.

A generic handler is a function of a HandlerCallDetails, or an object with such a function as `service` (grpcio's
GenericRpcHandler). It returns a MethodHandler (`make_handler` makes one), grpcio's RpcMethodHandler, or None when the
path is not its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .errors import RpcConfigurationError
from .handlers import MethodHandler, make_handler
from .metadata import Metadata


@dataclass(frozen=True, slots=True)
class HandlerCallDetails:
    """What is known of a call before it has a handler: the path, and the request's metadata."""

    method: str
    invocation_metadata: Metadata


GenericHandler = Callable[[HandlerCallDetails], Any]

# RpcMethodHandler keeps its function under the name of its shape: (request_streaming, response_streaming) → name.
_SHAPES = {
    (False, False): "unary_unary",
    (False, True): "unary_stream",
    (True, False): "stream_unary",
    (True, True): "stream_stream",
}


def as_generic_handler(handler: Any) -> GenericHandler:
    """The function to ask. Raises RpcConfigurationError for what is no generic handler."""
    function = getattr(handler, "service", handler)
    if not callable(function):
        raise RpcConfigurationError(
            f"{handler!r} is no generic handler: it has no service(handler_call_details) and cannot be called"
        )
    return function


def as_method_handler(path: str, found: Any) -> MethodHandler:
    """What a generic handler returned (not None) as a MethodHandler for `path`. Raises RpcConfigurationError."""
    if isinstance(found, MethodHandler):
        return found
    try:
        shape = bool(found.request_streaming), bool(found.response_streaming)
        function = getattr(found, _SHAPES[shape])
        deserializer, serializer = found.request_deserializer, found.response_serializer
    except AttributeError as error:
        raise RpcConfigurationError(f"{found!r} is no method handler: {error}") from None
    if function is None:
        raise RpcConfigurationError(f"the method handler of {path} has no {_SHAPES[shape]} function")
    return make_handler(
        path,
        function,
        client_streaming=shape[0],
        server_streaming=shape[1],
        request_deserializer=deserializer or bytes,
        response_serializer=serializer or bytes,
    )
