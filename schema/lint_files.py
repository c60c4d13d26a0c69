"""Rules about a file: what stands on its top, what it is called, what it imports."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

from . import ast
from .descriptor import FieldDescriptor, FileDescriptor, MessageDescriptor
from .imports import visible_files
from .lint_model import Problem, Rule
from .source import Span
from .symbol_table import file_of
from .unit import Place, Unit

_FILE_NAME = re.compile(r"[a-z0-9]+(?:_[a-z0-9]+)*")
_TOP = Span(0, 0)


def _syntax(unit: Unit) -> Iterator[Problem]:
    if unit.tree.syntax_name is None:
        help = "write 'edition = \"2023\";', or 'syntax = \"proto2\";' if nothing is to change"
        yield Problem("the file states neither syntax nor edition: it is proto2", help, _TOP)


def _package(unit: Unit) -> Iterator[Problem]:
    if unit.tree.package is None:
        yield Problem("the file has no package", "write 'package company.product.v1;' or the like", _TOP)


def _package_folder(unit: Unit) -> Iterator[Problem]:
    folder = PurePosixPath(unit.file.name).parent.as_posix()
    wanted = unit.file.package.replace(".", "/") or "."
    if folder != wanted:
        at: Place = unit.tree.package or _TOP
        message = f"package '{unit.file.package}' is not what the folder '{folder}' says"
        yield Problem(message, f"move the file to {wanted}/ (seen from the include path)", at)


def _file_name(unit: Unit) -> Iterator[Problem]:
    name = PurePosixPath(unit.file.name).stem
    if not _FILE_NAME.fullmatch(name):
        help = "rename it; everybody who imports it has to follow"
        yield Problem(f"the file name '{name}.proto' is not in lower_snake_case", help, _TOP)


def _unused_import(unit: Unit) -> Iterator[Problem]:
    used = _used_files(unit)
    extensions = _written_names(unit)
    files = {file.name: file for file in (*unit.file.dependencies, *unit.option_imports)}
    for statement in unit.tree.imports:
        file = files.get(statement.path.text)
        if file is None or statement.modifier in ("public", "weak"):
            continue  # public imports are there for those who import this file
        offered = visible_files(file, file.dependencies) if file.public_dependency else {file.name}
        if offered & used or any(_declares(one, extensions) for one in _files(file, offered)):
            continue
        yield Problem(f"nothing of {file.name!r} is used", "remove the import", statement.path)


def _used_files(unit: Unit) -> set[str]:
    """The files whose messages and enums this one uses."""
    used: set[str] = set()
    for field, node in unit.fields:
        used.update(found.file.name for found in (field.message_type, field.enum_type) if found)
        if node.extendee:
            used.add(field.containing_type.file.name)
    for method, _ in unit.methods:
        used |= {method.input_type.file.name, method.output_type.file.name}
    return used


def _files(file: FileDescriptor, names: set[str]) -> Iterator[FileDescriptor]:
    pending, seen = [file], {file.name}
    while pending:
        one = pending.pop()
        yield one
        fresh = [other for other in one.dependencies if other.name in names and other.name not in seen]
        seen.update(other.name for other in fresh)
        pending += fresh


def _declares(file: FileDescriptor, names: set[str]) -> bool:
    """Whether an extension, or a message inside an Any, that options name may be one of this file's."""
    for full_name, symbol in file.symbols.items():
        if isinstance(symbol, (FieldDescriptor, MessageDescriptor)) and file_of(symbol) is file:
            parts = full_name.split(".")
            if any(".".join(parts[at:]) in names for at in range(len(parts))):
                return True
    return False


def _written_names(unit: Unit) -> set[str]:
    """The extensions and messages that the options of a file name, as they are written."""
    names: set[str] = set()
    for option in _options(unit):
        names.update(part.name.text.lstrip(".") for part in option.parts if part.is_extension)
        pending: list[ast.Value] = [option.value]
        while pending:
            value = pending.pop()
            if isinstance(value, ast.ValueList):
                pending += value.values
            elif isinstance(value, ast.Aggregate):
                pending += [field.value for field in value.fields]
                names.update(f.name.text.rpartition("/")[2] for f in value.fields if f.is_extension)
    return names


def _options(unit: Unit) -> Iterator[ast.Option]:
    yield from unit.tree.options
    lists: tuple[Iterable[tuple[object, _HasOptions]], ...] = (
        unit.messages, unit.fields, unit.oneofs, unit.enums, unit.values, unit.services, unit.methods
    )  # fmt: skip
    for pairs in lists:
        for _, node in pairs:
            yield from node.options
    for _, node in unit.messages:
        for one in node.extension_ranges:
            yield from one.options


_HasOptions = ast.Message | ast.Field | ast.Oneof | ast.Enum | ast.EnumValue | ast.Service | ast.Method

FILE_RULES = (
    Rule("syntax-stated", True, "Without it the file is proto2, which is hardly ever meant.", _syntax),
    Rule("package-stated", True, "Names without a package clash with those of everybody else.", _package),
    Rule(
        "package-folder",
        False,
        "Who sees a name knows where to look, and no two files have the same import name.",
        _package_folder,
    ),
    Rule(
        "file-name",
        True,
        "Generators make module names from it, and some file systems know no capitals.",
        _file_name,
    ),
    Rule(
        "import-used",
        True,
        "An import costs every user of the file, and ties it to what it does not need.",
        _unused_import,
    ),
)
