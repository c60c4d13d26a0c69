"""What `schema.load` returns: the names of one package as attributes."""

from __future__ import annotations

import keyword
from collections.abc import Iterable
from typing import Any

from ..wire.naming import attribute_name
from .descriptor import (
    EnumDescriptor,
    EnumValueDescriptor,
    FieldDescriptor,
    FileDescriptor,
    MessageDescriptor,
    ServiceDescriptor,
)
from .registry import Declared, Registry, with_dependencies
from .service import Servicer, ServiceSpec, Stub

_RESERVED = frozenset({"file", "registry"})


class Schema:
    """The classes of a loaded file.

    Attributes are what the file declares at its top level, then what the files it imports declare at theirs if they
    belong to the same package: messages and enums as classes, enum values, extensions as keys of `msg[…]`, a service
    `Bookstore` as `BookstoreServicer`, `BookstoreStub` and (its ServiceSpec) `Bookstore`. `schema["pkg.Outer.Inner"]`
    finds anything by its full name. Everything is built when it is first asked for.

    Names stay as they are declared, but a Python keyword and the two attributes below get a trailing underscore. A
    declared name wins over a generated one: next to a message `BookstoreStub`, the stub is `BookstoreStub_`.

    `file` is the descriptor of the file, `registry` where it was loaded.
    """

    file: FileDescriptor
    registry: Registry

    def __init__(self, registry: Registry, file: FileDescriptor) -> None:
        self.file = file
        self.registry = registry
        self._names = declared_names(file)

    def __getattr__(self, name: str) -> Any:
        # Reached for what has not been built yet: afterwards the attribute is there.
        names = self.__dict__.get("_names")
        if names is None:  # a copy that is not filled yet
            raise AttributeError(name)
        declared = names.get(name)
        if declared is None:
            raise AttributeError(f"{self!r} has no {name!r}{_hint(name, names)}")
        what, descriptor = declared
        built = self._build(what, descriptor)
        setattr(self, name, built)
        return built

    def __getitem__(self, full_name: str) -> Any:
        """The class, extension, service or enum value of this full name. Raises KeyError when there is none."""
        symbol = self.registry.find_symbol(full_name)
        match symbol:
            case MessageDescriptor() | EnumDescriptor() | EnumValueDescriptor() | ServiceDescriptor():
                return self._build(type(symbol), symbol)
            case FieldDescriptor(is_extension=True):
                return self._build(FieldDescriptor, symbol)
            case _:
                raise KeyError(full_name)

    def __dir__(self) -> Iterable[str]:
        return sorted({*super().__dir__(), *self._names})

    def __repr__(self) -> str:
        return f"<Schema {self.file.name!r}>"

    def _build(self, what: type[Any], descriptor: Any) -> Any:
        return _BUILDERS[what](self.registry, descriptor)


def _enum_value(registry: Registry, descriptor: EnumValueDescriptor) -> Any:
    return registry.enum_class(descriptor.enum)(descriptor.number)


_BUILDERS: dict[type[Any], Any] = {
    MessageDescriptor: Registry.message_class,
    EnumDescriptor: Registry.enum_class,
    EnumValueDescriptor: _enum_value,
    FieldDescriptor: Registry.extension,
    ServiceDescriptor: Registry.service,
    ServiceSpec: Registry.service,
    Servicer: Registry.servicer_class,
    Stub: Registry.stub_class,
}


def declared_names(file: FileDescriptor) -> dict[str, tuple[type[Any], Declared]]:
    """What each attribute of a file's Schema stands for: which of _BUILDERS makes it, from which descriptor."""
    names: dict[str, tuple[type[Any], Declared]] = {}
    imported = [
        other for other in with_dependencies([file]) if other.package == file.package and other is not file
    ]
    files = [file, *reversed(imported)]
    for declaring in files:
        values = [value for enum in declaring.enums for value in enum.values]
        for declared in (
            *declaring.messages, *declaring.enums, *declaring.services, *declaring.extensions, *values
        ):  # fmt: skip
            _claim(names, declared.name, type(declared), declared)
    for declaring in files:
        for service in declaring.services:
            _claim(names, service.name + "Servicer", Servicer, service)
            _claim(names, service.name + "Stub", Stub, service)
    return names


def _claim(
    names: dict[str, tuple[type[Any], Declared]], name: str, what: type[Any], descriptor: Declared
) -> None:
    if name.startswith("__"):
        name = attribute_name(name)
    while keyword.iskeyword(name) or name in _RESERVED or name in names:
        name += "_"
    names[name] = (what, descriptor)


def _hint(name: str, names: Iterable[str]) -> str:
    from difflib import get_close_matches

    close = get_close_matches(name, list(names), n=1)
    return f": did you mean {close[0]!r}?" if close else ""
