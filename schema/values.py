"""What a literal means to a field: the checked Python value."""

from __future__ import annotations

import math
import struct
from typing import TYPE_CHECKING, Any

from ..wire.plan import Kind
from .ast import MINUS_ZERO

if TYPE_CHECKING:
    from .descriptor import FieldDescriptor

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
        raise ValueFault(f"{kind.value} is written in quotes")
    if kind is Kind.BYTES:
        return value
    try:
        return value.decode()
    except UnicodeDecodeError:
        # protoc takes it (proto2 strings are not checked); so do we, in the form that the codec uses.
        return value.decode("utf-8", "surrogateescape")


def _integer(kind: Kind, value: bytes | int | float | str) -> int:
    if value is MINUS_ZERO:
        return 0
    if not isinstance(value, int):
        raise ValueFault(f"{kind.value} holds whole numbers")
    low, high = INTEGER_RANGES[kind]
    if not low <= value <= high:
        raise ValueFault(f"{_short(value)} does not fit {kind.value}", f"it holds {low} to {high}")
    return value


def _float(kind: Kind, value: bytes | int | float | str) -> float:
    if isinstance(value, str):
        words = {"inf": math.inf, "-inf": -math.inf, "nan": math.nan, "-nan": math.nan}
        if value not in words:
            raise ValueFault(f"{kind.value} holds a number, inf or nan")
        return words[value]
    if isinstance(value, bytes):
        raise ValueFault(f"{kind.value} is written without quotes")
    if value is MINUS_ZERO:
        return -0.0
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
            return _integer(Kind.INT32, candidate.number)
    from difflib import get_close_matches

    close = get_close_matches(value, [v.name for v in enum.values] if enum else [], 1)
    help = f"did you mean {close[0]}?" if close else None
    raise ValueFault(f"'{value}' is not a value of {enum.full_name if enum else 'its enum'}", help)


def _short(value: int) -> str:
    text = str(value)
    return text if len(text) <= 40 else text[:37] + "…"


_TEXT_BOOLS = {
    "true": True,
    "True": True,
    "t": True,
    "false": False,
    "False": False,
    "f": False,
    0: False,
    1: True,
}


def text_value(field: FieldDescriptor, value: bytes | int | float | str) -> Any:
    """Like `scalar_value`, with the liberties of text format: bools as t or 1, enums by number, any case of inf."""
    kind = field.kind
    if kind is Kind.BOOL and isinstance(value, str | int) and value in _TEXT_BOOLS:
        return _TEXT_BOOLS[value]
    if kind in (Kind.FLOAT, Kind.DOUBLE) and isinstance(value, str):
        value = value.lower().replace("infinity", "inf")
        if value == "-nan":
            return math.copysign(math.nan, -1)
    if kind is Kind.ENUM and isinstance(value, int):
        low, high = INTEGER_RANGES[Kind.INT32]
        known = not field.enum_type or any(v.number == value for v in field.enum_type.values)
        if (known or not (field.enum_type and field.enum_type.is_closed)) and low <= value <= high:
            return value
        raise ValueFault(f"{_short(value)} is no value of this enum")
    return scalar_value(field, value)
