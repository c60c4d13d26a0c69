"""Packed fields: a whole list behind one tag.

Three ways, quickest first: all varints of one byte are the bytes themselves; fixed-width values are an array already;
long lists of longer varints go to `packed_bulk`; the rest is a loop.
Spec: https://protobuf.dev/programming-guides/encoding, "Packed Repeated Fields".
"""

from __future__ import annotations

import struct
import sys
from array import array
from collections.abc import Callable, Sequence
from typing import Any

from .fixed import FORMATS, STRUCTS, pack_float
from .packed_bulk import MIN_BYTES, MIN_VALUES, pack_bulk, unpack_bulk
from .plan import Kind
from .read_helpers import ADD_7, ADD_14, ADD_21, ADD_28, ADD_35, ZIGZAG, Unusual
from .varint import UINT64_MASK
from .write_helpers import CONTINUED, VARINT, WRITERS, odd_bool

Unpacker = Callable[[bytes], list[Any]]
Packer = Callable[[Sequence[Any]], bytes]
LITTLE_ENDIAN = sys.byteorder == "little"
_SMALL = 32  # lists up to this length have their Struct ready

# Reading ----------------------------------------------------------------------------------------------------------


def unpack_varints(payload: bytes) -> list[int]:
    """The varints in `payload` as numbers in 0 … 2**64-1. Raises Unusual."""
    values: list[int] = []
    append = values.append
    rest = iter(payload)
    following = rest.__next__
    try:
        for value in rest:
            if value > 127:
                byte = following()
                value += ADD_7[byte]
                if byte > 127:
                    byte = following()
                    value += ADD_14[byte]
                    if byte > 127:
                        byte = following()
                        value += ADD_21[byte]
                        if byte > 127:
                            byte = following()
                            value += ADD_28[byte]
                            if byte > 127:
                                value = _unpack_long(following, value)
            append(value)
    except StopIteration:
        raise Unusual from None
    return values


def _unpack_long(following: Callable[[], int], value: int) -> int:
    """Bytes 6 to 10 of a varint."""
    byte = following()
    value += ADD_35[byte]
    shift = 42
    while byte > 127:
        if shift > 63:
            raise Unusual
        byte = following()
        value += (byte & 0x7F) << shift
        shift += 7
    return value & UINT64_MASK


def unpack_int32(payload: bytes) -> list[int]:
    if payload.isascii():
        return [*payload]
    if len(payload) >= MIN_BYTES and (values := unpack_bulk(payload, Kind.INT32)) is not None:
        return values
    return [
        value if value < 0x80000000 else ((value & 0xFFFFFFFF) ^ 0x80000000) - 0x80000000
        for value in unpack_varints(payload)
    ]


def unpack_int64(payload: bytes) -> list[int]:
    if payload.isascii():
        return [*payload]
    if len(payload) >= MIN_BYTES and (values := unpack_bulk(payload, Kind.INT64)) is not None:
        return values
    return [
        value if value < 0x8000000000000000 else value - 0x10000000000000000
        for value in unpack_varints(payload)
    ]


def unpack_uint32(payload: bytes) -> list[int]:
    if payload.isascii():
        return [*payload]
    if len(payload) >= MIN_BYTES and (values := unpack_bulk(payload, Kind.UINT32)) is not None:
        return values
    return [value & 0xFFFFFFFF for value in unpack_varints(payload)]


def unpack_uint64(payload: bytes) -> list[int]:
    if payload.isascii():
        return [*payload]
    if len(payload) >= MIN_BYTES and (values := unpack_bulk(payload, Kind.UINT64)) is not None:
        return values
    return unpack_varints(payload)


def unpack_sint32(payload: bytes) -> list[int]:
    if payload.isascii():
        return [*map(ZIGZAG.__getitem__, payload)]
    if len(payload) >= MIN_BYTES and (values := unpack_bulk(payload, Kind.SINT32)) is not None:
        return values
    return [(value >> 1 & 0x7FFFFFFF) ^ -(value & 1) for value in unpack_varints(payload)]


def unpack_sint64(payload: bytes) -> list[int]:
    if payload.isascii():
        return [*map(ZIGZAG.__getitem__, payload)]
    if len(payload) >= MIN_BYTES and (values := unpack_bulk(payload, Kind.SINT64)) is not None:
        return values
    return [(value >> 1) ^ -(value & 1) for value in unpack_varints(payload)]


def unpack_bool(payload: bytes) -> list[bool]:
    return [value != 0 for value in (payload if payload.isascii() else unpack_varints(payload))]


