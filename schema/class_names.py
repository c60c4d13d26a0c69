"""Which attributes a message class has beside its fields: nested types, extensions, the values of nested enums.

Where two of these would share a name, fields come first, then nested types, then extensions, then enum values; a nested
type or extension that comes too late gets a trailing underscore, an enum value that comes too late is reachable through
its enum alone. The classes that are built and the ones that are written into generated modules both follow this.
"""

from __future__ import annotations

import keyword
from typing import TYPE_CHECKING

from ..wire.enum import Enum
from ..wire.naming import attribute_name
from .lower import field_attributes

if TYPE_CHECKING:
    from .descriptor import EnumDescriptor, EnumValueDescriptor, FieldDescriptor, MessageDescriptor

    Nested = MessageDescriptor | EnumDescriptor | FieldDescriptor | EnumValueDescriptor


def nested_attributes(message: MessageDescriptor, base: type[object]) -> dict[str, Nested]:
    """What stands under which attribute of the class of `message`, which derives from `base`."""
    taken = set(field_attributes(message).values())
    found: dict[str, Nested] = {}

    def is_free(name: str) -> bool:
        return name not in taken and name not in found and not hasattr(base, name)

    types = (nested for nested in message.messages if not nested.is_map_entry)
    for nested in (*types, *message.enums, *message.extensions):
        name = attribute_name(nested.name)
        while not is_free(name):
            name += "_"
        found[name] = nested
    for enum in message.enums:
        for value in enum.values:
            name = enum_member_name(value.name)
            if name == attribute_name(name) and is_free(name):
                found[name] = value
    return found


def enum_member_name(name: str) -> str:
    """The Python name of an enum value: an underscore is added where Python needs the name itself."""
    if keyword.iskeyword(name) or hasattr(Enum, name) or (name.startswith("_") and name.endswith("_")):
        return name + "_"
    return name
