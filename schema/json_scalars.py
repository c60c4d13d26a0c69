"""Scalars in JSON, both ways.

Spec: https://protobuf.dev/programming-guides/json (ProtoJSON), the table of field types.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
import struct
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..wire.errors import EncodeError
from ..wire.plan import Kind
from ..wire.scalar import RANGES, check_integer, show
from .json_errors import JsonError

if TYPE_CHECKING:
    from .json_fields import JsonEnum

Printer = Callable[[Any], Any]
Parser = Callable[[Any], Any]

WIDE = frozenset({Kind.INT64, Kind.UINT64, Kind.FIXED64, Kind.SFIXED64, Kind.SINT64})  # strings in JSON
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_BASE64 = re.compile(r"[A-Za-z0-9+/]*")
_URL_SAFE = str.maketrans("-_", "+/")
_FLOAT32 = struct.Struct("<f")
_NAMED_FLOATS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def scalar_printer(kind: Kind) -> Printer:
    """The function that turns values of a kind into JSON values. It raises JsonError for what the kind cannot hold.

    (Enums are `print_enum`'s.)
    """
    match kind:
        case Kind.STRING:
            return _print_string
        case Kind.BYTES:
            return _print_bytes
        case Kind.FLOAT | Kind.DOUBLE:
            return lambda value: print_float(value, kind)
        case Kind.BOOL:
            return lambda value: value if value is True or value is False else bool(_checked(value, kind))
        case _ if kind in WIDE:
            return lambda value: str(_checked(value, kind))
        case _:
            return lambda value: _checked(value, kind)


def print_enum(enum: JsonEnum, value: Any, as_integer: bool) -> Any:
    """The JSON value of an enum: the name that goes with the number, or the number."""
    number = _checked(value, Kind.ENUM)
    if enum.is_null:  # whatever its number: Google's implementations agree on that
        return None
    return number if as_integer else enum.names.get(number, number)


def print_float(value: Any, kind: Kind) -> Any:
    """A float as JSON has it: NaN and infinities as strings, whole numbers without a fraction."""
    if not isinstance(value, int | float):
        raise JsonError(f"{show(value)} is not a number")
    try:
        number = float(value)
        if kind is Kind.FLOAT:
            number = shortest_float32(number)
    except OverflowError:
        raise JsonError(f"{show(value)} does not fit {kind.value}") from None
    if math.isfinite(number):
        whole = number.is_integer() and abs(number) < 1e16 and not is_negative_zero(number)
        return int(number) if whole else number
    return "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"


def is_negative_zero(number: float) -> bool:
    """Whether this is -0.0, which equals 0.0."""
    return number == 0 and math.copysign(1, number) < 0


def shortest_float32(number: float) -> float:
    """The double with the shortest decimal text among those that are this number once it is a float32."""
    if not math.isfinite(number):
        return number
    packed = _FLOAT32.pack(number)
    for digits in (6, 7, 8):
        candidate = float(f"{number:.{digits}g}")
        if abs(candidate) <= 3.4028235677973366e38 and _FLOAT32.pack(candidate) == packed:
            return candidate
    return float(f"{_FLOAT32.unpack(packed)[0]:.9g}")


def scalar_parser(kind: Kind) -> Parser:
    """The function that turns JSON values into values of a kind. It raises JsonError. (Enums are `parse_enum`'s.)"""
    match kind:
        case Kind.STRING:
            return parse_string
        case Kind.BYTES:
            return _parse_bytes
        case Kind.FLOAT | Kind.DOUBLE:
            return lambda value: parse_float(value, kind)
        case Kind.BOOL:
            return _parse_bool
        case _:
            return lambda value: parse_integer(value, kind)


def parse_integer(value: Any, kind: Kind) -> int:
    """An integer: a number or a string of one, without a fraction, in the range of its kind."""
    if isinstance(value, str):
        number = _integer_of(value, kind)
    elif isinstance(value, int) and not isinstance(value, bool):
        number = value
    elif isinstance(value, float):
        if not value.is_integer():
            raise JsonError(f"expected {kind.value}, got {value!r}")
        number = int(value)
    else:
        raise JsonError(f"expected {kind.value}, got {json_type(value)}")
    low, high = RANGES[kind]
    if not low <= number <= high:
        raise JsonError(f"{show(value)} does not fit {kind.value}")
    return number


def parse_float(value: Any, kind: Kind) -> float:
    """A float or double: a number, a string of one, or "NaN", "Infinity", "-Infinity"."""
    if isinstance(value, str):
        if value in _NAMED_FLOATS:
            return _NAMED_FLOATS[value]
        if not _NUMBER.fullmatch(value):
            raise JsonError(f"expected {kind.value}, got {show(value)}")
    elif isinstance(value, bool) or not isinstance(value, int | float):
        raise JsonError(f"expected {kind.value}, got {json_type(value)}")
    try:
        number = float(value)
        # In memory a float field holds what it would hold after a trip over the wire.
        rounded = _FLOAT32.unpack(_FLOAT32.pack(number))[0] if kind is Kind.FLOAT else number
    except (OverflowError, ValueError):
        raise JsonError(f"{show(value)} does not fit {kind.value}") from None
    if not math.isfinite(number):
        raise JsonError(f"{show(value)} does not fit {kind.value}")
    return rounded


def parse_enum(enum: JsonEnum, value: Any) -> int | None:
    """The number of an enum value, or None for a name (or, in a closed enum, a number) that the enum lacks."""
    if value is None and enum.is_null:
        return 0
    if isinstance(value, str):
        return enum.numbers.get(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise JsonError(f"expected a value of {enum.full_name}, got {json_type(value)}")
    number = parse_integer(value, Kind.ENUM)
    return None if enum.closed and number not in enum.names else number


def json_type(value: Any) -> str:
    """What a JSON value is called in an error message."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            return f"string {show(value)}"
        case int() | float():
            return f"number {show(value)}"
        case dict():
            return "an object"
        case list():
            return "an array"
        case _:
            return show(value)


def parse_string(value: Any) -> str:
    """A string that UTF-8 can encode."""
    if not isinstance(value, str):
        raise JsonError(f"expected a string, got {json_type(value)}")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise JsonError("the string holds half of a surrogate pair, which UTF-8 cannot encode") from None
    return value


def _checked(value: Any, kind: Kind) -> int:
    try:
        return int(check_integer(value, kind))
    except EncodeError as error:
        raise JsonError(error.reason) from None


def _print_string(value: Any) -> str:
    if not isinstance(value, str):
        raise JsonError(f"{show(value)} is not a str")
    return value


def _print_bytes(value: Any) -> str:
    if not isinstance(value, bytes | bytearray):
        raise JsonError(f"{show(value)} is not bytes")
    return base64.b64encode(value).decode("ascii")


def _parse_bool(value: Any) -> bool:
    if value is True or value is False:
        return value
    raise JsonError(f"expected true or false, got {json_type(value)}")


def _parse_bytes(value: Any) -> bytes:
    if not isinstance(value, str):
        raise JsonError(f"expected a string in base64, got {json_type(value)}")
    text = value.translate(_URL_SAFE).rstrip("=")
    padding = -len(text) % 4
    if padding == 3 or not _BASE64.fullmatch(text) or len(value) - len(text) not in (0, padding):
        raise JsonError(f"{show(value)} is not base64")
    try:
        return binascii.a2b_base64(text + "=" * padding)
    except binascii.Error:
        raise JsonError(f"{show(value)} is not base64") from None


def _integer_of(text: str, kind: Kind) -> int:
    match = _NUMBER.fullmatch(text)
    if not match:
        raise JsonError(f"expected {kind.value}, got string {show(text)}")
    if match[2] is None and match[3] is None and len(text) <= 40:
        return int(text)
    number = float(text)
    if not number.is_integer():
        raise JsonError(f"{show(text)} is not an integer that fits {kind.value}")
    return int(number)
