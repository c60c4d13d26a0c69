"""grpcio's names on barewire: `from barewire.rpc import grpcio_compat as grpc`.

A program that was written for `grpc.aio` runs with this one import changed: its servicers, stubs and `_pb2_grpc`
modules stay as they are. What grpcio has and barewire has not raises AttributeError with what to use instead;
docs/how-to/from-grpcio.md lists the differences.
"""

from __future__ import annotations

from typing import NoReturn

from ..connectivity import ConnectivityState as ChannelConnectivity
from ..status import StatusCode
from . import aio
from .credentials import (
    CallCredentials,
    ChannelCredentials,
    ServerCredentials,
    access_token_call_credentials,
    composite_call_credentials,
    composite_channel_credentials,
    metadata_call_credentials,
    ssl_channel_credentials,
    ssl_server_credentials,
)
from .errors import RpcError
from .handlers import (
    Compression,
    GenericRpcHandler,
    HandlerCallDetails,
    RpcMethodHandler,
    method_handlers_generic_handler,
    stream_stream_rpc_method_handler,
    stream_unary_rpc_method_handler,
    unary_stream_rpc_method_handler,
    unary_unary_rpc_method_handler,
)

__all__ = [
    "CallCredentials",
    "ChannelConnectivity",
    "ChannelCredentials",
    "Compression",
    "GenericRpcHandler",
    "HandlerCallDetails",
    "RpcError",
    "RpcMethodHandler",
    "ServerCredentials",
    "ServicerContext",
    "StatusCode",
    "access_token_call_credentials",
    "aio",
    "composite_call_credentials",
    "composite_channel_credentials",
    "metadata_call_credentials",
    "method_handlers_generic_handler",
    "ssl_channel_credentials",
    "ssl_server_credentials",
    "stream_stream_rpc_method_handler",
    "stream_unary_rpc_method_handler",
    "unary_stream_rpc_method_handler",
    "unary_unary_rpc_method_handler",
]

ServicerContext = aio.ServicerContext  # what programs annotate their handlers with

_INSTEAD = {
    "server": "a server needs an event loop: use grpc.aio.server(); plain `def` methods run there too, in threads",
    "insecure_channel": "use grpc.aio.insecure_channel, or the blocking barewire.rpc.sync.Channel",
    "secure_channel": "use grpc.aio.secure_channel, or the blocking barewire.rpc.sync.Channel",
    "intercept_channel": "pass interceptors=[…] (barewire.rpc.Interceptor) to the channel",
    "channel_ready_future": "use `await channel.channel_ready()`",
    "dynamic_ssl_server_credentials": "barewire.rpc.TlsFiles reads renewed certificates by itself",
    **aio.INSTEAD,
}


def __getattr__(name: str) -> NoReturn:
    hint = _INSTEAD.get(name, "barewire has nothing like it")
    raise AttributeError(f"grpcio_compat has no {name!r}: {hint}")
