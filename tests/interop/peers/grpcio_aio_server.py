"""grpcio's asyncio server; prints its port: `python -m … FOLDER [ADDRESS [CERTIFICATE]]`.

FOLDER has the generated modules.
"""

from __future__ import annotations

import asyncio
import sys
from functools import partial
from pathlib import Path
from typing import Any

import grpc

from tests.support.processes import die_with_parent
from tests.support.protos import import_generated

from .async_handlers import BookstoreHandlers, Dialect, InteropHandlers, Pairs
from .ledger import orca_report, rich_status
from .official_service import AsyncTestService, ServiceMessages

MAX_MESSAGE = 16 << 20
CODES = {code.value[0]: code for code in grpc.StatusCode}


async def fail_with(context: Any, code: int, message: str) -> None:
    await context.abort(CODES[code], message, context.trailing_metadata() or ())


async def serve(folder: Path, address: str = "127.0.0.1:0", certificate: str | None = None) -> None:
    interop, interop_grpc, books, books_grpc = import_generated(
        folder, "interop_pb2", "interop_pb2_grpc", "bookstore_pb2", "bookstore_pb2_grpc"
    )
    testing, testing_grpc, orca = import_generated(folder, "testing_pb2", "testing_pb2_grpc", "orca_pb2")

    async def fail(context: Any, status: Any, trailing: Pairs) -> None:
        if status.detail:
            trailing = [*trailing, ("grpc-status-details-bin", rich_status(interop, status))]
        await context.abort(CODES[status.code], status.message, tuple(trailing))

    dialect = Dialect(interop, books, fail)
    server = grpc.aio.server(options=[("grpc.max_receive_message_length", MAX_MESSAGE)])
    interop_grpc.add_InteropServicer_to_server(InteropHandlers(dialect), server)
    books_grpc.add_BookstoreServicer_to_server(BookstoreHandlers(dialect), server)

    class TestService(AsyncTestService, testing_grpc.TestServiceServicer):
        """The generated base answers UNIMPLEMENTED."""

    messages = ServiceMessages(testing, partial(orca_report, orca), grpc.Compression.Gzip)
    testing_grpc.add_TestServiceServicer_to_server(TestService(messages, fail_with), server)
    if certificate:
        both = Path(certificate).read_bytes()
        port = server.add_secure_port(address, grpc.ssl_server_credentials([(both, both)]))
    else:
        port = server.add_insecure_port(address)
    await server.start()
    print(port)
    await server.wait_for_termination()


if __name__ == "__main__":
    die_with_parent()
    asyncio.run(serve(Path(sys.argv[1]), *sys.argv[2:]))
