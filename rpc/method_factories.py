"""The four ways to make a method of a channel; channels say which classes their methods are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from .handlers import Deserializer, Serializer

UnaryUnary = TypeVar("UnaryUnary")
UnaryStream = TypeVar("UnaryStream")
StreamUnary = TypeVar("StreamUnary")
StreamStream = TypeVar("StreamStream")


class MethodFactories(Generic[UnaryUnary, UnaryStream, StreamUnary, StreamStream]):
    """What a stub asks a channel for. The makers get the channel, the path, both serializers, and whether the path
    stands in a schema: that is what `_registered_method` means, which stubs of grpcio's generator pass."""

    _unary_unary: Callable[..., UnaryUnary]
    _unary_stream: Callable[..., UnaryStream]
    _stream_unary: Callable[..., StreamUnary]
    _stream_stream: Callable[..., StreamStream]

    def unary_unary(
        self,
        method: str,
        request_serializer: Serializer | None = None,
        response_deserializer: Deserializer | None = None,
        _registered_method: bool | None = False,
    ) -> UnaryUnary:
        """The method at this path ("/pkg.Service/Method"). Without serializers, messages are bytes."""
        return self._unary_unary(
            self,
            method,
            request_serializer or bytes,
            response_deserializer or bytes,
            bool(_registered_method),
        )

    def unary_stream(
        self,
        method: str,
        request_serializer: Serializer | None = None,
        response_deserializer: Deserializer | None = None,
        _registered_method: bool | None = False,
    ) -> UnaryStream:
        """The same for one request and a stream of responses."""
        return self._unary_stream(
            self,
            method,
            request_serializer or bytes,
            response_deserializer or bytes,
            bool(_registered_method),
        )

    def stream_unary(
        self,
        method: str,
        request_serializer: Serializer | None = None,
        response_deserializer: Deserializer | None = None,
        _registered_method: bool | None = False,
    ) -> StreamUnary:
        """The same for a stream of requests and one response."""
        return self._stream_unary(
            self,
            method,
            request_serializer or bytes,
            response_deserializer or bytes,
            bool(_registered_method),
        )

    def stream_stream(
        self,
        method: str,
        request_serializer: Serializer | None = None,
        response_deserializer: Deserializer | None = None,
        _registered_method: bool | None = False,
    ) -> StreamStream:
        """The same for streams both ways."""
        return self._stream_stream(
            self,
            method,
            request_serializer or bytes,
            response_deserializer or bytes,
            bool(_registered_method),
        )
