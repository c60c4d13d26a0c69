"""Finds the files of a run and parses them: the ones asked for, and all that they import."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..wire.record import record
from .descriptor import FileDescriptor
from .locate import bad_import_name
from .parse_file import parse_file
from .unit import Unit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from . import ast
    from .errors import Report
    from .locate import Locator


@record()
class _Frame:
    unit: Unit
    imports: Iterator[ast.Import]


def load_units(
    names: Sequence[str], locator: Locator, pool: Mapping[str, FileDescriptor], report: Report
) -> list[Unit]:
    """Parses `names` and what they import, unless it is in `pool` already. A file follows everything it imports.

    The walk keeps its own stack: a chain of imports may be longer than Python's.
    """
    loader = _Loader(locator, pool, report)
    for name in names:
        loader.load(name)
        if unit := loader.units.get(name):
            unit.is_asked = True
    return loader.order


class _Loader:
    def __init__(self, locator: Locator, pool: Mapping[str, FileDescriptor], report: Report) -> None:
        self.locator = locator
        self.pool = pool
        self.report = report
        self.units: dict[str, Unit | None] = {}  # None: not found
        self.order: list[Unit] = []
        self.stack: list[_Frame] = []

    def load(self, name: str) -> None:
        if name in self.pool or name in self.units:
            return
        unit = self.parse(name)
        if unit is None:
            help = bad_import_name(name) or f"searched in: {self.locator.searched()}"
            self.report.file_error(name, "no such file", help)
            return
        self.open(unit)
        while self.stack:
            frame = self.stack[-1]
            statement = next(frame.imports, None)
            if statement is None:
                self.stack.pop()
                self.close(frame.unit)
            else:
                self.follow(frame.unit, statement)

    def parse(self, name: str) -> Unit | None:
        source = self.locator.find(name)
        unit = None
        if source is not None:
            tree = parse_file(source, self.report)
            file = FileDescriptor(name=name, syntax=tree.syntax, edition=tree.edition, path=source.path)
            unit = Unit(source, tree, file, self.report)
        self.units[name] = unit
        return unit

    def open(self, unit: Unit) -> None:
        self.stack.append(_Frame(unit, iter(unit.tree.imports)))

    def follow(self, importer: Unit, statement: ast.Import) -> None:
        """Steps into the file of an import statement, unless it was seen before."""
        name = statement.path.text
        if name in self.pool:
            return
        if name not in self.units:
            errors = self.report.errors
            unit = self.parse(name)
            if unit:
                self.open(unit)
            elif self.report.errors == errors:
                self.not_found(importer, statement)
        elif (unit := self.units[name]) and self.is_open(unit):
            chain = [frame.unit.file.name for frame in self.stack]
            circle = [*chain[chain.index(name) :], name]
            shown = circle if len(circle) <= 8 else [*circle[:4], "…", *circle[-3:]]
            importer.error(statement.path, f"files import each other in a circle: {' → '.join(shown)}")
            importer.incomplete = True
        elif self.units[name] is None:
            self.not_found(importer, statement)

    def not_found(self, importer: Unit, statement: ast.Import) -> None:
        name = statement.path.text
        help = bad_import_name(name) or f"searched in: {self.locator.searched()}"
        importer.error(statement.path, f"no such file: {name[:200]!r}", help)

    def close(self, unit: Unit) -> None:
        """Links a unit whose imports are all loaded."""
        file = unit.file
        seen: set[str] = set()
        for statement in unit.tree.imports:
            name = statement.path.text
            if name in seen:
                unit.error(statement.path, f"{name!r} is imported twice")
                continue
            seen.add(name)
            imported = self.units.get(name)
            dependency = self.pool.get(name) or (imported.file if imported else None)
            if dependency is None or (imported and self.is_open(imported)):
                unit.incomplete = True
                continue
            if statement.modifier == "option":
                file.option_dependency.append(name)
                unit.option_imports.append(dependency)
                continue
            if statement.modifier:
                indexes = file.public_dependency if statement.modifier == "public" else file.weak_dependency
                indexes.append(len(file.dependencies))
            file.dependencies.append(dependency)
        self.order.append(unit)

    def is_open(self, unit: Unit) -> bool:
        """Whether `unit` is still being loaded: then it is part of a circle, which has been reported."""
        return any(frame.unit is unit for frame in self.stack)


def visible_files(file: FileDescriptor, imported: Sequence[FileDescriptor]) -> set[str]:
    """The names of the files whose symbols `file` may use: itself, those imported, and what those import publicly."""
    visible = {file.name}
    pending = list(imported)
    while pending:
        dependency = pending.pop()
        if dependency.name not in visible:
            visible.add(dependency.name)
            pending += [dependency.dependencies[index] for index in dependency.public_dependency]
    return visible
