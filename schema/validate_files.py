"""Rules about files and their imports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import ast
from .raw_fields import raw_fields

if TYPE_CHECKING:
    from .descriptor import FileDescriptor
    from .unit import Unit


def check_file(unit: Unit) -> None:
    options = unit.tree.options
    if ast.word_of(options, "optimize_for") != "LITE_RUNTIME":
        by_name = {dependency.name: dependency for dependency in unit.file.dependencies}
        for statement in unit.tree.imports:
            dependency = by_name.get(statement.path.text)
            if dependency and is_lite(dependency):
                help = "set optimize_for = LITE_RUNTIME here too"
                unit.error(
                    statement.path, f"{dependency.name} is for the lite runtime and this file is not", help
                )
    for option in options:
        if option.simple_name == "java_string_check_utf8" and unit.file.syntax == "editions":
            unit.error(
                option, "editions have no java_string_check_utf8", "set features.(pb.java).utf8_validation"
            )
    presence = unit.file.features.field_presence
    if presence == "LEGACY_REQUIRED" and unit.file.syntax == "editions":
        where = next(o for o in options if o.parts[0].name.text == "features")
        unit.error(where, "not every field of a file can be required by default")


def warn_of_unused_imports(unit: Unit) -> None:
    """To be called when everything else is right: names that were not found might have been the use."""
    if not unit.is_asked:
        return
    by_name = {file.name: file for file in (*unit.file.dependencies, *unit.option_imports)}
    for statement in unit.tree.imports:
        imported = by_name.get(statement.path.text)
        # An import that passes on others may be there for those.
        if imported is None or imported.public_dependency or statement.modifier == "public":
            continue
        if imported.name not in unit.used:
            unit.warning(statement.path, f"import {imported.name} is not used", "remove it")


def is_lite(file: FileDescriptor) -> bool:
    """Whether the file's options say optimize_for (field 9) = LITE_RUNTIME (3)."""
    return (9, 3) in raw_fields(file.option_bytes or b"")
