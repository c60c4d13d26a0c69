"""A registry: the files that were loaded together, and the classes built from them.

Nothing here is global. Two registries share the well-known types and nothing else; two schemas loaded into one registry
share every class that they both use.
"""

from __future__ import annotations

from collections.abc import Iterable
from threading import RLock
from typing import Any, TypeVar

from ..wire.enum import Enum
from ..wire.message import Extension
from .build import Builder
from .descriptor import (
    EnumDescriptor,
    EnumValueDescriptor,
    FieldDescriptor,
    FileDescriptor,
    MessageDescriptor,
    MethodDescriptor,
    OneofDescriptor,
    ServiceDescriptor,
)
from .errors import SchemaError
from .message import Message
from .pickling import pickling_key
from .service import Servicer, ServiceSpec, Stub, build_servicer, build_stub, service_spec
from .wkt import FILES as WELL_KNOWN_FILES
from .wkt.shared import FilePool, shared_builder, well_known_descriptor

Declared = MessageDescriptor | EnumDescriptor | ServiceDescriptor | FieldDescriptor | EnumValueDescriptor
Symbol = Declared | OneofDescriptor | MethodDescriptor
D = TypeVar("D", MessageDescriptor, EnumDescriptor, ServiceDescriptor, FieldDescriptor)


class Registry:
    """Files by name, symbols by full name, extensions by message and number, and the classes of them all.

    `files` are all files known here, `origins` where those that were read from disk came from. What a lookup does not
    find it raises as LookupError, unless it says that it returns None.
    """

    def __init__(self, *, builder: Builder | None = None) -> None:
        self.files: dict[str, FileDescriptor] = FilePool()
        self.origins: dict[str, str] = {}
        self.builder = builder or Builder(shared=shared_builder(), registry=self)
        # With a builder of its own, a registry has classes that pickle finds in their modules.
        self.pickling_key = pickling_key(self) if builder is None else ""
        self._lock = RLock()
        self._indexed: set[FileDescriptor] = set()
        self._symbols: dict[str, Declared] = {}
        self._services: dict[ServiceDescriptor, ServiceSpec] = {}
        self._servicers: dict[ServiceDescriptor, type[Servicer]] = {}
        self._stubs: dict[ServiceDescriptor, type[Stub]] = {}
        self._extensions: dict[str, dict[int, FieldDescriptor]] = {}
        self._protos: dict[FileDescriptor, bytes] = {}

    def add(self, *files: FileDescriptor) -> None:
        """Make files and all that they import known here.

        Raises SchemaError when a name or an extension number is taken by another file.
        """
        with self._lock:
            new = [file for file in with_dependencies(files) if file not in self._indexed]
            try:
                for file in new:
                    self._index(file)
            except SchemaError:
                for file in new:  # the compiler may have added them before they were looked at here
                    if file not in self._indexed and self.files.get(file.name) is file:
                        del self.files[file.name]
                raise

    # Classes

    def message_class(self, name: str | MessageDescriptor) -> type[Message]:
        """The class of a message, by full name or descriptor."""
        descriptor = self._declared(name, MessageDescriptor, "message") if isinstance(name, str) else name
        return self.builder.message_class(descriptor)

    def enum_class(self, name: str | EnumDescriptor) -> type[Enum]:
        """The class of an enum, by full name or descriptor."""
        descriptor = self._declared(name, EnumDescriptor, "enum") if isinstance(name, str) else name
        return self.builder.enum_class(descriptor)

    def extension(self, name: str | FieldDescriptor) -> Extension[Any]:
        """The key of `msg[…]` for an extension, by full name or descriptor."""
        descriptor = self._declared(name, FieldDescriptor, "extension") if isinstance(name, str) else name
        return self.builder.extension(descriptor)

    def service(self, name: str | ServiceDescriptor) -> ServiceSpec:
        """What a server or a client must know of a service, by full name or descriptor."""
        descriptor = self._service_descriptor(name)
        with self._lock:
            spec = self._services.get(descriptor)
            if spec is None:
                spec = self._services[descriptor] = service_spec(descriptor, self.builder)
            return spec

    def servicer_class(self, name: str | ServiceDescriptor) -> type[Servicer]:
        """The base class of a service's implementations, by full name or descriptor."""
        descriptor = self._service_descriptor(name)
        with self._lock:
            servicer = self._servicers.get(descriptor)
            if servicer is None:
                servicer = self._servicers[descriptor] = build_servicer(self.service(descriptor))
            return servicer

    def stub_class(self, name: str | ServiceDescriptor) -> type[Stub]:
        """The client class of a service, by full name or descriptor."""
        descriptor = self._service_descriptor(name)
        with self._lock:
            stub = self._stubs.get(descriptor)
            if stub is None:
                stub = self._stubs[descriptor] = build_stub(self.service(descriptor))
            return stub

    # Descriptors

    def has_message(self, full_name: str) -> bool:
        """Whether a message of this full name is known."""
        return isinstance(self.find_symbol(full_name), MessageDescriptor)

    def find_symbol(self, full_name: str) -> Symbol | None:
        """What is declared under a full name: a message, an enum, a service, an extension, and also a method
        (`pkg.Service.Method`), a field or a oneof (`pkg.Message.field`) or an enum value; None when nothing is."""
        found = self._symbols.get(full_name)
        if found is None:
            found = well_known_descriptor(full_name)
        if found is None:
            found = self._find_member(full_name)
        return found

    def find_extension(self, message: str, number: int) -> FieldDescriptor | None:
        """The extension of a message (by its full name) with this number, or None."""
        return self._extensions.get(message, {}).get(number)

    def extension_numbers(self, message: str) -> list[int]:
        """The numbers of all known extensions of a message (by its full name), in ascending order."""
        return sorted(self._extensions.get(message, ()))

    def services(self) -> list[ServiceDescriptor]:
        """All services, in the order in which they were added."""
        return [found for found in self._symbols.values() if isinstance(found, ServiceDescriptor)]

    # Files

    def find_file(self, name: str) -> FileDescriptor | None:
        """The file that is imported under this name, or None."""
        return self.files.get(name)

    def file_containing_symbol(self, full_name: str) -> FileDescriptor | None:
        """The file that declares a full name (anything `find_symbol` finds), or None."""
        symbol = self.find_symbol(full_name)
        return None if symbol is None else symbol_file(symbol)

    def file_containing_extension(self, message: str, number: int) -> FileDescriptor | None:
        """The file that declares the extension of a message with this number, or None."""
        extension = self.find_extension(message, number)
        return None if extension is None else extension.file

    def file_descriptor_proto(self, file: FileDescriptor) -> bytes:
        """The encoded google.protobuf.FileDescriptorProto of a file; made once."""
        data = self._protos.get(file)
        if data is None:
            from .to_descriptor_proto import file_descriptor_proto

            data = self._protos[file] = file_descriptor_proto(file).encode()
        return data

    def _read_options(self, full_name: str, data: bytes) -> Message:
        return self.message_class(full_name).decode(data)

    def _declared(self, name: str, wanted: type[D], word: str) -> D:
        found = self.find_symbol(name)
        if not isinstance(found, wanted):
            raise LookupError(f"no {word} {name!r} in this registry")
        return found

    def _service_descriptor(self, name: str | ServiceDescriptor) -> ServiceDescriptor:
        return self._declared(name, ServiceDescriptor, "service") if isinstance(name, str) else name

    def _find_member(self, full_name: str) -> Symbol | None:
        scope, _, name = full_name.rpartition(".")
        parent = self._symbols.get(scope) or well_known_descriptor(scope)
        if isinstance(parent, ServiceDescriptor):
            return next((method for method in parent.methods if method.name == name), None)
        if isinstance(parent, MessageDescriptor):
            members = [*parent.fields, *parent.oneofs]
            return next((member for member in members if member.name == name), None)
        return None

    def _index(self, file: FileDescriptor) -> None:
        known = self.files.get(file.name, file)
        if known is not file:
            raise SchemaError(f"another file named {file.name!r} is already loaded in this registry")
        symbols: dict[str, Declared] = {symbol.full_name: symbol for symbol in declarations(file)}
        for name, symbol in symbols.items():
            other = self._symbols.get(name)
            if other is not None:
                where = symbol_file(other).name
                raise SchemaError(
                    f"{file.name}: {name} is already declared in {where}, loaded in this registry"
                )
            if isinstance(symbol, FieldDescriptor):
                clash = self.find_extension(symbol.containing_type.full_name, symbol.number)
                if clash is not None:
                    extendee = symbol.containing_type.full_name
                    raise SchemaError(
                        f"{file.name}: {name}: extension number {symbol.number} of {extendee} is already "
                        f"taken by {clash.full_name} ({clash.file.name}), loaded in this registry"
                    )
        self.files[file.name] = file
        self._indexed.add(file)
        if file.option_reader is None and file.name not in WELL_KNOWN_FILES:
            file.option_reader = self._read_options
        self._symbols.update(symbols)
        for symbol in symbols.values():
            if isinstance(symbol, FieldDescriptor):
                self._extensions.setdefault(symbol.containing_type.full_name, {})[symbol.number] = symbol
                self.builder.add_extension(symbol)


