"""Descriptors → wire plans.

A plan knows nothing of `.proto` files; this is where a field's features, label and type become what the codec needs:
cardinality, packing, UTF-8 checking, defaults.

Message types refer to each other in circles, so every plan is made empty first and filled from a work list: the
depth of the schema never becomes the depth of the Python stack.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..wire.enum import Enum
from ..wire.naming import attribute_name
from ..wire.plan import Cardinality, EnumPlan, FieldPlan, Kind, MessagePlan
from .descriptor import EnumDescriptor, FieldDescriptor, Label, MessageDescriptor


class Lowering:
    """The plans of a set of descriptors, each made once.

    `enum_class` gives the Python class of an enum. `elsewhere(descriptor)` may name another Lowering that owns a
    message or an enum (the well-known types are shared by all registries).
    """

    def __init__(
        self,
        enum_class: Callable[[EnumDescriptor], type[Enum]],
        elsewhere: Callable[[MessageDescriptor | EnumDescriptor], Lowering | None] = lambda _: None,
    ) -> None:
        self._enum_class = enum_class
        self._elsewhere = elsewhere
        self._messages: dict[MessageDescriptor, MessagePlan] = {}
        self._enums: dict[EnumDescriptor, EnumPlan] = {}
        self._unfilled: list[MessageDescriptor] = []
        self._lowered: list[MessageDescriptor] = []

    def message(self, descriptor: MessageDescriptor) -> MessagePlan:
        """The plan of a message; every plan that can be reached from it is complete too."""
        plan = self._reference(descriptor)
        self._fill()
        return plan

    def enum(self, descriptor: EnumDescriptor) -> EnumPlan:
        """The plan of an enum."""
        owner = self._elsewhere(descriptor)
        if owner is not None:
            return owner.enum(descriptor)
        plan = self._enums.get(descriptor)
        if plan is None:
            plan = EnumPlan(descriptor.full_name, self._enum_class(descriptor), closed=descriptor.is_closed)
            self._enums[descriptor] = plan
        return plan

    def extension(self, descriptor: FieldDescriptor) -> FieldPlan:
        """The plan of an extension field; its name is the full one."""
        plan = self._field(descriptor, descriptor.full_name, "")
        self._fill()
        return plan

    def take_lowered(self) -> list[MessageDescriptor]:
        """The messages lowered since the last time this was asked: they need classes."""
        lowered, self._lowered = self._lowered, []
        return lowered

    def _reference(self, descriptor: MessageDescriptor) -> MessagePlan:
        owner = self._elsewhere(descriptor)
        if owner is not None:
            return owner.message(descriptor)
        plan = self._messages.get(descriptor)
        if plan is None:
            plan = MessagePlan(descriptor.full_name, message_set=descriptor.message_set)
            self._messages[descriptor] = plan
            self._unfilled.append(descriptor)
        return plan

    def _fill(self) -> None:
        while self._unfilled:
            descriptor = self._unfilled.pop()
            plan = self._messages[descriptor]
            attributes = field_attributes(descriptor)
            fields = [self._field(field, field.name, attributes[field.name]) for field in descriptor.fields]
            plan.fields = tuple(sorted(fields, key=lambda field: field.number))
            plan.oneofs = tuple(oneof.name for oneof in descriptor.oneofs if not oneof.is_synthetic)
            self._lowered.append(descriptor)
            # A class and the classes nested in it are attributes of each other's outermost class: built together.
            for nested in descriptor.messages:
                if not nested.is_map_entry:
                    self._reference(nested)
            if descriptor.containing_type is not None:
                self._reference(descriptor.containing_type)

    def _field(self, field: FieldDescriptor, name: str, attribute: str) -> FieldPlan:
        oneof = field.containing_oneof
        plan = FieldPlan(
            number=field.number,
            name=name,
            attribute=attribute or name,
            kind=field.kind,
            cardinality=cardinality(field),
            packed=field.packed,
            utf8=field.features.utf8_validation == "VERIFY",
            oneof=None if oneof is None or oneof.is_synthetic else oneof.name,
        )
        if plan.cardinality is Cardinality.MAP:
            self._map_entry(field, plan)
            return plan
        if field.message_type is not None:
            plan.message = self._reference(field.message_type)
        if field.enum_type is not None:
            plan.enum = self.enum(field.enum_type)
        if field.has_presence and field.kind not in (Kind.MESSAGE, Kind.GROUP):
            plan.default = self._default(field, plan)
        return plan

    def _map_entry(self, field: FieldDescriptor, plan: FieldPlan) -> None:
        assert field.message_type is not None
        for part in field.message_type.fields:
            lowered = self._field(part, part.name, part.name)
            lowered.cardinality = Cardinality.IMPLICIT
            lowered.default = None
            if part.number == 1:
                plan.key = lowered
            else:
                plan.value = lowered

    def _default(self, field: FieldDescriptor, plan: FieldPlan) -> Any:
        if plan.enum is None or field.enum_type is None:
            return field.default
        number = field.default
        if number is None:  # an enum's default is its first value, which in proto2 need not be zero
            number = field.enum_type.values[0].number if field.enum_type.values else 0
        return plan.enum.enum_class(number)


def cardinality(field: FieldDescriptor) -> Cardinality:
    """How often the field may occur, from its label and its resolved features."""
    if field.label is Label.REPEATED:
        return Cardinality.MAP if field.is_map else Cardinality.REPEATED
    if field.label is Label.REQUIRED or (
        field.features.field_presence == "LEGACY_REQUIRED" and not field.is_extension
    ):
        return Cardinality.REQUIRED
    return Cardinality.EXPLICIT if field.has_presence else Cardinality.IMPLICIT


def field_attributes(descriptor: MessageDescriptor) -> dict[str, str]:
    """The Python attribute of every field, by field name.

    A name that Python or Message needs gets a trailing underscore, and one more for as long as another field is
    called that: fields `from` and `from_` become `from__` and `from_`.
    """
    declared = {field.name for field in descriptor.fields}
    taken: set[str] = set()
    attributes: dict[str, str] = {}
    for field in descriptor.fields:
        attribute = attribute_name(field.name)
        while attribute in taken or (attribute != field.name and attribute in declared):
            attribute += "_"
        taken.add(attribute)
        attributes[field.name] = attribute
    return attributes
