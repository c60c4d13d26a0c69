"""`grpc.aio.insecure_channel()` and `secure_channel()`: barewire's channel with grpcio's calls and errors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any

from ..aio.channel import Channel as BarewireChannel
from ..connectivity import SHUTDOWN, ConnectivityState
from ..interceptor import Interceptor
from ..metadata import Metadata
from ..method_factories import MethodFactories
from .aio_calls import Call
from .credentials import CallCredentials, ChannelCredentials
from .errors import UsageError, translated
from .handlers import compression_name
from .options import Arguments, channel_keywords


def _check_open(channel: Any) -> None:
    if channel.state is SHUTDOWN:
        raise UsageError(f"the channel to {channel.target} is closed")


class MultiCallable:
    """One method of a channel: what a stub has under the method's name."""

    def __init__(self, method: Any, credentials: CallCredentials | None) -> None:
        self._method: Any = method
        self._credentials = credentials

    def __call__(
        self,
        request: Any = None,
        *,
        timeout: float | None = None,
        metadata: Any = None,
        credentials: CallCredentials | None = None,
        wait_for_ready: bool | None = None,
        compression: Any = None,
    ) -> Call:
        """Start a call with a request, or (where the client streams) an iterable of them or None."""
        _check_open(self._method.channel)
        pairs = Metadata(metadata or ())
        for each in (self._credentials, credentials):
            if each is not None:
                self._authorize(pairs, each)
        with translated():
            call = self._method(
                request,
                timeout=timeout,
                metadata=pairs,
                wait_for_ready=wait_for_ready,
                compression=compression_name(compression),
            )
        return Call(call, self._method.server_streaming)

    def _authorize(self, pairs: Metadata, credentials: CallCredentials) -> None:
        channel = self._method.channel
        if channel.scheme != "https":
            raise ValueError("call credentials are sent on secure channels only")
        for key, value in credentials.metadata(channel.authority, self._method.path):
            pairs.add(key, value)


class Channel(MethodFactories[MultiCallable, MultiCallable, MultiCallable, MultiCallable]):
    """A channel; see `barewire.rpc.Channel` for what it does."""

    def __init__(
        self,
        target: str,
        credentials: ChannelCredentials | None,
        options: Arguments,
        compression: Any,
        interceptors: Sequence[Any],
    ) -> None:
        foreign = [each for each in interceptors if not isinstance(each, Interceptor)]
        if foreign:
            raise TypeError(
                f"{foreign[0]!r} is an interceptor of grpcio's; on a channel, interceptors derive from "
                "barewire.rpc.Interceptor"
            )
        self._credentials = None if credentials is None else credentials.calls
        self._channel = BarewireChannel(
            target,
            tls=None if credentials is None else credentials.tls,
            compression=compression_name(compression),
            interceptors=interceptors,
            **channel_keywords(options),
        )
        self._unary_unary = self._maker(self._channel.unary_unary)
        self._unary_stream = self._maker(self._channel.unary_stream)
        self._stream_unary = self._maker(self._channel.stream_unary)
        self._stream_stream = self._maker(self._channel.stream_stream)

    def _maker(self, kind: Callable[..., Any]) -> Callable[..., MultiCallable]:
        def make(channel: Channel, *method: Any) -> MultiCallable:
            return MultiCallable(kind(*method), self._credentials)

        return make

    def get_state(self, try_to_connect: bool = False) -> ConnectivityState:
        """The channel's state."""
        return self._channel.get_state(try_to_connect)

    async def wait_for_state_change(self, last_observed_state: ConnectivityState) -> None:
        """Return when the state is another one."""
        _check_open(self._channel)
        await self._channel.wait_for_state_change(last_observed_state)

    async def channel_ready(self) -> None:
        """Return when there is a connection."""
        _check_open(self._channel)
        await self._channel.channel_ready()

    async def close(self, grace: float | None = None) -> None:
        """Close it; calls in flight get `grace` seconds (None: none)."""
        await self._channel.close(grace)

    async def __aenter__(self) -> Channel:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
