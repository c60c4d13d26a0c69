"""Names for the inspector: what a field is called and how to read it. `scan` knows no schema; this is how it is told.

Anything with a `field(number)` method will do; `names_from_plan` makes one from a MessagePlan.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from .access import holds_messages, key_and_value, sub_plan
from .plan import Cardinality, FieldPlan, Kind, MessagePlan
from .record import record


class Names(Protocol):
    """The fields of one message, by number."""

    def field(self, number: int) -> FieldName | None: ...


@record(frozen=True)
class FieldName:
    """`type` is what to print (`repeated int32`, `bookstore.Book`), `kind` says how to read one value.

    `nested` has the fields of a message, group or map entry; `member` turns an enum's number into its name;
    `utf8=False` lets a string hold any bytes.
    """

    name: str
    type: str
    kind: Kind
    nested: Names | None = None
    member: Callable[[int], str | None] | None = None
    utf8: bool = True


def names_from_plan(plan: MessagePlan) -> Names:
    """The names that stand in a plan: its fields and its known extensions."""
    return _PlanNames(plan)


@record(frozen=True)
class _PlanNames:
    plan: MessagePlan

    def field(self, number: int) -> FieldName | None:
        field = self.plan.field(number)
        if field is None:
            return None
        if field.cardinality is Cardinality.MAP:
            key, value = key_and_value(field)
            entry = _EntryNames(field_name(key), field_name(value))
            return FieldName(
                field.name, f"map<{entry.key.type}, {entry.value.type}>", Kind.MESSAGE, nested=entry
            )
        name = field_name(field)
        if self.plan.extensions.get(number) is field:
            return FieldName(f"[{name.name}]", name.type, name.kind, name.nested, name.member, name.utf8)
        return name


@record(frozen=True)
class _EntryNames:
    """A map entry: key and value."""

    key: FieldName
    value: FieldName

    def field(self, number: int) -> FieldName | None:
        return self.key if number == 1 else self.value if number == 2 else None


def field_name(field: FieldPlan) -> FieldName:
    """The name of one field that is no map."""
    label = "repeated " if field.cardinality is Cardinality.REPEATED else ""
    if holds_messages(field):
        sub = sub_plan(field)
        return FieldName(field.name, label + sub.full_name, field.kind, nested=_PlanNames(sub))
    if field.enum is not None:
        enum = field.enum

        def member(number: int) -> str | None:
            known = enum.enum_class._value2member_map_.get(number)
            return None if known is None else known.name

        return FieldName(field.name, label + enum.full_name, field.kind, member=member)
    return FieldName(field.name, label + field.kind.value, field.kind, utf8=field.utf8)
