"""What each scalar kind is on the wire: one table, for the interpreter, the inspector and the fast codec.

Spec: https://protobuf.dev/programming-guides/encoding, "Message Structure" (wire types), and
https://protobuf.dev/programming-guides/proto3, "Scalar Value Types".
"""

from __future__ import annotations

import operator
import struct
from collections.abc import Callable
from typing import Any

from .errors import DecodeError, EncodeError
from .fixed import STRUCTS, pack_float
from .plan import FieldPlan, Kind
from .record import record
from .tag import WireType
from .varint import (
    UINT64_MASK,
    decode_length,
    decode_varint,
    decode_zigzag,
    encode_varint,
    encode_zigzag,
    signed,
)

Reader = Callable[[bytes, int, int], tuple[Any, int]]  # (data, position, end) → (value, position behind it)
Writer = Callable[[Any], bytes]
FLOAT_ZERO = 0.0  # one object for all absent float fields: the fast encoder knows it by its identity


@record(frozen=True)
class Scalar:
    """`zero` is the value of an absent field; `read` raises DecodeError, `write` EncodeError (both without a path)."""

    wire_type: WireType
    zero: Any
    read: Reader
    write: Writer


def show(value: object) -> str:
    """A short repr for error messages, which survives values whose own repr fails."""
    try:
        text = repr(value)
    except Exception:  # a foreign __repr__ may raise anything, and huge integers have no repr at all
        return f"<{type(value).__name__}>"
    return text if len(text) <= 60 else f"{text[:57]}…"


def check_integer(value: Any, kind: Kind) -> int:
    """`value` as an int of the range of `kind`; raises EncodeError."""
    low, high = RANGES[kind]
    if value.__class__ is not int:
        try:
            value = operator.index(value)
        except TypeError:
            raise EncodeError(f"{show(value)} is not an integer") from None
    if not low <= value <= high:
        raise EncodeError(f"{show(value)} does not fit {kind.value}")
    return value


RANGES = {
    Kind.INT32: (-(1 << 31), (1 << 31) - 1),
    Kind.INT64: (-(1 << 63), (1 << 63) - 1),
    Kind.UINT32: (0, (1 << 32) - 1),
    Kind.UINT64: (0, (1 << 64) - 1),
    Kind.SINT32: (-(1 << 31), (1 << 31) - 1),
    Kind.SINT64: (-(1 << 63), (1 << 63) - 1),
    Kind.FIXED32: (0, (1 << 32) - 1),
    Kind.FIXED64: (0, (1 << 64) - 1),
    Kind.SFIXED32: (-(1 << 31), (1 << 31) - 1),
    Kind.SFIXED64: (-(1 << 63), (1 << 63) - 1),
    Kind.ENUM: (-(1 << 31), (1 << 31) - 1),  # on the wire an enum is an int32
    Kind.BOOL: (0, 1),
}


def _integer(kind: Kind) -> Scalar:
    """int32, int64, uint32, uint64 and enum: negative numbers are written as 64-bit two's complement."""
    bits = 64 if kind in (Kind.INT64, Kind.UINT64) else 32
    unsigned = kind in (Kind.UINT32, Kind.UINT64)

    def read(data: bytes, position: int, end: int) -> tuple[int, int]:
        value, position = decode_varint(data, position, end)
        return (value & ((1 << bits) - 1) if unsigned else signed(value, bits)), position

    def write(value: Any) -> bytes:
        return encode_varint(check_integer(value, kind) & UINT64_MASK)

    return Scalar(WireType.VARINT, 0, read, write)


def _zigzag(kind: Kind) -> Scalar:
    mask = 0xFFFFFFFF if kind is Kind.SINT32 else UINT64_MASK

    def read(data: bytes, position: int, end: int) -> tuple[int, int]:
        value, position = decode_varint(data, position, end)
        return decode_zigzag(value & mask), position

    def write(value: Any) -> bytes:
        return encode_varint(encode_zigzag(check_integer(value, kind)))

    return Scalar(WireType.VARINT, 0, read, write)


def _read_bool(data: bytes, position: int, end: int) -> tuple[bool, int]:
    value, position = decode_varint(data, position, end)
    return value != 0, position


def _write_bool(value: Any) -> bytes:
    return b"\1" if check_integer(value, Kind.BOOL) else b"\0"


