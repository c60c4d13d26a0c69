"""Rules about a field: two declarations under the same number, of a message or of an extension."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..wire.plan import Kind
from .breaking_model import JSON, SOURCE, WIRE, Change, Comparison, Rule
from .breaking_types import cardinality_differs, type_text, types_differ
from .descriptor import FieldDescriptor, Label, OneofDescriptor

_Changes = Iterator[Change]
_NEW_NUMBER = (
    "declare a new field under a new number for it, and keep this one or reserve its number and name"
)


def _reused(old: FieldDescriptor, new: FieldDescriptor, comparison: Comparison) -> bool:
    """Whether this is no change of a field but another field under its number."""
    if old.name == new.name:
        return False
    difference = types_differ(old, new, comparison)
    return bool(difference and WIRE in difference.categories)


def _number_reused(old: FieldDescriptor, new: FieldDescriptor, comparison: Comparison) -> _Changes:
    if _reused(old, new, comparison):
        was, now = f"{type_text(old)} {old.name}", f"{type_text(new)} {new.name}"
        message = (
            f"number {new.number} of {new.containing_type.full_name} is reused: it was '{was}', now '{now}'"
        )
        help = f"give '{new.name}' a number of its own, and write 'reserved {old.number};'"
        yield Change(message, help, new, old)


def _type(old: FieldDescriptor, new: FieldDescriptor, comparison: Comparison) -> _Changes:
    difference = types_differ(old, new, comparison)
    if difference is None or _reused(old, new, comparison):
        return
    message = f"the type of {_called(new)} changed from {type_text(old)} to {type_text(new)}"
    if difference.reason:
        message += f": {difference.reason}"
    help = (
        _NEW_NUMBER
        if difference.categories
        else "bytes and JSON stay the same; code that names the type does not"
    )
    yield Change(message, help, new, old, difference.categories or (SOURCE,))


def _cardinality(old: FieldDescriptor, new: FieldDescriptor, comparison: Comparison) -> _Changes:
    categories = cardinality_differs(old, new)
    if categories:
        was, now = ("repeated" if field.label is Label.REPEATED else "singular" for field in (old, new))
        yield Change(f"{_called(new)} changed from {was} to {now}", _NEW_NUMBER, new, old, categories)


def _required(old: FieldDescriptor, new: FieldDescriptor, comparison: Comparison) -> _Changes:
    if (old.label is Label.REQUIRED) != (new.label is Label.REQUIRED):
        if new.label is Label.REQUIRED:
            message = f"{_called(new)} became required: messages without it are refused now"
            help = "keep it optional, and check for it in the application"
        else:
            message = (
                f"{_called(new)} is no longer required: who has the old schema refuses messages without it"
            )
            help = "update every reader before a writer leaves it out, then pass over this rule once"
        yield Change(message, help, new, old)


def _presence_lost(old: FieldDescriptor, new: FieldDescriptor, comparison: Comparison) -> _Changes:
    if old.has_presence and not new.has_presence and _both_singular(old, new):
        message = f"{_called(new)} lost its presence: a zero value can no longer be told from an absent one"
        yield Change(message, "keep 'optional' (in editions: features.field_presence = EXPLICIT)", new, old)


def _presence_gained(old: FieldDescriptor, new: FieldDescriptor, comparison: Comparison) -> _Changes:
    if new.has_presence and not old.has_presence and _both_singular(old, new):
        message = f"{_called(new)} can be absent now"
        yield Change(message, "look at the code that reads it: an absent value may come as None", new, old)


def _oneof(old: FieldDescriptor, new: FieldDescriptor, comparison: Comparison) -> _Changes:
    before, after = _real_oneof(old), _real_oneof(new)
    if (before and before.name) == (after and after.name):
        return
    was, now = _siblings(before, old), _siblings(after, new)
    existed = {field.number for field in old.containing_type.fields}
    remaining = {field.number for field in new.containing_type.fields}
    joined = [field for field in _members(after) if field.number in existed and field.number in now - was]
    left = [field for field in _members(before) if field.number in remaining and field.number in was - now]
    if after and joined:
        message = (
            f"{_called(new)} moved into oneof '{after.name}': it and {_names(joined)} now exclude each other"
        )
        yield Change(message, "messages that hold both lose one of them; leave it where it was", new, old)
    if before and left:
        message = f"{_called(new)} left oneof '{before.name}': it and {_names(left)} can now both be set"
        yield Change(
            message, "who has the old schema keeps only one of them; leave it where it was", new, old
        )


def _default(old: FieldDescriptor, new: FieldDescriptor, comparison: Comparison) -> _Changes:
    if not (old.has_presence and new.has_presence) or old.kind is not new.kind or old.message_type:
        return
    was, now = _default_of(old), _default_of(new)
    if repr(was) != repr(now):  # repr: nan is not equal to itself
        message = f"the default of {_called(new)} changed from {was!r} to {now!r}"
        help = "defaults are not sent: readers of the two schemas see different values; set the value when writing"
        yield Change(message, help, new, old)


def _utf8(old: FieldDescriptor, new: FieldDescriptor, comparison: Comparison) -> _Changes:
    if old.kind is Kind.STRING is new.kind and old.features.utf8_validation != new.features.utf8_validation:
        strict = new.features.utf8_validation == "VERIFY"
        message = f"{_called(new)} is {'now' if strict else 'no longer'} checked to be UTF-8"
        who = "text that used to be read is" if strict else "who has the old schema finds text"
        help = f"{who} refused if it is not UTF-8: keep features.utf8_validation as it was, or make the field bytes"
        yield Change(message, help, new, old)


def _json_name(old: FieldDescriptor, new: FieldDescriptor, comparison: Comparison) -> _Changes:
    if _extension_or_moved(old, new) or _reused(old, new, comparison):
        return
    if old.json_name != new.json_name:
        message = f"the JSON name of {_called(new)} changed from {old.json_name!r} to {new.json_name!r}"
        yield Change(message, f'write [json_name = "{old.json_name}"] to keep it', new, old)


def _name(old: FieldDescriptor, new: FieldDescriptor, comparison: Comparison) -> _Changes:
    if old.name != new.name and not _extension_or_moved(old, new) and not _reused(old, new, comparison):
        message = f"field {old.full_name} is called '{new.name}' now"
        yield Change(
            message, f"code, text format and field masks that say '{old.name}' have to change", new, old
        )


def _extension_name(old: FieldDescriptor, new: FieldDescriptor, comparison: Comparison) -> _Changes:
    if old.is_extension and old.full_name != new.full_name:
        message = f"extension {new.number} of {new.containing_type.full_name} was [{old.full_name}], "
        yield Change(
            message + f"now [{new.full_name}]", "JSON names extensions in full: keep the name", new, old
        )


# Helpers


def _called(field: FieldDescriptor) -> str:
    return f"{'extension' if field.is_extension else 'field'} {field.full_name}"


def _both_singular(old: FieldDescriptor, new: FieldDescriptor) -> bool:
    return old.label is not Label.REPEATED and new.label is not Label.REPEATED


def _real_oneof(field: FieldDescriptor) -> OneofDescriptor | None:
    oneof = field.containing_oneof
    return None if oneof is None or oneof.is_synthetic else oneof


def _members(oneof: OneofDescriptor | None) -> list[FieldDescriptor]:
    return oneof.fields if oneof else []


def _siblings(oneof: OneofDescriptor | None, field: FieldDescriptor) -> set[int]:
    return {member.number for member in _members(oneof)} - {field.number}


def _names(fields: list[FieldDescriptor]) -> str:
    return ", ".join(f"'{field.name}'" for field in fields)


def _default_of(field: FieldDescriptor) -> Any:
    if (
        field.default is not None or field.enum_type is not None
    ):  # an enum's first value has a rule of its own
        return field.default
    match field.kind:
        case Kind.STRING:
            return ""
        case Kind.BYTES:
            return b""
        case Kind.BOOL:
            return False
        case Kind.FLOAT | Kind.DOUBLE:
            return 0.0
        case _:
            return 0


def _extension_or_moved(old: FieldDescriptor, new: FieldDescriptor) -> bool:
    """Extensions are called by their full names; a name that went to another number has a rule of its own."""
    return old.is_extension or any(
        field.name == old.name and field.number != old.number for field in new.containing_type.fields
    )


_BOTH = (WIRE, JSON)
_F = FieldDescriptor

FIELD_RULES = (
    Rule(
        "field-number-reused",
        _BOTH,
        _F,
        "Old messages are read as if the number had always meant the new field.",
        _number_reused,
    ),
    Rule(
        "field-type",
        _BOTH,
        _F,
        "A value that one type wrote is lost or garbled when it is read as the other.",
        _type,
    ),
    Rule(
        "field-cardinality",
        _BOTH,
        _F,
        "A packed list is no single value, and a JSON array none either.",
        _cardinality,
    ),
    Rule(
        "field-required",
        (WIRE,),
        _F,
        "A reader refuses every message that lacks a required field.",
        _required,
    ),
    Rule(
        "field-presence-lost",
        (WIRE,),
        _F,
        "Writers stop sending zero values, which readers took for set.",
        _presence_lost,
    ),
    Rule(
        "field-presence-gained",
        (SOURCE,),
        _F,
        "Bytes stay as they are, but code meets a third state: absent.",
        _presence_gained,
    ),
    Rule("field-oneof", (WIRE,), _F, "Of the members of a oneof only the one read last is kept.", _oneof),
    Rule("field-default", (WIRE,), _F, "A default is never sent: each side fills in its own.", _default),
    Rule("field-utf8", (WIRE,), _F, "One side refuses text that the other sends.", _utf8),
    Rule(
        "field-json-name",
        (JSON,),
        _F,
        "JSON names fields; an unknown name is refused or dropped.",
        _json_name,
    ),
    Rule("field-name", (SOURCE,), _F, "Generated code, text format and field masks use the name.", _name),
    Rule("extension-name", (JSON,), _F, "JSON writes an extension under its full name.", _extension_name),
)
