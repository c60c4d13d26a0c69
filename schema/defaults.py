"""Values that fields are given in the source: `default` and `json_name`."""

from __future__ import annotations

import math
import struct
from typing import TYPE_CHECKING, Any

from ..wire.plan import Kind
from . import ast
from .descriptor import Label
from .numbers_text import float_text

if TYPE_CHECKING:
    from .descriptor import FieldDescriptor
    from .unit import Unit

# Lowest and highest value of each integer kind.
INTEGER_RANGES: dict[Kind, tuple[int, int]] = {
    Kind.INT32: (-(2**31), 2**31 - 1),
    Kind.SINT32: (-(2**31), 2**31 - 1),
    Kind.SFIXED32: (-(2**31), 2**31 - 1),
    Kind.UINT32: (0, 2**32 - 1),
    Kind.FIXED32: (0, 2**32 - 1),
    Kind.INT64: (-(2**63), 2**63 - 1),
    Kind.SINT64: (-(2**63), 2**63 - 1),
    Kind.SFIXED64: (-(2**63), 2**63 - 1),
    Kind.UINT64: (0, 2**64 - 1),
    Kind.FIXED64: (0, 2**64 - 1),
}


class ValueFault(ValueError):
    """A literal that does not fit its field. str() says why; `help` what to write."""

    def __init__(self, message: str, help: str | None = None) -> None:
        self.help = help
        super().__init__(message)


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


def scalar_value(field: FieldDescriptor, value: bytes | int | float | str) -> Any:
    """The Python value that a literal stands for in `field`. Raises ValueFault."""
    kind = field.kind
    if kind in INTEGER_RANGES:
        return _integer(kind, value)
    if kind in (Kind.FLOAT, Kind.DOUBLE):
        return _float(kind, value)
    if kind is Kind.BOOL:
        if value not in ("true", "false"):
            raise ValueFault("a bool is true or false")
        return value == "true"
    if kind is Kind.ENUM:
        return _enum_number(field, value)
    if not isinstance(value, bytes):
        raise ValueFault(f"a {kind.value} is written in quotes")
    if kind is Kind.BYTES:
        return value
    try:
        return value.decode()
    except UnicodeDecodeError:
        # protoc takes it (proto2 strings are not checked); so do we, in the form that the codec uses.
        return value.decode("utf-8", "surrogateescape")


def _integer(kind: Kind, value: bytes | int | float | str) -> int:
    if isinstance(value, float) and str(value) == "-0.0":
        return 0
    if not isinstance(value, int):
        raise ValueFault(f"a {kind.value} is a whole number")
    low, high = INTEGER_RANGES[kind]
    if not low <= value <= high:
        raise ValueFault(f"{_short(value)} does not fit a {kind.value}", f"it holds {low} to {high}")
    return value


def _float(kind: Kind, value: bytes | int | float | str) -> float:
    if isinstance(value, str):
        words = {"inf": math.inf, "-inf": -math.inf, "nan": math.nan, "-nan": -math.nan}
        if value not in words:
            raise ValueFault(f"a {kind.value} is a number, inf or nan")
        return words[value]
    if isinstance(value, bytes):
        raise ValueFault(f"a {kind.value} is written without quotes")
    try:
        number = float(value)
    except OverflowError:
        number = math.copysign(math.inf, value)
    return as_float32(number) if kind is Kind.FLOAT else number


def as_float32(number: float) -> float:
    """The nearest float of 32 bits; infinity beyond their range."""
    try:
        return struct.unpack("<f", struct.pack("<f", number))[0]
    except OverflowError:
        return math.copysign(math.inf, number)


def _enum_number(field: FieldDescriptor, value: bytes | int | float | str) -> int:
    enum = field.enum_type
    if not isinstance(value, str):
        raise ValueFault("a value of an enum is written by its name")
    for candidate in enum.values if enum else ():
        if candidate.name == value:
            return candidate.number
    from difflib import get_close_matches

    close = get_close_matches(value, [v.name for v in enum.values] if enum else [], 1)
    help = f"did you mean {close[0]}?" if close else None
    raise ValueFault(f"'{value}' is not a value of {enum.full_name if enum else 'its enum'}", help)


def _short(value: int) -> str:
    text = str(value)
    return text if len(text) <= 40 else text[:37] + "…"


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