def _fixed(kind: Kind, wire_type: WireType, zero: Any) -> Scalar:
    layout = STRUCTS[kind]

    def read(data: bytes, position: int, end: int) -> tuple[Any, int]:
        if end - position < layout.size:
            raise DecodeError(
                f"truncated: {kind.value} has {layout.size} bytes, {end - position} left", position
            )
        return layout.unpack_from(data, position)[0], position + layout.size

    def write(value: Any) -> bytes:
        if kind in RANGES:
            return layout.pack(check_integer(value, kind))
        try:
            return pack_float(value) if kind is Kind.FLOAT else layout.pack(value)
        except (struct.error, TypeError, ValueError):
            raise EncodeError(f"{show(value)} is not a number") from None
        except OverflowError:
            raise EncodeError(f"{show(value)} does not fit {kind.value}") from None

    return Scalar(wire_type, zero, read, write)


def _read_string(data: bytes, position: int, end: int) -> tuple[str, int]:
    start, after = decode_length(data, position, end)
    try:
        return data[start:after].decode("utf-8"), after
    except UnicodeDecodeError as error:
        raise DecodeError("invalid UTF-8 in a string", start + error.start) from None


def _write_string(value: Any) -> bytes:
    return _delimited(_text(value, "strict"))


def _read_raw_string(data: bytes, position: int, end: int) -> tuple[str, int]:
    start, after = decode_length(data, position, end)
    return data[start:after].decode("utf-8", "surrogateescape"), after


def _write_raw_string(value: Any) -> bytes:
    return _delimited(_text(value, "surrogateescape"))


def _text(value: Any, errors: str) -> bytes:
    if not isinstance(value, str):
        raise EncodeError(f"{show(value)} is not a str")
    try:
        return value.encode("utf-8", errors)
    except UnicodeEncodeError:
        raise EncodeError(f"{show(value)} holds surrogates, which UTF-8 cannot encode") from None


def _read_bytes(data: bytes, position: int, end: int) -> tuple[bytes, int]:
    start, after = decode_length(data, position, end)
    return data[start:after], after


def _write_bytes(value: Any) -> bytes:
    if not isinstance(value, bytes | bytearray | memoryview):
        raise EncodeError(f"{show(value)} is not bytes")
    return _delimited(bytes(value))  # pyright: ignore[reportUnknownArgumentType]  # a memoryview of whatever items


def _delimited(payload: bytes) -> bytes:
    return encode_varint(len(payload)) + payload


SCALARS = {
    Kind.INT32: _integer(Kind.INT32),
    Kind.INT64: _integer(Kind.INT64),
    Kind.UINT32: _integer(Kind.UINT32),
    Kind.UINT64: _integer(Kind.UINT64),
    Kind.ENUM: _integer(Kind.ENUM),
    Kind.SINT32: _zigzag(Kind.SINT32),
    Kind.SINT64: _zigzag(Kind.SINT64),
    Kind.BOOL: Scalar(WireType.VARINT, False, _read_bool, _write_bool),
    Kind.FIXED32: _fixed(Kind.FIXED32, WireType.I32, 0),
    Kind.FIXED64: _fixed(Kind.FIXED64, WireType.I64, 0),
    Kind.SFIXED32: _fixed(Kind.SFIXED32, WireType.I32, 0),
    Kind.SFIXED64: _fixed(Kind.SFIXED64, WireType.I64, 0),
    Kind.FLOAT: _fixed(Kind.FLOAT, WireType.I32, FLOAT_ZERO),
    Kind.DOUBLE: _fixed(Kind.DOUBLE, WireType.I64, FLOAT_ZERO),
    Kind.STRING: Scalar(WireType.LEN, "", _read_string, _write_string),
    Kind.BYTES: Scalar(WireType.LEN, b"", _read_bytes, _write_bytes),
}
_RAW_STRING = Scalar(WireType.LEN, "", _read_raw_string, _write_raw_string)


def scalar(field: FieldPlan) -> Scalar:
    """The table's entry for a field that is neither a message nor a group nor a map."""
    return _RAW_STRING if field.kind is Kind.STRING and not field.utf8 else SCALARS[field.kind]


def wire_type(field: FieldPlan) -> WireType:
    """The wire type of one value of `field`, unpacked."""
    if field.kind is Kind.GROUP:
        return WireType.SGROUP
    return WireType.LEN if field.kind is Kind.MESSAGE else SCALARS[field.kind].wire_type


def is_packable(field: FieldPlan) -> bool:
    return field.kind not in (Kind.STRING, Kind.BYTES, Kind.MESSAGE, Kind.GROUP)


def zero(field: FieldPlan) -> Any:
    """The value that an absent scalar field stands for, declared defaults aside."""
    if field.kind is Kind.ENUM and field.enum is not None:
        members = field.enum.enum_class
        # A closed enum need not have a zero; its first value stands in.
        return next(iter(members)) if field.enum.closed else members(0)
    return SCALARS[field.kind].zero
