"""Rules about a message: which fields it has, and which numbers and names it keeps back."""

from __future__ import annotations

from collections.abc import Iterator

from .breaking_model import JSON, WIRE, Change, Comparison, Rule, covers, ranges_text, without
from .descriptor import FieldDescriptor, Label, MessageDescriptor

_Changes = Iterator[Change]
_MAX_NUMBER = 2**29 - 1


def _removed(old: MessageDescriptor, new: MessageDescriptor) -> list[FieldDescriptor]:
    """Fields that are gone: neither their number nor their name is there."""
    numbers = {field.number for field in new.fields}
    names = {field.name for field in new.fields}
    return [field for field in old.fields if field.number not in numbers and field.name not in names]


def _number_not_reserved(old: MessageDescriptor, new: MessageDescriptor, comparison: Comparison) -> _Changes:
    for field in _removed(old, new):
        if not covers(new.reserved_ranges, field.number):
            message = f"field {field.full_name} was removed, but its number {field.number} is not reserved"
            yield Change(message, f"write 'reserved {field.number};' in {new.full_name}", new, field)


def _name_not_reserved(old: MessageDescriptor, new: MessageDescriptor, comparison: Comparison) -> _Changes:
    for field in _removed(old, new):
        if field.name not in new.reserved_names:
            message = f"field {field.full_name} was removed, but its name is not reserved"
            yield Change(message, f"write {_reserve(new, field.name)} in {new.full_name}", new, field)


def _required_removed(old: MessageDescriptor, new: MessageDescriptor, comparison: Comparison) -> _Changes:
    for field in _removed(old, new):
        if field.label is Label.REQUIRED:
            message = (
                f"required field {field.full_name} was removed: who has the old schema refuses the message"
            )
            yield Change(message, "keep it, and keep setting it", new, field)


def _required_added(old: MessageDescriptor, new: MessageDescriptor, comparison: Comparison) -> _Changes:
    known = {field.number for field in old.fields}
    for field in new.fields:
        if field.label is Label.REQUIRED and field.number not in known:
            message = f"required field {field.full_name} was added: messages of the old schema are refused"
            yield Change(message, "make it optional, and check for it in the application", field, old)


def _number_changed(old: MessageDescriptor, new: MessageDescriptor, comparison: Comparison) -> _Changes:
    by_name = {field.name: field for field in new.fields}
    for field in old.fields:
        found = by_name.get(field.name)
        if found and found.number != field.number:
            message = f"field {found.full_name} moved from number {field.number} to {found.number}"
            yield Change(message, f"give it back its number {field.number}", found, field)


def _number_was_reserved(old: MessageDescriptor, new: MessageDescriptor, comparison: Comparison) -> _Changes:
    for field in new.fields:
        if covers(old.reserved_ranges, field.number):
            message = f"field {field.full_name} takes number {field.number}, which was reserved"
            yield Change(message, "take a number that was never used, and reserve this one again", field, old)


def _name_was_reserved(old: MessageDescriptor, new: MessageDescriptor, comparison: Comparison) -> _Changes:
    for field in new.fields:
        if field.name in old.reserved_names:
            message = f"field {field.full_name} takes the name '{field.name}', which was reserved"
            yield Change(message, "take another name, and reserve this one again", field, old)


def _numbers_freed(old: MessageDescriptor, new: MessageDescriptor, comparison: Comparison) -> _Changes:
    kept = [*new.reserved_ranges, *((field.number, field.number + 1) for field in new.fields)]
    if freed := without(old.reserved_ranges, kept):
        text = ranges_text(freed, _MAX_NUMBER)
        yield Change(
            f"{new.full_name} no longer reserves {text}", f"write 'reserved {text};' again", new, old
        )


def _names_freed(old: MessageDescriptor, new: MessageDescriptor, comparison: Comparison) -> _Changes:
    used = {*new.reserved_names, *(field.name for field in new.fields)}
    for name in old.reserved_names:
        if name not in used:
            message = f"{new.full_name} no longer reserves the name '{name}'"
            yield Change(message, f"write {_reserve(new, name)} again", new, old)


def _extension_range(old: MessageDescriptor, new: MessageDescriptor, comparison: Comparison) -> _Changes:
    ranges = [(one.start, one.end) for one in new.extension_ranges]
    for one in old.extension_ranges:
        if gone := without([(one.start, one.end)], ranges):
            text = ranges_text(gone, _MAX_NUMBER)
            message = f"{new.full_name} is no longer open for extensions {text}"
            yield Change(message, f"write 'extensions {text};' again: others may have used them", new, one)


def _message_set(old: MessageDescriptor, new: MessageDescriptor, comparison: Comparison) -> _Changes:
    if old.message_set != new.message_set:
        message = f"{new.full_name} {'became' if new.message_set else 'is no longer'} a message set"
        yield Change(message, "keep message_set_wire_format as it was", new, old)


def _reserve(message: MessageDescriptor, name: str) -> str:
    return f"'reserved {name};'" if message.file.syntax == "editions" else f"'reserved \"{name}\";'"


_M = MessageDescriptor

MESSAGE_RULES = (
    Rule(
        "field-removed-number",
        (WIRE,),
        _M,
        "A number that is free will be taken for something else one day.",
        _number_not_reserved,
    ),
    Rule(
        "field-removed-name",
        (JSON,),
        _M,
        "A name that is free will be taken for something else one day.",
        _name_not_reserved,
    ),
    Rule(
        "field-removed-required",
        (WIRE,),
        _M,
        "Readers refuse a message that lacks a required field.",
        _required_removed,
    ),
    Rule(
        "field-added-required",
        (WIRE,),
        _M,
        "Readers refuse a message that lacks a required field.",
        _required_added,
    ),
    Rule(
        "field-number-changed", (WIRE,), _M, "The wire knows fields by their numbers alone.", _number_changed
    ),
    Rule(
        "field-number-was-reserved",
        (WIRE,),
        _M,
        "Old messages may hold the number with another meaning.",
        _number_was_reserved,
    ),
    Rule(
        "field-name-was-reserved",
        (JSON,),
        _M,
        "Old JSON may hold the name with another meaning.",
        _name_was_reserved,
    ),
    Rule(
        "reserved-number-freed",
        (WIRE,),
        _M,
        "A number that is free will be taken for something else one day.",
        _numbers_freed,
    ),
    Rule(
        "reserved-name-freed",
        (JSON,),
        _M,
        "A name that is free will be taken for something else one day.",
        _names_freed,
    ),
    Rule(
        "extension-range",
        (WIRE,),
        _M,
        "Extensions declared elsewhere no longer compile, or clash with new fields.",
        _extension_range,
    ),
    Rule("message-set", (WIRE,), _M, "A message set has an encoding of its own.", _message_set),
)
