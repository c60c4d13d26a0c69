"""gRPC over HTTP/2: channels and servers.

server = rpc.Server([Bookstore()])
await server.start("127.0.0.1:50051")

async with rpc.Channel("127.0.0.1:50051") as channel:
    stub = books.BookstoreStub(channel)
    book = await stub.GetBook(books.GetBookRequest(id="1"), timeout=2)

with rpc.sync.Channel("127.0.0.1:50051") as channel:  # the same, blocking
    book = books.BookstoreStub(channel).GetBook(books.GetBookRequest(id="1"), timeout=2)
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from .admin import admin_servicers
from .aio import Call, Channel, Server, ServicerContext
from .backoff import BackoffPolicy
from .call_stats import CallStats
from .channelz import Channelz
from .connectivity import ConnectivityState
from .dns_resolver import dns_resolver
from .errors import RpcConfigurationError, RpcError
from .generic_handlers import HandlerCallDetails
from .handlers import MethodHandler, make_handler
from .interceptor import InterceptedCall, Interceptor, Proceed
from .keepalive import Keepalive
from .limits import Limits
from .listening import listen_fds
from .load_report import LoadReport
from .metadata import Metadata
from .observer import AttemptObserver, CallObserver
from .ping_policy import PingPolicy
from .polling_resolver import polling_resolver
from .resolver import Endpoint, ResolverResult, static_resolver
from .service_config import HedgingPolicy, MethodConfig, RetryPolicy, RetryThrottling, ServiceConfig
from .status import Status, StatusCode
from .tls_files import TlsFiles
from .version import __version__
from .web import Web
from .workers import WorkerPolicy, run_workers

if TYPE_CHECKING:
    from . import interceptors, sync

__all__ = [
    "AttemptObserver",
    "BackoffPolicy",
    "Call",
    "CallObserver",
    "CallStats",
    "Channel",
    "Channelz",
    "ConnectivityState",
    "Endpoint",
    "HandlerCallDetails",
    "HedgingPolicy",
    "InterceptedCall",
    "Interceptor",
    "Keepalive",
    "Limits",
    "LoadReport",
    "Metadata",
    "MethodConfig",
    "MethodHandler",
    "PingPolicy",
    "Proceed",
    "ResolverResult",
    "RetryPolicy",
    "RetryThrottling",
    "RpcConfigurationError",
    "RpcError",
    "Server",
    "ServiceConfig",
    "ServicerContext",
    "Status",
    "StatusCode",
    "TlsFiles",
    "Web",
    "WorkerPolicy",
    "__version__",
    "admin_servicers",
    "dns_resolver",
    "interceptors",
    "listen_fds",
    "make_handler",
    "polling_resolver",
    "run_workers",
    "static_resolver",
    "sync",
]


def __getattr__(name: str) -> Any:
    if name in ("interceptors", "sync"):  # imported by those who use them
        return importlib.import_module(f".{name}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
