"""Rules about enums and their values."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

from . import ast
from .validate_numbers import check_reserved_names

if TYPE_CHECKING:
    from .descriptor import EnumDescriptor, EnumValueDescriptor
    from .unit import Unit

_LOW, _HIGH = -(2**31), 2**31 - 1


def check_enum(unit: Unit, enum: EnumDescriptor, node: ast.Enum) -> None:
    if not node.values:
        if not unit.report.lost:
            unit.error(node.name, f"enum '{enum.name}' needs at least one value")
        return
    for child in node.values:
        if not _LOW <= child.number.value <= _HIGH:
            unit.error(child.number, f"the numbers of enum values go from {_LOW} to {_HIGH}")
    if not enum.is_closed and enum.values[0].number != 0:
        first = node.values[0]
        unit.error(
            first.number,
            f"the first value of '{enum.name}' has to be zero",
            "zero is what an absent field reads as",
        )
    _check_aliases(unit, enum, node)
    _check_reserved(unit, enum, node)
    _check_similar_names(unit, enum, node)


def _check_aliases(unit: Unit, enum: EnumDescriptor, node: ast.Enum) -> None:
    allow = ast.word_of(node.options, "allow_alias")
    used: dict[int, EnumValueDescriptor] = {}
    aliases = False
    for value, child in zip(enum.values, node.values, strict=True):
        first = used.setdefault(value.number, value)
        if first is value:
            continue
        aliases = True
        if allow != "true":
            help = "if it is meant as another name for that value, set: option allow_alias = true;"
            unit.error(child.number, f"number {value.number} is already used by '{first.name}'", help)
    for option in node.options:
        if option.simple_name == "allow_alias" and (allow == "false" or (allow == "true" and not aliases)):
            text = "allow_alias = false says nothing" if allow == "false" else "no two values share a number"
            unit.error(option, text, "remove the option")


def _check_reserved(unit: Unit, enum: EnumDescriptor, node: ast.Enum) -> None:
    check_reserved_names(unit, node)
    ranges = list(zip(enum.reserved_ranges, node.reserved_ranges, strict=True))
    for (first, last), item in ranges:
        if last < first:
            unit.error(item, "this range ends before it starts")
        elif not _LOW <= first <= last <= _HIGH:
            unit.error(item, f"the numbers of enum values go from {_LOW} to {_HIGH}")
    furthest: tuple[int, int] | None = None
    for (first, last), item in sorted(ranges, key=lambda pair: pair[0]):
        if furthest and first <= furthest[1]:
            unit.error(item, f"reserved range {first} to {last} overlaps {furthest[0]} to {furthest[1]}")
        if furthest is None or last > furthest[1]:
            furthest = first, last
    ordered = sorted(enum.reserved_ranges)
    starts = [first for first, _ in ordered]
    names = set(enum.reserved_names)
    for value, child in zip(enum.values, node.values, strict=True):
        # Ranges that overlap are reported; of the others, one at most holds the number.
        at = bisect_right(starts, value.number) - 1
        if at >= 0 and value.number <= ordered[at][1]:
            unit.error(child.number, f"number {value.number} of '{value.name}' is reserved")
        if value.name in names:
            unit.error(child.name, f"the name '{value.name}' is reserved")


def _check_similar_names(unit: Unit, enum: EnumDescriptor, node: ast.Enum) -> None:
    """Generators strip the enum's name from its values and turn them into CamelCase: they must still differ then."""
    seen: dict[str, EnumValueDescriptor] = {}
    tolerant = ast.word_of(node.options, "deprecated_legacy_json_field_conflicts") == "true"
    for value, child in zip(enum.values, node.values, strict=True):
        short = _camel(_without_prefix(enum.name, value.name))
        other = seen.setdefault(short, value)
        if other.name == value.name or other.number == value.number:
            continue
        text = f"'{value.name}' and '{other.name}' are the same without case, underscores and the enum's name"
        if unit.file.syntax == "proto2" and tolerant:
            unit.report.warning(unit.source, child.name.start, child.name.end, text)
        else:
            unit.error(child.name, text, "generated code in some languages could not tell them apart")


def _camel(name: str) -> str:
    return "".join(part[:1].upper() + part[1:].lower() for part in name.split("_"))


def _without_prefix(enum_name: str, value_name: str) -> str:
    prefix = enum_name.replace("_", "").lower()
    at = matched = 0
    while at < len(value_name) and matched < len(prefix):
        if value_name[at] != "_":
            if value_name[at].lower() != prefix[matched]:
                return value_name
            matched += 1
        at += 1
    rest = value_name[at:].lstrip("_")
    return rest if matched == len(prefix) and rest else value_name
