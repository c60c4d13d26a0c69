"""What a blocking channel's `unary_unary(…)` and its siblings return: callables that make calls."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Generic, TypeVar, Unpack, overload

from ..client_method import CallOptions, ClientMethod
from .call_objects import StreamStreamCall, StreamUnaryCall, UnaryStreamCall, UnaryUnaryCall
from .client_call import CallState

if TYPE_CHECKING:
    from .channel import Channel

Response = TypeVar("Response")


class Method(ClientMethod[Any], Generic[Response]):
    """One method of a service on a blocking channel. For the options of its calls see `CallOptions`.

    An iterable of requests is asked for the next one by the thread that waits for the call. It must not wait for a
    response itself; for that there are `call.send` and `call.receive`.
    """

    channel: Channel

    def _begin(self, *first: Any, options: CallOptions, requests: Iterable[Any] | None = None) -> CallState:
        self.channel.check_open()
        state = CallState(self.channel, self, **options)
        state.begin(*first, requests=requests)
        return state


class UnaryUnaryMethod(Method[Response]):
    """One request, one response: `response = method(request)`."""

    client_streaming = False
    server_streaming = False

    def __call__(self, request: Any, **options: Unpack[CallOptions]) -> Response:
        """Make a call and return its response. Raises RpcError if it fails, ValueError for bad metadata."""
        return self.start(request, **options).result()

    def with_call(
        self, request: Any, **options: Unpack[CallOptions]
    ) -> tuple[Response, UnaryUnaryCall[Response]]:
        """The same, with the call itself, which knows the metadata."""
        call = self.start(request, **options)
        return call.result(), call

    def start(self, request: Any, **options: Unpack[CallOptions]) -> UnaryUnaryCall[Response]:
        """Send the request and return the call: `call.result()` waits, and another thread can cancel it."""
        return UnaryUnaryCall(self._begin(request, options=options))


class UnaryStreamMethod(Method[Response]):
    """One request, a stream of responses: `for response in method(request)`."""

    client_streaming = False
    server_streaming = True

    def __call__(self, request: Any, **options: Unpack[CallOptions]) -> UnaryStreamCall[Response]:
        """Start a call. Raises RpcError if the request cannot be encoded, ValueError for bad metadata."""
        return UnaryStreamCall(self._begin(request, options=options))


class StreamUnaryMethod(Method[Response]):
    """A stream of requests, one response: `response = method(requests)`.

    Without `requests` it returns the call: send with `call.send`, end with `call.done_sending`, then `call.result()`.
    """

    client_streaming = True
    server_streaming = False

    @overload
    def __call__(self, requests: Iterable[Any], **options: Unpack[CallOptions]) -> Response: ...
    @overload
    def __call__(
        self, requests: None = None, **options: Unpack[CallOptions]
    ) -> StreamUnaryCall[Response]: ...
    def __call__(self, requests: Iterable[Any] | None = None, **options: Unpack[CallOptions]) -> Any:
        """Make a call and return its response, or start one. Raises RpcError, or ValueError for bad metadata."""
        call: StreamUnaryCall[Response] = StreamUnaryCall(self._begin(options=options, requests=requests))
        return call if requests is None else call.result()

    def with_call(
        self, requests: Iterable[Any], **options: Unpack[CallOptions]
    ) -> tuple[Response, StreamUnaryCall[Response]]:
        """The response, with the call itself."""
        call: StreamUnaryCall[Response] = StreamUnaryCall(self._begin(options=options, requests=requests))
        return call.result(), call


class StreamStreamMethod(Method[Response]):
    """Streams both ways: `for response in method(requests)`, or `with method() as call` with `call.send`,
    `call.receive` and `call.done_sending`."""

    client_streaming = True
    server_streaming = True

    def __call__(
        self, requests: Iterable[Any] | None = None, **options: Unpack[CallOptions]
    ) -> StreamStreamCall[Response]:
        """Start a call. Raises ValueError for bad metadata."""
        return StreamStreamCall(self._begin(options=options, requests=requests))
