"""Where a command has its schema from: `.proto` files, a compiled set, or the server itself."""

from __future__ import annotations

import argparse
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

from ..rpc import Channel, Metadata, RpcError, StatusCode
from ..rpc.services.reflection_client import ReflectionClient
from ..schema import JsonError, Registry, load, load_descriptor_set
from ..schema.descriptor import EnumDescriptor
from ..schema.registry import Symbol
from .errors import UserError

Result = TypeVar("Result")


def add_schema_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments that name the schema."""
    group = parser.add_argument_group("schema (without it, the server is asked by reflection)")
    group.add_argument("--proto", action="append", default=[], metavar="FILE", help="a .proto file")
    group.add_argument(
        "-I",
        "--import-path",
        dest="include",
        action="append",
        default=[],
        metavar="DIR",
        help="where imports are found",
    )
    group.add_argument(
        "--protoset", action="append", default=[], metavar="FILE", help="a compiled FileDescriptorSet"
    )


def has_schema(arguments: argparse.Namespace) -> bool:
    """Whether the arguments name files, so that no server is needed."""
    return bool(arguments.proto or arguments.protoset)


class _NotingRegistry(Registry):
    """A registry that remembers what it was asked for in vain: the types inside an Any, for one."""

    def __init__(self) -> None:
        super().__init__()
        self.missing: set[str] = set()

    def find_symbol(self, full_name: str) -> Symbol | None:
        found = super().find_symbol(full_name)
        if found is None:
            self.missing.add(full_name)
        return found


class Source:
    """A schema: what its files declare or, with `reflection`, what the server tells when it is asked."""

    def __init__(self, registry: _NotingRegistry, reflection: ReflectionClient | None = None) -> None:
        self.registry = registry
        self.reflection = reflection

    async def services(self) -> list[str]:
        """The full names of all services, in alphabetical order."""
        if self.reflection is not None:
            return await self.reflection.services()
        return sorted(service.full_name for service in self.registry.services())

    async def find(self, full_name: str) -> Symbol | None:
        """What is declared under a full name; None if nothing is. An enum value may be named inside its enum."""
        if self.reflection is not None:
            try:
                await self.reflection.load_symbol(full_name)
            except LookupError:
                return None
        found = self.registry.find_symbol(full_name)
        if found is None:
            scope, _, name = full_name.rpartition(".")
            enum = self.registry.find_symbol(scope)
            if isinstance(enum, EnumDescriptor):
                found = next((value for value in enum.values if value.name == name), None)
        return found

    async def retry(self, convert: Callable[[Registry], Result]) -> Result:
        """Convert from or to JSON. An Any may hold a type that is not known yet: then it is asked for, and the
        conversion tried again. Raises JsonError."""
        asked: set[str] = set()
        while True:
            self.registry.missing.clear()
            try:
                return convert(self.registry)
            except JsonError:
                names = self.registry.missing - asked
                if not any([await self.find(name) is not None for name in sorted(names)]):
                    raise
                asked |= names


def open_registry(arguments: argparse.Namespace) -> _NotingRegistry:
    """The files that the arguments name. Raises SchemaError and UserError."""
    registry = _NotingRegistry()
    for path in arguments.proto:
        load(path, include=arguments.include, registry=registry)
    for path in arguments.protoset:
        if not Path(path).is_file():
            raise UserError(f"there is no file {path}")
        load_descriptor_set(path, registry=registry)
    return registry


@asynccontextmanager
async def open_source(
    arguments: argparse.Namespace, channel: Channel | None, metadata: Metadata
) -> AsyncGenerator[Source]:
    """The source that the arguments name. Raises SchemaError, UserError, and RpcError if the server cannot be asked."""
    registry = open_registry(arguments)
    if has_schema(arguments):
        yield Source(registry)
        return
    assert channel is not None
    async with ReflectionClient(channel, registry=registry, metadata=metadata) as client:
        try:
            yield Source(registry, client)
        except RpcError as error:
            if error.code is StatusCode.UNIMPLEMENTED and client.refused:
                raise UserError(
                    f"the server at {channel.target} does not offer reflection; name its schema with --proto FILE"
                ) from None
            raise
