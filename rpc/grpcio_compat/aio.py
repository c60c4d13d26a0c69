"""The names of `grpc.aio`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import Executor
from typing import Any, NoReturn

from ..aio.context import ServicerContext
from ..metadata import Metadata as BarewireMetadata
from ..metadata import MetadataValue
from .aio_calls import EOF, Call
from .aio_channel import Channel, MultiCallable
from .aio_interceptors import ServerInterceptor
from .aio_server import Server
from .credentials import ChannelCredentials
from .errors import AioRpcError, UsageError
from .handlers import GenericRpcHandler
from .options import Arguments

__all__ = [
    "EOF",
    "AioRpcError",
    "Call",
    "Channel",
    "Metadata",
    "MultiCallable",
    "Server",
    "ServerInterceptor",
    "ServicerContext",
    "StreamStreamCall",
    "StreamStreamMultiCallable",
    "StreamUnaryCall",
    "StreamUnaryMultiCallable",
    "UnaryStreamCall",
    "UnaryStreamMultiCallable",
    "UnaryUnaryCall",
    "UnaryUnaryMultiCallable",
    "UsageError",
    "insecure_channel",
    "secure_channel",
    "server",
]

# One class serves all shapes; programs name these in annotations.
UnaryUnaryCall = UnaryStreamCall = StreamUnaryCall = StreamStreamCall = Call
UnaryUnaryMultiCallable = UnaryStreamMultiCallable = MultiCallable
StreamUnaryMultiCallable = StreamStreamMultiCallable = MultiCallable

INSTEAD = dict.fromkeys(
    [
        f"{requests}{responses}ClientInterceptor"
        for requests in ("Unary", "Stream")
        for responses in ("Unary", "Stream")
    ],
    "interceptors of channels derive from barewire.rpc.Interceptor, one class for all shapes",
)


def __getattr__(name: str) -> NoReturn:
    raise AttributeError(
        f"grpcio_compat.aio has no {name!r}: {INSTEAD.get(name, 'barewire has nothing like it')}"
    )


class Metadata(BarewireMetadata):
    """Metadata made from pairs: `Metadata(("key", "value"), …)`."""

    __slots__ = ()

    def __init__(self, *pairs: tuple[str, MetadataValue]) -> None:
        super().__init__(pairs)


def server(
    migration_thread_pool: Executor | None = None,
    handlers: Iterable[GenericRpcHandler] | None = None,
    interceptors: Sequence[Any] | None = None,
    options: Arguments = None,
    maximum_concurrent_rpcs: int | None = None,
    compression: Any = None,
) -> Server:
    """A server. Plain `def` methods run in `migration_thread_pool`, or in a pool of its own."""
    return Server(
        migration_thread_pool,
        handlers or (),
        interceptors or (),
        options,
        maximum_concurrent_rpcs,
        compression,
    )


def insecure_channel(
    target: str,
    options: Arguments = None,
    compression: Any = None,
    interceptors: Sequence[Any] | None = None,
) -> Channel:
    """A channel without TLS."""
    return Channel(target, None, options, compression, interceptors or ())


def secure_channel(
    target: str,
    credentials: ChannelCredentials,
    options: Arguments = None,
    compression: Any = None,
    interceptors: Sequence[Any] | None = None,
) -> Channel:
    """A channel with TLS, and with what else its credentials bring."""
    return Channel(target, credentials, options, compression, interceptors or ())
