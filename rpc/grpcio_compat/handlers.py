"""Method handlers as `_pb2_grpc` modules and hand-written servers make them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, NamedTuple

from ..generic_handlers import HandlerCallDetails
from ..handlers import Deserializer, Serializer

__all__ = [
    "Compression",
    "GenericRpcHandler",
    "HandlerCallDetails",
    "RpcMethodHandler",
    "compression_name",
    "method_handlers_generic_handler",
    "stream_stream_rpc_method_handler",
    "stream_unary_rpc_method_handler",
    "unary_stream_rpc_method_handler",
    "unary_unary_rpc_method_handler",
]


class Compression(StrEnum):
    """What messages are compressed with; the value is barewire's name for it."""

    NoCompression = "identity"
    Deflate = "deflate"
    Gzip = "gzip"


_OF_GRPCIO = (Compression.NoCompression, Compression.Deflate, Compression.Gzip)


def compression_name(value: Compression | int | None) -> str | None:
    """barewire's name of a Compression, grpcio's own (a number) included; None stays None."""
    return _OF_GRPCIO[value].value if isinstance(value, int) else value


class RpcMethodHandler(NamedTuple):
    """How one method is answered: the function stands under the name of its shape, the others are None."""

    request_streaming: bool
    response_streaming: bool
    request_deserializer: Deserializer | None = None
    response_serializer: Serializer | None = None
    unary_unary: Callable[..., Any] | None = None
    unary_stream: Callable[..., Any] | None = None
    stream_unary: Callable[..., Any] | None = None
    stream_stream: Callable[..., Any] | None = None


class GenericRpcHandler(ABC):
    """Finds the handler of a call."""

    @abstractmethod
    def service(self, handler_call_details: HandlerCallDetails) -> Any:
        """The RpcMethodHandler for `handler_call_details.method`, or None if it is not this handler's."""


class _Methods(GenericRpcHandler):
    def __init__(self, service: str, method_handlers: Mapping[str, Any]) -> None:
        self._handlers = {f"/{service}/{name}": handler for name, handler in method_handlers.items()}

    def service(self, handler_call_details: HandlerCallDetails) -> Any:
        return self._handlers.get(handler_call_details.method)


def method_handlers_generic_handler(service: str, method_handlers: Mapping[str, Any]) -> GenericRpcHandler:
    """The generic handler of one service: method name → RpcMethodHandler."""
    return _Methods(service, method_handlers)


def unary_unary_rpc_method_handler(
    behavior: Callable[..., Any],
    request_deserializer: Deserializer | None = None,
    response_serializer: Serializer | None = None,
) -> RpcMethodHandler:
    """`behavior(request, context)` returns the response."""
    return RpcMethodHandler(False, False, request_deserializer, response_serializer, unary_unary=behavior)


def unary_stream_rpc_method_handler(
    behavior: Callable[..., Any],
    request_deserializer: Deserializer | None = None,
    response_serializer: Serializer | None = None,
) -> RpcMethodHandler:
    """`behavior(request, context)` yields responses, or writes them to its context."""
    return RpcMethodHandler(False, True, request_deserializer, response_serializer, unary_stream=behavior)


def stream_unary_rpc_method_handler(
    behavior: Callable[..., Any],
    request_deserializer: Deserializer | None = None,
    response_serializer: Serializer | None = None,
) -> RpcMethodHandler:
    """`behavior(requests, context)` returns the response."""
    return RpcMethodHandler(True, False, request_deserializer, response_serializer, stream_unary=behavior)


def stream_stream_rpc_method_handler(
    behavior: Callable[..., Any],
    request_deserializer: Deserializer | None = None,
    response_serializer: Serializer | None = None,
) -> RpcMethodHandler:
    """`behavior(requests, context)` yields responses, or writes them to its context."""
    return RpcMethodHandler(True, True, request_deserializer, response_serializer, stream_stream=behavior)
