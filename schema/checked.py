"""Schemas that are looked at by a check (`breaking`, `lint`): compiled, and with the place of everything declared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .checked_places import places_of
from .compile import run_passes
from .descriptor import ExtensionRange, FileDescriptor, HasOptions
from .errors import Report, SchemaError
from .findings import Where
from .from_descriptor_proto import load as load_descriptor_set
from .imports import load_units
from .locate import Locator
from .registry import with_dependencies
from .symbol_table import file_of
from .unit import Unit
from .wkt import FILES as WELL_KNOWN_FILES
from .wkt.shared import FilePool


@dataclass(slots=True)
class Checked:
    """`files` are the ones that were asked for, `all_files` also what they import, the well-known types excepted.

    `units` holds the sources of all of them, by name; it is empty for a descriptor set.
    """

    files: list[FileDescriptor]
    all_files: list[FileDescriptor]
    units: dict[str, Unit] = field(default_factory=dict)
    _places: dict[HasOptions, tuple[Unit, int]] = field(default_factory=dict)
    _set_places: dict[FileDescriptor, dict[HasOptions, Where]] = field(default_factory=dict)

    def where(self, declared: HasOptions) -> Where:
        """Where a file, or something in it, is declared."""
        found = self._places.get(declared)
        if found is not None:
            return Where.in_source(found[0].source, found[1])
        file = _file(declared)
        unit = self.units.get(file.name)
        if unit is None:
            return self._set_place(file, declared)
        package = unit.tree.package
        start = unit.source.text.rfind("package", 0, package.start) if package and declared is file else 0
        return Where.in_source(unit.source, max(0, start))

    def _set_place(self, file: FileDescriptor, declared: HasOptions) -> Where:
        """In a descriptor set; known if it has source info."""
        if file not in self._set_places:
            self._set_places[file] = places_of(file)
        return self._set_places[file].get(declared) or Where(file.name)


def open_checked(path: str | Path, include: Sequence[str | Path] = ()) -> Checked:
    """Compiles a `.proto` file, all `.proto` files of a folder, or reads a descriptor set.

    Imports are found in the folders of `include`, then in the folder given (or the file's own). Raises SchemaError.
    """
    path = Path(path)
    folders = [Path(folder) for folder in include]
    if path.is_dir():
        names = sorted(found.relative_to(path).as_posix() for found in path.rglob("*.proto"))
        if not names:
            raise SchemaError(f"there is no .proto file in {path}")
        # The folder may lie inside an include path: then its files are known by their longer names.
        root = next((folder for folder in folders if path.resolve().is_relative_to(folder.resolve())), None)
        if root is None:
            return check_files(names, [path, *folders])
        prefix = path.resolve().relative_to(root.resolve())
        return check_files([(prefix / name).as_posix() for name in names], folders)
    if path.suffix == ".proto":
        return check_files(*_import_name(path, folders))
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SchemaError(f"{path}: cannot be read: {error.strerror}") from error
    files = load_descriptor_set(data, FilePool())
    files = [file for file in files if file.name not in WELL_KNOWN_FILES] or files  # they come as imports
    return Checked(files, _with_imports(files))


def check_files(
    names: Sequence[str], include: Sequence[str | Path] = (), sources: Mapping[str, str] | None = None
) -> Checked:
    """Compiles files by the names that imports would use, as `compile_files` does. Raises SchemaError."""
    report = Report()
    # The well-known types come compiled, unless somebody checks one of them.
    pool: dict[str, FileDescriptor] = {} if any(name in WELL_KNOWN_FILES for name in names) else FilePool()
    units = load_units(names, Locator(include, sources or {}, report), pool, report)
    run_passes(units, pool, report)
    files = [pool[name] for name in names]
    checked = Checked(files, _with_imports(files), {unit.file.name: unit for unit in units})
    for unit in units:
        checked._places.update(_places(unit))
    return checked


def _import_name(path: Path, folders: list[Path]) -> tuple[list[str], list[Path]]:
    resolved = path.resolve()
    for folder in folders:
        if resolved.is_relative_to(folder.resolve()):
            return [resolved.relative_to(folder.resolve()).as_posix()], folders
        if not path.is_file() and (folder / path).is_file():
            return [path.as_posix()], folders
    return [path.name], [*folders, path.parent]


def _with_imports(files: list[FileDescriptor]) -> list[FileDescriptor]:
    asked = set(files)
    return [f for f in with_dependencies(files) if f in asked or f.name not in WELL_KNOWN_FILES]


def _places(unit: Unit) -> Iterable[tuple[HasOptions, tuple[Unit, int]]]:
    named = (
        *unit.messages, *unit.fields, *unit.oneofs, *unit.enums, *unit.values, *unit.services, *unit.methods
    )  # fmt: skip
    for descriptor, node in named:
        yield descriptor, (unit, node.name.start)
    for message, node in unit.messages:
        for one, at in zip(message.extension_ranges, node.extension_ranges, strict=True):
            yield one, (unit, at.start)


def _file(declared: HasOptions) -> FileDescriptor:
    if isinstance(declared, FileDescriptor):
        return declared
    if isinstance(declared, ExtensionRange):
        return declared.containing_type.file
    return file_of(declared)  # pyright: ignore[reportArgumentType]  # the rest of what has options is a Descriptor
