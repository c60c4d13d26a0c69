"""What generated encoders call: tables of varints, and functions for the values that the tables do not hold.

Everything here raises an ordinary exception (`FAULTS`) for a value that does not fit. Which one does not matter: the
interpreter then encodes the same message and says what is wrong.
"""

from __future__ import annotations

import functools
import struct
from collections.abc import Callable, Mapping, Sequence
from math import copysign
from operator import index, methodcaller
from typing import Any, cast

from .access import is_list
from .fixed import FORMATS, STRUCTS
from .plan import Kind
from .varint import encode_varint

# What a generated function may run into. RecursionError is a RuntimeError; struct.error has a tree of its own.
FAULTS = (TypeError, ValueError, AttributeError, LookupError, OverflowError, RuntimeError, struct.error)

# Two bytes of varint at a time: a complete one below 2**14, and fourteen bits that are continued. Appending table
# entries beats making bytes from integers twentyfold.
VARINT = [encode_varint(value) for value in range(1 << 14)]
CONTINUED = [bytes((value & 0x7F | 0x80, value >> 7 | 0x80)) for value in range(1 << 14)]
# Bytes 5 to 10 of a negative 32-bit number; `value >> 28` is -8 … -1, which indexes from the end.
NEGATIVE_TAIL = [bytes((value & 0x7F | 0x80,)) + b"\xff\xff\xff\xff\x01" for value in range(-8, 0)]


@functools.cache
def tag_table(tag: bytes, zero_is_empty: bool) -> list[bytes]:
    """Tag and varint for the values 0 … 127; the entry of zero is empty for a field with implicit presence."""
    table = [tag + VARINT[value] for value in range(128)]
    if zero_is_empty:
        table[0] = b""
    return table


@functools.cache
def zigzag_table(tag: bytes, zero_is_empty: bool) -> list[bytes]:
    """The same for signed values, -64 … 63: negative indexes count from the end."""
    table = tag_table(tag, zero_is_empty)
    return table[0::2] + table[1::2][::-1]


@functools.cache
def tag_table_text(tag: bytes) -> list[str]:
    """The same as text, one character per byte, for messages that are built as one ASCII string."""
    return [entry.decode("ascii") for entry in tag_table(tag, True)]


def long_length(tag: bytes, length: int) -> bytes:
    """Tag and length, for any length."""
    if length < 0x4000:
        return tag + VARINT[length]
    if length < 0x10000000:
        return tag + CONTINUED[length & 0x3FFF] + VARINT[length >> 14]
    return tag + encode_varint(length)


LEAST_FLOAT = 2.0**-149  # the smallest float above zero: what lies below half of it is packed as zero


# The writers below get numbers that are negative, or 128 and more. Their callers promise nothing
# about the type: what is no integer fails at `&`.


def write_int32(tag: bytes, value: int) -> bytes:
    if value >= 0:
        if value < 0x10000000:
            return (
                tag + CONTINUED[value & 0x3FFF] + VARINT[value >> 14]
                if value > 0x3FFF
                else tag + VARINT[value]
            )
        if value <= 0x7FFFFFFF:
            return tag + CONTINUED[value & 0x3FFF] + CONTINUED[value >> 14 & 0x3FFF] + VARINT[value >> 28]
    elif value >= -0x80000000:
        return tag + CONTINUED[value & 0x3FFF] + CONTINUED[value >> 14 & 0x3FFF] + NEGATIVE_TAIL[value >> 28]
    raise OverflowError


def write_uint32(tag: bytes, value: int) -> bytes:
    if 0 <= value < 0x10000000:
        return (
            tag + CONTINUED[value & 0x3FFF] + VARINT[value >> 14] if value > 0x3FFF else tag + VARINT[value]
        )
    if 0 < value <= 0xFFFFFFFF:
        return tag + CONTINUED[value & 0x3FFF] + CONTINUED[value >> 14 & 0x3FFF] + VARINT[value >> 28]
    raise OverflowError


def write_uint64(tag: bytes, value: int) -> bytes:
    if 0 <= value < 0x10000000:
        return (
            tag + CONTINUED[value & 0x3FFF] + VARINT[value >> 14] if value > 0x3FFF else tag + VARINT[value]
        )
    if 0 < value < 0x40000000000:
        return tag + CONTINUED[value & 0x3FFF] + CONTINUED[value >> 14 & 0x3FFF] + VARINT[value >> 28]
    if not 0 <= value <= 0xFFFFFFFFFFFFFFFF:
        raise OverflowError
    tag += CONTINUED[value & 0x3FFF] + CONTINUED[value >> 14 & 0x3FFF]
    value >>= 28
    while value >= 0x4000:
        tag += CONTINUED[value & 0x3FFF]
        value >>= 14
    return tag + VARINT[value]


