"""What `channel.unary_unary(…)` and its siblings return, and what a stub has for each method: callables that start
calls."""

from __future__ import annotations

from collections.abc import AsyncIterable, Iterable
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ..client_method import ClientMethod
from ..metadata import Metadata, MetadataPairs
from .call_objects import StreamStreamCall, StreamUnaryCall, UnaryStreamCall, UnaryUnaryCall
from .client_call import CallState

if TYPE_CHECKING:
    from .channel import Channel

Request = TypeVar("Request")
Response = TypeVar("Response")
Requests = AsyncIterable[Request] | Iterable[Request]


class Method(ClientMethod[Any], Generic[Response]):
    """One method of a service on a channel.

    All four shapes take `timeout` (seconds from now; None: no deadline of its own), `metadata` (pairs or a mapping),
    `wait_for_ready` (wait for a connection instead of failing while there is none) and `compression` ("gzip",
    "deflate", "identity"; None: the channel's).
    """

    channel: Channel

    def _new_call(
        self,
        timeout: float | None,
        metadata: Metadata | MetadataPairs,
        wait_for_ready: bool | None,
        compression: str | None,
    ) -> CallState:
        self.channel.check_open()
        return CallState(self.channel, self, timeout, metadata, wait_for_ready, compression)


class UnaryUnaryMethod(Method[Response]):
    """One request, one response: `response = await method(request)`."""

    client_streaming = False
    server_streaming = False

    def __call__(
        self,
        request: Any,
        *,
        timeout: float | None = None,
        metadata: Metadata | MetadataPairs = (),
        wait_for_ready: bool | None = None,
        compression: str | None = None,
    ) -> UnaryUnaryCall[Response]:
        """Start a call. Raises RpcError if the request cannot be encoded, ValueError for bad metadata."""
        state = self._new_call(timeout, metadata, wait_for_ready, compression)
        state.begin(request)
        return UnaryUnaryCall(state)


class UnaryStreamMethod(Method[Response]):
    """One request, a stream of responses: `async for response in method(request)`."""

    client_streaming = False
    server_streaming = True

    def __call__(
        self,
        request: Any,
        *,
        timeout: float | None = None,
        metadata: Metadata | MetadataPairs = (),
        wait_for_ready: bool | None = None,
        compression: str | None = None,
    ) -> UnaryStreamCall[Response]:
        """Start a call. Raises RpcError if the request cannot be encoded, ValueError for bad metadata."""
        state = self._new_call(timeout, metadata, wait_for_ready, compression)
        state.begin(request)
        return UnaryStreamCall(state)


class StreamUnaryMethod(Method[Response]):
    """A stream of requests, one response: `response = await method(requests)`.

    Without `requests`, send them with `call.send` and end with `call.done_sending`, then await the call.
    """

    client_streaming = True
    server_streaming = False

    def __call__(
        self,
        requests: Requests[Any] | None = None,
        *,
        timeout: float | None = None,
        metadata: Metadata | MetadataPairs = (),
        wait_for_ready: bool | None = None,
        compression: str | None = None,
    ) -> StreamUnaryCall[Response]:
        """Start a call. Raises ValueError for bad metadata."""
        state = self._new_call(timeout, metadata, wait_for_ready, compression)
        _send_many(state, requests)
        return StreamUnaryCall(state)


class StreamStreamMethod(Method[Response]):
    """Streams both ways: `async for response in method(requests)`, or `async with method() as call` with `call.send`,
    `call.receive` and `call.done_sending`."""

    client_streaming = True
    server_streaming = True

    def __call__(
        self,
        requests: Requests[Any] | None = None,
        *,
        timeout: float | None = None,
        metadata: Metadata | MetadataPairs = (),
        wait_for_ready: bool | None = None,
        compression: str | None = None,
    ) -> StreamStreamCall[Response]:
        """Start a call. Raises ValueError for bad metadata."""
        state = self._new_call(timeout, metadata, wait_for_ready, compression)
        _send_many(state, requests)
        return StreamStreamCall(state)


def _send_many(state: CallState, requests: Requests[Any] | None) -> None:
    state.begin()
    if requests is not None:
        state.send_all(requests)
