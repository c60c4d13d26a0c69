"""Print what is declared under a name, or all services, as .proto text.

  barewire describe localhost:50051 bookstore.Bookstore
  barewire describe --proto bookstore.proto bookstore.Book

The name is the full one of a service, method, message, field, oneof, enum, enum value or extension."""

from __future__ import annotations

import argparse
import asyncio

from ..schema.descriptor import (
    EnumDescriptor,
    EnumValueDescriptor,
    FieldDescriptor,
    MessageDescriptor,
    MethodDescriptor,
    OneofDescriptor,
    ServiceDescriptor,
)
from ..schema.print_proto import print_symbol
from ..schema.registry import Symbol
from ..wire.plan import Kind
from .connection import add_connection_arguments
from .errors import UserError
from .question import add_question_arguments, ask
from .source import Source, add_schema_arguments


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_question_arguments(parser, "NAME")
    add_schema_arguments(parser)
    add_connection_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    asyncio.run(ask(arguments, _describe))
    return 0


async def _describe(source: Source, name: str | None) -> None:
    for wanted in await source.services() if name is None else [name.lstrip(".").replace("/", ".")]:
        symbol = await source.find(wanted)
        if symbol is None:
            raise UserError(f"there is nothing called {wanted!r}")
        print(f"{_shown_name(symbol)} is {_what(symbol)}:")
        print(print_symbol(symbol))


def _shown_name(symbol: Symbol) -> str:
    # Enum values are siblings of their enum; they are easier to tell apart inside it.
    return (
        f"{symbol.enum.full_name}.{symbol.name}"
        if isinstance(symbol, EnumValueDescriptor)
        else symbol.full_name
    )


def _what(symbol: Symbol) -> str:
    match symbol:
        case FieldDescriptor(is_extension=True):
            return "an extension"
        case FieldDescriptor(kind=Kind.GROUP):
            return "a group field"
        case FieldDescriptor():
            return "a field"
        case MessageDescriptor():
            return "a message"
        case EnumDescriptor():
            return "an enum"
        case EnumValueDescriptor():
            return "an enum value"
        case OneofDescriptor():
            return "a one-of"
        case ServiceDescriptor():
            return "a service"
        case MethodDescriptor():
            return "a method"
