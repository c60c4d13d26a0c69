"""The table of full names of one run, and lookups by the language's scoping rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..wire.record import field, record
from .descriptor import (
    Descriptor,
    EnumDescriptor,
    EnumValueDescriptor,
    FieldDescriptor,
    FileDescriptor,
    MessageDescriptor,
    MethodDescriptor,
    OneofDescriptor,
    ServiceDescriptor,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from . import ast
    from .unit import Unit


@record()
class Package:
    """A package, or the beginning of a package's name."""

    full_name: str
    files: set[str] = field(default_factory=set)


Symbol = Descriptor | Package

# Stands in for a message that could not be found, so that references are never None. The run has failed by then.
UNRESOLVED = MessageDescriptor(name="?", full_name="?", file=FileDescriptor(name="?"))

_WORDS: dict[type[Symbol], str] = {
    MessageDescriptor: "a message",
    FieldDescriptor: "a field",
    OneofDescriptor: "a oneof",
    EnumDescriptor: "an enum",
    EnumValueDescriptor: "an enum value",
    ServiceDescriptor: "a service",
    MethodDescriptor: "a method",
    Package: "a package",
}


def describe(symbol: Symbol) -> str:
    """What a symbol is, with its article."""
    if isinstance(symbol, FieldDescriptor) and symbol.is_extension:
        return "an extension"
    return _WORDS[type(symbol)]


def file_of(symbol: Descriptor) -> FileDescriptor:
    """The file that declares `symbol`."""
    match symbol:
        case OneofDescriptor():
            return symbol.containing_type.file
        case EnumValueDescriptor():
            return symbol.enum.file
        case MethodDescriptor():
            return symbol.service.file
        case _:
            return symbol.file


class SymbolTable:
    """Every full name of the files of one run, those that they import included."""

    __slots__ = ("_added", "_extensions", "names")

    def __init__(self) -> None:
        self.names: dict[str, Symbol] = {}
        self._added: set[str] = set()
        self._extensions: dict[tuple[str, int], FieldDescriptor] = {}

    def add_compiled(self, files: Iterable[FileDescriptor]) -> None:
        """Enters the symbols of files that are compiled already, and of all that they import."""
        pending = list(files)
        while pending:
            file = pending.pop()
            if file.name in self._added:
                continue
            self._added.add(file.name)
            self.names.update(file.symbols)
            for symbol in file.symbols.values():
                if isinstance(symbol, FieldDescriptor) and symbol.is_extension:
                    self.extension_with_number(symbol)
            for package in _prefixes(file.package):
                self._package(package, file.name)
            pending += file.dependencies

    def add_package(self, unit: Unit, name: ast.Name) -> None:
        for prefix in _prefixes(name.text):
            existing = self._package(prefix, unit.file.name)
            if existing is not None:
                where = file_of(existing).name
                unit.error(name, f"'{prefix}' cannot be a package: it is {describe(existing)} in {where}")

    def _package(self, full_name: str, file: str) -> Descriptor | None:
        """Enters a package. Returns what already has its name and is none."""
        symbol = self.names.get(full_name)
        if symbol is None:
            symbol = self.names[full_name] = Package(full_name)
        if not isinstance(symbol, Package):
            return symbol
        symbol.files.add(file)
        return None

    def add(self, unit: Unit, symbol: Descriptor, name: ast.Name) -> None:
        """Enters a symbol; a name that is taken is reported."""
        full_name = symbol.full_name
        existing = self.names.setdefault(full_name, symbol)
        unit.file.symbols.setdefault(full_name, symbol)
        if existing is not symbol:
            _report_duplicate(unit, symbol, existing, name)

    def extension_with_number(self, extension: FieldDescriptor) -> FieldDescriptor:
        """The first extension of its message that came with its number; `extension` if that is the first."""
        return self._extensions.setdefault((extension.containing_type.full_name, extension.number), extension)

    def lookup(self, unit: Unit, name: str, scope: str, *, types_only: bool) -> Lookup:
        """Finds `name` as it is written in the scope of `scope` (the full name of the element that uses it).

        The innermost scope that has the first part of the name decides, as in C++: the search does not go on when
        the rest of the name is not found there. With `types_only`, what is neither message nor enum is passed over.
        """
        names, visible = self.names, unit.visible
        if name.startswith("."):
            return self._finish(unit, name[1:])
        first, dot, _ = name.partition(".")
        hidden: Descriptor | None = None
        while scope:
            scope = scope.rpartition(".")[0]
            full_name = f"{scope}.{first}" if scope else first
            symbol = names.get(full_name)
            if symbol is None:
                continue
            if not _is_visible(unit, symbol, visible):
                hidden = hidden or (None if isinstance(symbol, Package) else symbol)
                continue
            _note_use(unit, symbol)
            if dot:
                if isinstance(symbol, (MessageDescriptor, Package, EnumDescriptor, ServiceDescriptor)):
                    full_name = f"{scope}.{name}" if scope else name
                    return self._finish(unit, full_name)
            elif not types_only or isinstance(symbol, (MessageDescriptor, EnumDescriptor)):
                return Lookup(symbol)
        return Lookup(None, hidden=hidden)

    def _finish(self, unit: Unit, full_name: str) -> Lookup:
        symbol = self.names.get(full_name)
        if symbol is None:
            return Lookup(None, tried=full_name)
        if _is_visible(unit, symbol, unit.visible):
            _note_use(unit, symbol)
            return Lookup(symbol)
        return Lookup(None, hidden=None if isinstance(symbol, Package) else symbol, tried=full_name)

    def suggest(self, unit: Unit, name: str, *kinds: type[Descriptor]) -> str | None:
        """The visible symbol whose name is most like `name`."""
        from difflib import get_close_matches

        last = name.rpartition(".")[2]
        candidates: dict[str, str] = {}
        for full_name, symbol in self.names.items():
            if isinstance(symbol, kinds) and _is_visible(unit, symbol, unit.visible):
                candidates.setdefault(full_name.rpartition(".")[2], full_name)
        close = get_close_matches(last[:80], candidates, 1, 0.7)
        return candidates[close[0]] if close else None


@record(frozen=True)
class Lookup:
    """What a lookup found. Without a symbol: `hidden` exists in a file that is not imported; `tried` is the full name
    that the scoping rules settled on."""

    symbol: Symbol | None
    hidden: Descriptor | None = None
    tried: str = ""


def _prefixes(package: str) -> list[str]:
    parts = package.split(".") if package else []
    return [".".join(parts[:count]) for count in range(1, len(parts) + 1)]


def _is_visible(unit: Unit, symbol: Symbol, visible: set[str]) -> bool:
    if isinstance(symbol, Package):
        return not symbol.files.isdisjoint(visible)
    return file_of(symbol).name in visible


def _note_use(unit: Unit, symbol: Symbol) -> None:
    if not isinstance(symbol, Package):
        unit.used.add(file_of(symbol).name)


def _report_duplicate(unit: Unit, symbol: Descriptor, existing: Symbol, name: ast.Name) -> None:
    if isinstance(existing, Package):
        unit.error(name, f"'{symbol.full_name}' is already a package, in {min(existing.files)}")
        return
    there = file_of(existing)
    where = "" if there is unit.file else f" in {there.name}"
    help = None
    if isinstance(symbol, EnumValueDescriptor):
        scope = f"the scope around '{symbol.enum.name}'"
        help = f"enum values live beside their enum, so '{name.text}' has to be unique in {scope}"
    unit.error(name, f"'{symbol.full_name}' is already defined{where}, as {describe(existing)}", help)
