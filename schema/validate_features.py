"""Features that make no sense where they are set."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..wire.plan import Kind
from . import ast
from .descriptor import Label
from .features import features_in

if TYPE_CHECKING:
    from .descriptor import FieldDescriptor
    from .unit import Unit

_PACKABLE = frozenset(Kind) - {Kind.STRING, Kind.BYTES, Kind.MESSAGE, Kind.GROUP}


def check_features(unit: Unit, field: FieldDescriptor, node: ast.Field) -> None:
    """Checks what the field itself sets; what it inherits has to fit only the fields that it concerns."""
    if unit.file.syntax != "editions":
        return
    where = next((o for o in node.options if o.parts[0].name.text == "features"), None)
    if where is None or field.containing_type.is_map_entry:
        return
    changes = features_in(node.options)
    repeated = field.label is Label.REPEATED
    presence = changes.get("field_presence")
    if presence:
        message = field.kind in (Kind.MESSAGE, Kind.GROUP)
        if field.containing_oneof:
            unit.error(where, "a member of a oneof always has presence")
        elif repeated:
            unit.error(where, "a repeated field has no presence to set")
        elif field.is_extension and presence == "LEGACY_REQUIRED":
            unit.error(where, "an extension cannot be required")
        elif field.is_extension and presence == "IMPLICIT":
            unit.error(where, "an extension always has presence")
        elif message and presence == "IMPLICIT":
            unit.error(where, "a message field always has presence")
    encoding = changes.get("repeated_field_encoding")
    if encoding and not repeated:
        unit.error(where, "repeated_field_encoding is for repeated fields")
    elif encoding == "PACKED" and field.kind not in _PACKABLE:
        unit.error(where, "only repeated numbers, bools and enums can be packed")
    if "utf8_validation" in changes and not _has_strings(field):
        unit.error(where, "utf8_validation is for strings")
    if "message_encoding" in changes and (field.kind not in (Kind.MESSAGE, Kind.GROUP) or field.is_map):
        unit.error(where, "message_encoding is for message fields")


def _has_strings(field: FieldDescriptor) -> bool:
    parts = field.message_type.fields if field.is_map and field.message_type else [field]
    return any(part.kind is Kind.STRING for part in parts)
