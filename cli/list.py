"""List the services of a gRPC server (by reflection) or of .proto files, or the methods of one service.

barewire list localhost:50051
barewire list localhost:50051 bookstore.Bookstore
barewire list --proto bookstore.proto"""

from __future__ import annotations

import argparse
import asyncio

from ..schema.descriptor import ServiceDescriptor
from .connection import add_connection_arguments
from .errors import UserError
from .question import add_question_arguments, ask
from .source import Source, add_schema_arguments


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_question_arguments(parser, "SERVICE")
    add_schema_arguments(parser)
    add_connection_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    asyncio.run(ask(arguments, _list))
    return 0


async def _list(source: Source, name: str | None) -> None:
    if name is None:
        for service in await source.services():
            print(service)
        return
    service = await source.find(name)
    if not isinstance(service, ServiceDescriptor):
        raise UserError(f"there is no service {name!r}")
    for method in sorted(service.methods, key=lambda method: method.name):
        print(method.full_name)
