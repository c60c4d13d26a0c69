"""Values that fields are given in the source: `default` and `json_name`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..wire.plan import Kind
from . import ast
from .descriptor import Label
from .numbers_text import float_text
from .values import ValueFault, scalar_value

if TYPE_CHECKING:
    from .descriptor import FieldDescriptor
    from .unit import Unit


def set_defaults(unit: Unit) -> None:
    """Reads `default` and `json_name` of every field of the unit."""
    for field, node in unit.fields:
        if node.json_name:
            _set_json_name(unit, field, node.json_name.value)
        if node.default:
            _set_default(unit, field, node.default)


def _set_json_name(unit: Unit, field: FieldDescriptor, value: ast.Value) -> None:
    if field.is_extension:
        unit.error(value, "an extension has no JSON name of its own", "JSON writes it as [full.name]")
    elif not isinstance(value, ast.Scalar) or not isinstance(value.value, bytes):
        unit.error(value, "json_name is a string in quotes")
    else:
        try:
            text = value.value.decode()
        except UnicodeDecodeError:
            unit.error(value, "json_name is not valid UTF-8")
            return
        if "\0" in text:
            unit.error(value, "json_name cannot contain a null character")
        field.json_name, field.has_json_name = text, True


def _set_default(unit: Unit, field: FieldDescriptor, option: ast.Option) -> None:
    value = option.value
    if unit.file.syntax == "proto3":
        unit.error(option, "proto3 has no default values: an absent field reads as zero")
    elif field.label is Label.REPEATED:
        unit.error(option, "a repeated field cannot have a default: it is empty when absent")
    elif field.kind in (Kind.MESSAGE, Kind.GROUP):
        if field.message_type is not None:
            unit.error(option, "a message field cannot have a default")
    elif not field.has_presence:
        unit.error(
            option, "a field without presence cannot have a default", "set features.field_presence = EXPLICIT"
        )
    elif not isinstance(value, ast.Scalar):
        unit.error(value, "a default is a single value")
    else:
        try:
            field.default = scalar_value(field, value.value)
        except ValueFault as fault:
            unit.error(value, str(fault), fault.help)
            return
        field.default_text = _default_text(field, value.value)


def _default_text(field: FieldDescriptor, written: bytes | int | float | str) -> str:
    """The default as descriptor.proto writes it."""
    value = field.default
    match field.kind:
        case Kind.BOOL:
            return "true" if value else "false"
        case Kind.FLOAT | Kind.DOUBLE:
            return float_text(value, single=field.kind is Kind.FLOAT)
        case Kind.BYTES:
            return escape_bytes(value)
        case Kind.ENUM:
            return str(written)
        case _:
            return str(value)


_ESCAPES = {10: "\\n", 13: "\\r", 9: "\\t", 34: '\\"', 39: "\\'", 92: "\\\\"}


def escape_bytes(value: bytes) -> str:
    """Bytes as C would write them: printable ASCII as it is, the rest as octal escapes."""
    return "".join(_ESCAPES.get(b) or (chr(b) if 32 <= b < 127 else f"\\{b:03o}") for b in value)
