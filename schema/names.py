"""What the inspector (`wire.scan`, `wire.render`) is told about a message: field names and types, from its descriptor.

    print(render(data, field_names(books.Book)))

No class is built for it, and names are those of the `.proto`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..wire.names import FieldName, Names
from ..wire.plan import Kind
from .descriptor import EnumDescriptor, FieldDescriptor, Label, MessageDescriptor

if TYPE_CHECKING:
    from .message import Message
    from .registry import Registry


def field_names(message: type[Message] | MessageDescriptor, registry: Registry | None = None) -> Names:
    """The names in a message: its fields, and the extensions that `registry` (a class brings its own) knows."""
    if isinstance(message, MessageDescriptor):
        return _MessageNames(message, registry)
    return _MessageNames(message.__descriptor__, registry or message.__registry__)


@dataclass(frozen=True, slots=True)
class _MessageNames:
    descriptor: MessageDescriptor
    registry: Registry | None

    def field(self, number: int) -> FieldName | None:
        declared = next((field for field in self.descriptor.fields if field.number == number), None)
        if declared is None and self.registry is not None:
            declared = self.registry.find_extension(self.descriptor.full_name, number)
        return None if declared is None else self._name(declared)

    def _name(self, field: FieldDescriptor) -> FieldName:
        name = f"[{field.full_name}]" if field.is_extension else field.name
        label = "repeated " if field.label is Label.REPEATED else ""
        if field.message_type is not None:
            nested = _MessageNames(field.message_type, self.registry)
            if field.is_map:
                return FieldName(name, self._map_type(field.message_type), Kind.MESSAGE, nested)
            return FieldName(name, label + field.message_type.full_name, field.kind, nested)
        if field.enum_type is not None:
            return FieldName(
                name, label + field.enum_type.full_name, field.kind, member=_EnumNames(field.enum_type)
            )
        utf8 = field.features.utf8_validation == "VERIFY"
        return FieldName(name, label + field.kind.value, field.kind, utf8=utf8)

    def _map_type(self, entry: MessageDescriptor) -> str:
        key, value = sorted(entry.fields, key=lambda field: field.number)
        return f"map<{self._name(key).type}, {self._name(value).type}>"


@dataclass(frozen=True, slots=True)
class _EnumNames:
    descriptor: EnumDescriptor

    def __call__(self, number: int) -> str | None:
        return next((value.name for value in self.descriptor.values if value.number == number), None)
