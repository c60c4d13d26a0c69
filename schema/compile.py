"""The compiler: `.proto` text in, linked descriptors out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .defaults import set_defaults
from .errors import Diagnostic, Report
from .features import resolve_features
from .imports import load_units, visible_files
from .locate import Locator
from .options import interpret_options
from .resolve import resolve
from .symbol_table import SymbolTable
from .symbols import declare
from .validate import validate
from .validate_files import warn_of_unused_imports

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from .descriptor import FileDescriptor
    from .unit import Unit


def compile_files(
    names: Sequence[str],
    *,
    include: Sequence[str | Path] = (),
    sources: Mapping[str, str] | None = None,
    pool: dict[str, FileDescriptor] | None = None,
    source_info: bool = False,
    warnings: list[Diagnostic] | None = None,
) -> list[FileDescriptor]:
    """Compiles the files called `names` and everything they import; returns their descriptors in the same order.

    A name is looked up in `sources` (name → text), then in the folders of `include`, then among the well-known types.
    Files in `pool` are taken as they are, and every file that was compiled is added to it. With `source_info`, these
    know their places and comments (FileDescriptor.source_info). What is allowed and probably not meant goes to
    `warnings`.

    Raises SchemaError, which holds every error of the run.
    """
    report = Report()
    pool = {} if pool is None else pool

    # 1. Text → syntax trees, imports followed; a file comes after everything it imports.
    units = load_units(names, Locator(include, sources or {}, report), pool, report)

    if source_info:
        for unit in units:
            unit.option_paths = {}
    run_passes(units, pool, report)
    if warnings is not None:
        for unit in units:
            warn_of_unused_imports(unit)
        warnings += report.in_order()
    return [pool[name] for name in names]


def run_passes(units: list[Unit], pool: dict[str, FileDescriptor], report: Report) -> None:
    """Takes parsed units (each after what it imports) to descriptors, and adds these to `pool`.

    The passes go on after errors, so that one run reports all of them; then SchemaError is raised.
    """
    # 2. Trees → descriptors that have names but no references yet, and the table of all names.
    table = SymbolTable()
    own = {unit.file.name for unit in units}
    for unit in units:
        table.add_compiled(f for f in (*unit.file.dependencies, *unit.option_imports) if f.name not in own)
        declare(unit, table)

    # 3. Names → the messages and enums that they mean.
    for unit in units:
        unit.visible = visible_files(unit.file, unit.file.dependencies)
        resolve(unit, table)

    # 4. Edition features, and what follows from them: presence, packing, framing.
    for unit in units:
        resolve_features(unit)

    # 5. Default values and JSON names.
    for unit in units:
        set_defaults(unit)

    # 6. Options → encoded FileOptions, MessageOptions, …
    interpret_options(units, table)

    # 7. Everything else that the language forbids.
    for unit in units:
        validate(unit, table)

    report.raise_if_errors()

    # 8. Places and comments, where they are asked for.
    for unit in units:
        if unit.option_paths is not None:
            from .source_info import source_code_info

            unit.file.source_info = source_code_info(unit)
    for unit in units:
        pool[unit.file.name] = unit.file