def _fixed_unpacker(kind: Kind) -> Unpacker:
    letter, size = FORMATS[kind], STRUCTS[kind].size

    def unpack_fixed(payload: bytes) -> list[Any]:
        count, rest = divmod(len(payload), size)
        if rest:
            raise Unusual
        if LITTLE_ENDIAN:
            return array(letter, payload).tolist()  # half the time of memoryview.cast
        return [*struct.unpack(f"<{count}{letter}", payload)]

    return unpack_fixed


def _few_unpackers(kind: Kind) -> dict[int, Callable[[bytes, int], tuple[Any, ...]]]:
    letter, size = FORMATS[kind], STRUCTS[kind].size
    return {count * size: struct.Struct(f"<{count}{letter}").unpack_from for count in range(_SMALL + 1)}


# Short lists of fixed width, by kind and by size in bytes: (data, position) → values.
FEW_UNPACKERS = {kind: _few_unpackers(kind) for kind in FORMATS}
UNPACKERS: dict[Kind, Unpacker] = {
    Kind.INT32: unpack_int32,
    Kind.ENUM: unpack_int32,
    Kind.INT64: unpack_int64,
    Kind.UINT32: unpack_uint32,
    Kind.UINT64: unpack_uint64,
    Kind.SINT32: unpack_sint32,
    Kind.SINT64: unpack_sint64,
    Kind.BOOL: unpack_bool,
    **{kind: _fixed_unpacker(kind) for kind in FORMATS},
}

# Writing ----------------------------------------------------------------------------------------------------------


def _one_byte_each(values: Sequence[Any]) -> bytes | None:
    """The payload if all values lie in 0 … 127."""
    if values.__class__ is not list:
        return None  # bytes() would read the memory of an array, whatever its item size
    try:
        payload = bytes(values)
    except ValueError:
        return None
    return payload if payload.isascii() else None


def _varint_packer(kind: Kind) -> Packer:
    write = WRITERS[kind]

    def pack_varints(values: Sequence[int]) -> bytes:
        payload = _one_byte_each(values)
        if payload is not None:
            return payload
        # The bulk way pays from three bytes a value on; the first few values stand for all.
        if len(values) >= MIN_VALUES and max(values[:16]) >= 0x4000:
            payload = pack_bulk(values, kind)
            if payload is not None:
                return payload
        # One comparison at a time, as in generated encoders: `0 <= value < 0x4000` costs more.
        return b"".join(
            [
                (VARINT[value] if value >= 0 else write(b"", value))
                if value < 0x4000
                else CONTINUED[value & 0x3FFF] + VARINT[value >> 14]
                if value < 0x10000000
                else write(b"", value)
                for value in values
            ]
        )

    return pack_varints


def _zigzag_packer(kind: Kind) -> Packer:
    write = WRITERS[kind]

    def pack_zigzag(values: Sequence[int]) -> bytes:
        if len(values) >= MIN_VALUES and max(values[:16]) >= 0x2000:
            payload = pack_bulk(values, kind)
            if payload is not None:
                return payload
        return b"".join(
            [
                VARINT[value + value]
                if 0 <= value < 0x2000
                else VARINT[-value - value - 1]
                if -0x2000 <= value < 0
                else write(b"", value)
                for value in values
            ]
        )

    return pack_zigzag


def pack_bool(values: Sequence[Any]) -> bytes:
    return b"".join(
        [
            b"\1" if value is True else b"\0" if value is False else odd_bool(b"\1", b"\0", value)
            for value in values
        ]
    )


def _fixed_packer(kind: Kind) -> Packer:
    letter = FORMATS[kind]
    small = [struct.Struct(f"<{count}{letter}").pack for count in range(_SMALL + 1)]

    def pack_fixed(values: Sequence[Any]) -> bytes:
        if values.__class__ is array and LITTLE_ENDIAN and values.typecode == letter:  # pyright: ignore
            return values.tobytes()  # pyright: ignore
        count = len(values)
        try:
            return small[count](*values) if count <= _SMALL else struct.pack(f"<{count}{letter}", *values)
        except OverflowError:
            if kind is not Kind.FLOAT:
                raise
            return b"".join([pack_float(value) for value in values])

    return pack_fixed


PACKERS: dict[Kind, Packer] = {
    Kind.BOOL: pack_bool,
    **{kind: _varint_packer(kind) for kind in (Kind.INT32, Kind.ENUM, Kind.INT64, Kind.UINT32, Kind.UINT64)},
    **{kind: _zigzag_packer(kind) for kind in (Kind.SINT32, Kind.SINT64)},
    **{kind: _fixed_packer(kind) for kind in FORMATS},
}