def with_dependencies(files: Iterable[FileDescriptor]) -> list[FileDescriptor]:
    """The files and all that they import, directly or not, each once and after the files that it imports."""
    order: dict[FileDescriptor, None] = {}
    entered: set[FileDescriptor] = set()
    # Depth first with a stack of our own: a chain of imports may be longer than Python's stack is deep.
    stack = [(file, False) for file in reversed(list(files))]
    while stack:
        file, done = stack.pop()
        if done:
            order[file] = None
        elif file not in entered:
            entered.add(file)
            stack.append((file, True))
            stack += [(dependency, False) for dependency in reversed(file.dependencies)]
    return list(order)


def declarations(file: FileDescriptor) -> list[Declared]:
    """What a file declares under a full name of its own: messages (map entries too), enums and their values,
    services, extensions; not fields, oneofs and methods, which belong to one of these."""
    found: list[Declared] = [*file.services, *file.extensions]
    enums = list(file.enums)
    messages = list(file.messages)
    for message in messages:  # grows while it is walked
        messages += message.messages
        enums += message.enums
        found += message.extensions
    for enum in enums:
        found += enum.values
    return [*messages, *enums, *found]


def symbol_file(symbol: Symbol) -> FileDescriptor:
    """The file that declares a symbol."""
    match symbol:
        case OneofDescriptor():
            return symbol.containing_type.file
        case EnumValueDescriptor():
            return symbol.enum.file
        case MethodDescriptor():
            return symbol.service.file
        case _:
            return symbol.file
