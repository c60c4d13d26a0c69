"""Rules about an enum and its values."""

from __future__ import annotations

from collections.abc import Iterator

from .breaking_model import JSON, WIRE, Change, Comparison, Ranges, Rule, covers, ranges_text, without
from .descriptor import EnumDescriptor, EnumValueDescriptor

_Changes = Iterator[Change]
_MAX_NUMBER = 2**31 - 1


def _removed(old: EnumDescriptor, new: EnumDescriptor) -> list[EnumValueDescriptor]:
    """Values that are gone: neither their number nor their name is there."""
    numbers = {value.number for value in new.values}
    names = {value.name for value in new.values}
    return [value for value in old.values if value.number not in numbers and value.name not in names]


def _number_not_reserved(old: EnumDescriptor, new: EnumDescriptor, comparison: Comparison) -> _Changes:
    for value in _removed(old, new):
        if not covers(_reserved(new), value.number):
            message = f"{_called(value)} was removed, but its number {value.number} is not reserved"
            yield Change(message, f"write 'reserved {value.number};' in {new.full_name}", new, value)


def _name_not_reserved(old: EnumDescriptor, new: EnumDescriptor, comparison: Comparison) -> _Changes:
    for value in _removed(old, new):
        if value.name not in new.reserved_names:
            message = f"{_called(value)} was removed, but its name is not reserved"
            yield Change(message, f"write {_reserve(new, value.name)} in {new.full_name}", new, value)


def _number_changed(old: EnumDescriptor, new: EnumDescriptor, comparison: Comparison) -> _Changes:
    by_name = {value.name: value for value in new.values}
    for value in old.values:
        found = by_name.get(value.name)
        if found and found.number != value.number:
            message = f"{_called(found)} changed its number from {value.number} to {found.number}"
            yield Change(message, f"give it back its number {value.number}", found, value)


def _renamed(old: EnumDescriptor, new: EnumDescriptor, comparison: Comparison) -> _Changes:
    names = {value.name for value in new.values}
    by_number: dict[int, EnumValueDescriptor] = {}
    for value in new.values:
        by_number.setdefault(value.number, value)
    for value in old.values:
        found = by_number.get(value.number)
        if found and value.name not in names:
            message = f"{_called(value)} ({value.number}) is called '{found.name}' now"
            help = (
                f"JSON holds the name: keep {value.name}, or keep it as an alias (option allow_alias = true)"
            )
            yield Change(message, help, found, value)


def _canonical_name(old: EnumDescriptor, new: EnumDescriptor, comparison: Comparison) -> _Changes:
    first: dict[int, EnumValueDescriptor] = {}
    for value in new.values:
        first.setdefault(value.number, value)
    known = {value.name for value in old.values}
    seen: set[int] = set()
    for value in old.values:
        found = first.get(value.number)
        if value.number in seen or found is None:
            continue
        seen.add(value.number)
        kept = any(v.name == value.name and v.number == value.number for v in new.values)
        if kept and found.name not in known:
            message = f"number {value.number} of {new.full_name} is written as '{found.name}' in JSON now"
            yield Change(message, f"declare {value.name} before its alias {found.name}", found, value)


def _closed(old: EnumDescriptor, new: EnumDescriptor, comparison: Comparison) -> _Changes:
    if old.is_closed != new.is_closed:
        if new.is_closed:
            message = (
                f"enum {new.full_name} became closed: a number that it does not know reads as absent now"
            )
        else:
            message = f"enum {new.full_name} became open: a number that it does not know is now a value"
        yield Change(message, "keep features.enum_type (or the file's syntax) as it was", new, old)


def _default(old: EnumDescriptor, new: EnumDescriptor, comparison: Comparison) -> _Changes:
    if old.values and new.values and old.values[0].number != new.values[0].number:
        was, now = old.values[0], new.values[0]
        message = f"the default of enum {new.full_name} changed from {was.name} to {now.name}"
        yield Change(message, f"keep {was.name} = {was.number} as the first value", now, was)


def _number_was_reserved(old: EnumDescriptor, new: EnumDescriptor, comparison: Comparison) -> _Changes:
    for value in new.values:
        if covers(_reserved(old), value.number):
            message = f"{_called(value)} takes number {value.number}, which was reserved"
            yield Change(message, "take a number that was never used, and reserve this one again", value, old)


def _name_was_reserved(old: EnumDescriptor, new: EnumDescriptor, comparison: Comparison) -> _Changes:
    for value in new.values:
        if value.name in old.reserved_names:
            message = f"{_called(value)} takes a name that was reserved"
            yield Change(message, "take another name, and reserve this one again", value, old)


def _numbers_freed(old: EnumDescriptor, new: EnumDescriptor, comparison: Comparison) -> _Changes:
    kept = [*_reserved(new), *((value.number, value.number + 1) for value in new.values)]
    if freed := without(_reserved(old), kept):
        text = ranges_text(freed, _MAX_NUMBER)
        yield Change(
            f"{new.full_name} no longer reserves {text}", f"write 'reserved {text};' again", new, old
        )


def _names_freed(old: EnumDescriptor, new: EnumDescriptor, comparison: Comparison) -> _Changes:
    used = {*new.reserved_names, *(value.name for value in new.values)}
    for name in old.reserved_names:
        if name not in used:
            message = f"{new.full_name} no longer reserves the name '{name}'"
            yield Change(message, f"write {_reserve(new, name)} again", new, old)


def _called(value: EnumValueDescriptor) -> str:
    return f"value {value.enum.full_name}.{value.name}"


def _reserved(enum: EnumDescriptor) -> Ranges:
    return [(first, last + 1) for first, last in enum.reserved_ranges]


def _reserve(enum: EnumDescriptor, name: str) -> str:
    return f"'reserved {name};'" if enum.file.syntax == "editions" else f"'reserved \"{name}\";'"


_E = EnumDescriptor

ENUM_RULES = (
    Rule(
        "enum-value-removed-number",
        (WIRE,),
        _E,
        "A number that is free will be taken for something else one day.",
        _number_not_reserved,
    ),
    Rule(
        "enum-value-removed-name",
        (JSON,),
        _E,
        "A name that is free will be taken for something else one day.",
        _name_not_reserved,
    ),
    Rule("enum-value-number", (WIRE,), _E, "The wire knows values by their numbers alone.", _number_changed),
    Rule(
        "enum-value-name",
        (JSON,),
        _E,
        "JSON holds the names of values, and refuses those that it does not know.",
        _renamed,
    ),
    Rule(
        "enum-value-json",
        (JSON,),
        _E,
        "Of several names for one number JSON writes the first, which old readers must know.",
        _canonical_name,
    ),
    Rule(
        "enum-closed",
        (WIRE,),
        _E,
        "A closed enum hides numbers that it does not know, an open one hands them on.",
        _closed,
    ),
    Rule("enum-default", (WIRE,), _E, "The first value is what an absent field reads as.", _default),
    Rule(
        "enum-number-was-reserved",
        (WIRE,),
        _E,
        "Old messages may hold the number with another meaning.",
        _number_was_reserved,
    ),
    Rule(
        "enum-name-was-reserved",
        (JSON,),
        _E,
        "Old JSON may hold the name with another meaning.",
        _name_was_reserved,
    ),
    Rule(
        "enum-reserved-number-freed",
        (WIRE,),
        _E,
        "A number that is free will be taken for something else one day.",
        _numbers_freed,
    ),
    Rule(
        "enum-reserved-name-freed",
        (JSON,),
        _E,
        "A name that is free will be taken for something else one day.",
        _names_freed,
    ),
)