def write_int64(tag: bytes, value: int) -> bytes:
    if value >= 0:
        if value < 0x10000000:
            return (
                tag + CONTINUED[value & 0x3FFF] + VARINT[value >> 14]
                if value > 0x3FFF
                else tag + VARINT[value]
            )
        if value < 0x40000000000:
            return tag + CONTINUED[value & 0x3FFF] + CONTINUED[value >> 14 & 0x3FFF] + VARINT[value >> 28]
        if value <= 0x7FFFFFFFFFFFFFFF:
            return write_uint64(tag, value)
    elif value >= -0x80000000:
        return tag + CONTINUED[value & 0x3FFF] + CONTINUED[value >> 14 & 0x3FFF] + NEGATIVE_TAIL[value >> 28]
    elif value >= -0x8000000000000000:
        return write_uint64(tag, value + 0x10000000000000000)
    raise OverflowError


def write_sint32(tag: bytes, value: int) -> bytes:
    if value.__class__ is not int:
        value = index(value)  # an integer of fixed size would overflow when it is doubled
    if not -0x80000000 <= value <= 0x7FFFFFFF:
        raise OverflowError
    value = value + value if value >= 0 else -value - value - 1
    if value < 0x10000000:
        return (
            tag + CONTINUED[value & 0x3FFF] + VARINT[value >> 14] if value > 0x3FFF else tag + VARINT[value]
        )
    return tag + CONTINUED[value & 0x3FFF] + CONTINUED[value >> 14 & 0x3FFF] + VARINT[value >> 28]


def write_sint64(tag: bytes, value: int) -> bytes:
    if value.__class__ is not int:
        value = index(value)
    if not -0x8000000000000000 <= value <= 0x7FFFFFFFFFFFFFFF:
        raise OverflowError
    value = value + value if value >= 0 else -value - value - 1
    if value < 0x10000000:
        return (
            tag + CONTINUED[value & 0x3FFF] + VARINT[value >> 14] if value > 0x3FFF else tag + VARINT[value]
        )
    return write_uint64(tag, value)


# By kind: (tag, value) → tag and value, for values of which the table of the tag holds none.
WRITERS: dict[Kind, Callable[[bytes, Any], bytes]] = {
    Kind.INT32: write_int32,
    Kind.INT64: write_int64,
    Kind.UINT32: write_uint32,
    Kind.UINT64: write_uint64,
    Kind.SINT32: write_sint32,
    Kind.SINT64: write_sint64,
    Kind.ENUM: write_int32,
}


def odd_bool(when_true: bytes, when_false: bytes, value: Any) -> bytes:
    """A bool field that holds neither True nor False: 1 and 0 will do."""
    number = index(value)
    if not 0 <= number <= 1:
        raise ValueError
    return when_true if number else when_false


def odd_zero(value: Any) -> bytes:
    """An integer field that holds something false but not the integer 0: False will do, None and "" will not."""
    if index(value):
        raise ValueError
    return b""


def minus_zero(value: Any) -> bool:
    """Whether a double field that holds something false is to be written all the same."""
    return copysign(1.0, value) < 0


def odd_float(value: Any) -> bool:
    """Whether a float field that holds something nearer to zero than any float, or no number, is to be written."""
    return STRUCTS[Kind.FLOAT].pack(value) != b"\0\0\0\0"


@functools.cache
def fixed_packer(kind: Kind, tag_size: int) -> Callable[..., bytes]:
    """A function of the tag's bytes and the value. A float that is too large for its Struct is a fault."""
    return struct.Struct(f"<{tag_size}B{FORMATS[kind]}").pack


def odd_bytes(value: Any) -> bytes:
    """A bytes field that holds no bytes object: what is as good as bytes will do."""
    if not isinstance(value, bytes | bytearray | memoryview):
        raise TypeError
    return bytes(value)  # pyright: ignore[reportUnknownArgumentType]  # a memoryview of whatever items


def odd_list(value: Any) -> Sequence[Any]:
    if not is_list(value):
        raise TypeError
    return value


def odd_map(value: Any) -> Mapping[Any, Any]:
    if not isinstance(value, Mapping):
        raise TypeError
    return cast("Mapping[Any, Any]", value)


def in_order(entries: Mapping[Any, Any]) -> list[tuple[Any, Any]]:
    """The entries of a map, sorted by key. Code points sort as their UTF-8 does."""
    return [(key, entries[key]) for key in sorted(entries)]


def in_byte_order(entries: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """The same for text that stands for any bytes: a surrogate is a byte, and no code point."""
    keys = sorted(entries, key=methodcaller("encode", "utf-8", "surrogateescape"))
    return [(key, entries[key]) for key in keys]


def odd_message(value: Any, expected: type) -> None:
    """A message field that holds another class than its own: a subclass of it will do."""
    if not isinstance(value, expected):
        raise TypeError
