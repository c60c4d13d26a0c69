"""Tags: the varint before every value, holding a field number and a wire type.

Spec: https://protobuf.dev/programming-guides/encoding, "Message Structure".
"""

from __future__ import annotations

from enum import IntEnum

from .errors import DecodeError
from .varint import MAX_LENGTH_BYTES, decode_varint, encode_varint

MAX_FIELD_NUMBER = (1 << 29) - 1


class WireType(IntEnum):
    """How the bytes behind a tag are laid out: the lowest three bits of the tag."""

    VARINT = 0
    I64 = 1
    LEN = 2
    SGROUP = 3
    EGROUP = 4
    I32 = 5


WIRE_TYPES = {int(member): member for member in WireType}


def encode_tag(number: int, wire_type: int) -> bytes:
    return encode_varint(number << 3 | wire_type)


def decode_tag(data: bytes, position: int, end: int) -> tuple[int, WireType, int]:
    """Read a tag: field number, wire type, and the position behind it.

    Raises DecodeError for field number 0, for wire types 6 and 7 and for more than 32 bits.
    """
    tag, after = decode_varint(data, position, end)
    if after - position > MAX_LENGTH_BYTES or tag > 0xFFFFFFFF:
        raise DecodeError("tag does not fit 32 bits", position)
    if tag < 8:
        raise DecodeError("field number 0", position)
    wire_type = WIRE_TYPES.get(tag & 7)
    if wire_type is None:
        raise DecodeError(f"wire type {tag & 7} does not exist", position)
    return tag >> 3, wire_type, after
