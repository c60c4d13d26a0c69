"""barewire's server: `python -m tests.interop.peers.barewire_server [ADDRESS [CERTIFICATE]]` prints its port.

On a SIGTERM it finishes the calls in flight, and ends with status 0.
"""

from __future__ import annotations

import asyncio
import ssl
import sys
from typing import Any

from barewire import rpc, schema
from barewire.rpc.services.orca import OrcaServicer
from tests.support.processes import die_with_parent
from tests.support.protos import BOOKSTORE, INTEROP, TESTING

from .async_handlers import BookstoreHandlers, Dialect, InteropHandlers, Pairs
from .compression_peephole import was_compressed, watch
from .official_service import AsyncTestService, ServiceMessages

interop = schema.load(INTEROP)
books = schema.load(BOOKSTORE)
testing = schema.load(TESTING)


class Interop(InteropHandlers, interop.InteropServicer):
    """The shared handlers come first: the generated base answers UNIMPLEMENTED."""


class Bookstore(BookstoreHandlers, books.BookstoreServicer):
    pass


class TestService(AsyncTestService, testing.TestServiceServicer):
    pass


async def fail(context: Any, status: Any, trailing: Pairs) -> None:
    details = [interop.Detail(text=status.detail)] if status.detail else []
    raise rpc.RpcError(rpc.StatusCode(status.code), status.message, details=details, metadata=trailing)


async def fail_with(context: Any, code: int, message: str) -> None:
    raise rpc.RpcError(rpc.StatusCode(code), message)


REPORTED = ("cpu_utilization", "memory_utilization", "request_cost", "utilization")


def orca_report(report: Any) -> bytes:
    return rpc.LoadReport(**{name: getattr(report, name) for name in REPORTED}).encode()


async def serve(address: str = "127.0.0.1:0", certificate: str | None = None) -> None:
    dialect = Dialect(interop, books, fail)
    watch()
    load = rpc.LoadReport()

    def tell_load(report: Any) -> None:
        for name in REPORTED:
            setattr(load, name, getattr(report, name))

    messages = ServiceMessages(testing, orca_report, "gzip", was_compressed, tell_load)
    official = TestService(messages, fail_with)
    servicers = [Interop(dialect), Bookstore(dialect), official, OrcaServicer(load, min_interval=1.0)]
    server = rpc.Server(servicers, max_receive_message_size=16 << 20)
    tls = None
    if certificate:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(certificate)
    print(await server.start(address, tls=tls))
    await server.serve_until_signal()


if __name__ == "__main__":
    die_with_parent()
    asyncio.run(serve(*sys.argv[1:]))
