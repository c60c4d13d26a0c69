"""Which types can stand for each other: on the wire, and in JSON.

The wire groups are those of https://protobuf.dev/programming-guides/proto3/#updating; in JSON two types are alike
when each reads every value that the other writes (https://protobuf.dev/programming-guides/json).
"""

from __future__ import annotations

from ..wire.plan import Kind
from .breaking_model import JSON, WIRE, Comparison, Difference
from .descriptor import FieldDescriptor, Label

# Kinds of one group are compatible on the wire.
_WIRE_GROUPS = (
    frozenset({Kind.INT32, Kind.UINT32, Kind.INT64, Kind.UINT64, Kind.BOOL}),
    frozenset({Kind.INT32, Kind.UINT32, Kind.INT64, Kind.UINT64, Kind.ENUM}),
    frozenset({Kind.SINT32, Kind.SINT64}),
    frozenset({Kind.FIXED32, Kind.SFIXED32}),
    frozenset({Kind.FIXED64, Kind.SFIXED64}),
    frozenset({Kind.STRING, Kind.BYTES}),
    frozenset({Kind.MESSAGE, Kind.BYTES}),
)
# Kinds of one group have the same JSON: the same form, and the same range of values.
_JSON_GROUPS = (
    frozenset({Kind.INT32, Kind.SINT32, Kind.SFIXED32}),
    frozenset({Kind.UINT32, Kind.FIXED32}),
    frozenset({Kind.INT64, Kind.SINT64, Kind.SFIXED64}),
    frozenset({Kind.UINT64, Kind.FIXED64}),
    frozenset({Kind.MESSAGE, Kind.GROUP}),
)
_DELIMITED = frozenset({Kind.STRING, Kind.BYTES, Kind.MESSAGE, Kind.GROUP})
_BOTH = (WIRE, JSON)


def type_text(field: FieldDescriptor) -> str:
    """A field's type as a `.proto` writes it."""
    if field.is_map and field.message_type is not None:
        key, value = field.message_type.fields
        return f"map<{type_text(key)}, {type_text(value)}>"
    declared = field.message_type or field.enum_type
    if declared is None:
        return field.kind.value
    return ("group " if field.kind is Kind.GROUP else "") + declared.full_name


def types_differ(old: FieldDescriptor, new: FieldDescriptor, comparison: Comparison) -> Difference | None:
    """None if the types are the same; else how they differ. Labels are looked at elsewhere."""
    if old.is_map and new.is_map:
        return _maps_differ(old, new, comparison)
    if old.message_type is not None and new.message_type is not None:
        framing = () if old.kind is new.kind else (WIRE,)
        inside = comparison.messages_differ(old.message_type, new.message_type)
        if old.is_map != new.is_map:
            return Difference((*(inside.categories if inside else ()), JSON))
        if framing:
            return _joined(Difference(framing, "its messages are framed in another way"), inside)
        return inside
    if old.enum_type is not None and new.enum_type is not None:
        return comparison.enums_differ(old.enum_type, new.enum_type)
    return kinds_differ(old.kind, new.kind)


def kinds_differ(old: Kind, new: Kind) -> Difference | None:
    """The same for two kinds."""
    if old is new:
        return None
    wire = any({old, new} <= group for group in _WIRE_GROUPS)
    json = any({old, new} <= group for group in _JSON_GROUPS)
    return Difference(tuple(word for word, fits in ((WIRE, wire), (JSON, json)) if not fits))


def cardinality_differs(old: FieldDescriptor, new: FieldDescriptor) -> tuple[str, ...]:
    """The categories that suffer when a field becomes repeated, or stops being so."""
    before, after = old.label is Label.REPEATED, new.label is Label.REPEATED
    if before == after:
        return ()
    repeated = old if before else new
    # One value is read as a list of one, and of several values the last wins (messages are merged): but a list that
    # is packed is no such value.
    return _BOTH if repeated.kind not in _DELIMITED and repeated.packed else (JSON,)


def _maps_differ(old: FieldDescriptor, new: FieldDescriptor, comparison: Comparison) -> Difference | None:
    assert old.message_type is not None
    assert new.message_type is not None
    key, value = (
        types_differ(before, after, comparison)
        for before, after in zip(old.message_type.fields, new.message_type.fields, strict=True)
    )
    return _joined(key, value)


def _joined(one: Difference | None, other: Difference | None) -> Difference | None:
    if one is None or other is None:
        return one or other
    categories = tuple(word for word in _BOTH if word in one.categories or word in other.categories)
    return Difference(categories, one.reason or other.reason)
