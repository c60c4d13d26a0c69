"""JSON names: no two fields of a message may share one, as written or as derived."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import ast
from .naming import json_name

if TYPE_CHECKING:
    from .descriptor import FieldDescriptor, MessageDescriptor
    from .unit import Unit


def check_json_names(unit: Unit, message: MessageDescriptor, node: ast.Message) -> None:
    if ast.word_of(node.options, "deprecated_legacy_json_field_conflicts") == "true":
        return
    # Field masks use the derived names even where json_name is given: both sets have to be free of conflicts.
    reported = _check(unit, message, node, custom=False)
    _check(unit, message, node, custom=True, reported=reported)


def _check(
    unit: Unit,
    message: MessageDescriptor,
    node: ast.Message,
    *,
    custom: bool,
    reported: frozenset[str] = frozenset(),
) -> frozenset[str]:
    taken: dict[str, FieldDescriptor] = {}
    found: set[str] = set()
    for field, child in zip(message.fields, node.fields, strict=True):
        is_custom = custom and field.has_json_name
        name = field.json_name if is_custom else json_name(field.name)
        where = child.json_name.value if is_custom and child.json_name else child.name
        if is_custom and name.startswith("[") and name.endswith("]"):
            unit.error(where, "a JSON name in brackets would be read as an extension")
            continue
        other = taken.setdefault(name, field)
        if other is field or other.name == field.name or field.full_name in reported:
            continue
        both_derived = not is_custom and not (custom and other.has_json_name)
        if custom and both_derived:
            continue
        text = f"'{field.name}' and '{other.name}' have the same JSON name, '{name}'"
        involves_derived = not is_custom or not other.has_json_name
        if message.features.json_format == "LEGACY_BEST_EFFORT" and involves_derived:
            unit.report.warning(unit.source, where.start, where.end, text)
        else:
            unit.error(where, text, "give one of them another json_name" if custom else None)
        found.add(field.full_name)
    return frozenset(found)
