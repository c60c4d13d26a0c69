"""gRPC over HTTP/2: channels and servers.

server = rpc.Server([Bookstore()])
await server.start("127.0.0.1:50051")

async with rpc.Channel("127.0.0.1:50051") as channel:
    stub = books.BookstoreStub(channel)
    book = await stub.GetBook(books.GetBookRequest(id="1"), timeout=2)
"""

from __future__ import annotations

from .aio import Call, Channel, Server, ServicerContext
from .backoff import BackoffPolicy
from .errors import RpcConfigurationError, RpcError
from .interceptor import InterceptedCall, Interceptor, Proceed
from .limits import Limits
from .metadata import Metadata
from .status import Status, StatusCode
from .version import __version__

__all__ = [
    "BackoffPolicy",
    "Call",
    "Channel",
    "InterceptedCall",
    "Interceptor",
    "Limits",
    "Metadata",
    "Proceed",
    "RpcConfigurationError",
    "RpcError",
    "Server",
    "ServicerContext",
    "Status",
    "StatusCode",
    "__version__",
]
