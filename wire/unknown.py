"""Unknown fields: what a message carried that its plan does not know, kept as bytes and written back.

Spec: https://protobuf.dev/programming-guides/proto3, "Unknown Fields".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from .record import record
from .skip import MAX_NESTING, skip_value
from .tag import WireType, decode_tag
from .varint import decode_varint

if TYPE_CHECKING:
    from .message import Message


@record(frozen=True)
class UnknownField:
    """`value` is an int for VARINT, I32 and I64 (unsigned), and bytes for LEN and SGROUP (the group's content)."""

    number: int
    wire_type: WireType
    value: int | bytes


def parse_unknown(data: bytes) -> Iterator[UnknownField]:
    """Take kept bytes apart into fields, in their order. Raises DecodeError when `data` is no sequence of fields."""
    position, end = 0, len(data)
    while position < end:
        number, wire_type, start = decode_tag(data, position, end)
        position = skip_value(data, number, wire_type, start, end, MAX_NESTING)
        if wire_type == WireType.VARINT:
            value: int | bytes = decode_varint(data, start, end)[0]
        elif wire_type == WireType.LEN:
            value = data[decode_varint(data, start, end)[1] : position]
        elif wire_type == WireType.SGROUP:
            value = data[start : _last_tag(data, start, position)]
        else:
            value = int.from_bytes(data[start:position], "little")
        yield UnknownField(number, wire_type, value)


def _last_tag(data: bytes, position: int, end: int) -> int:
    """Where the end tag of a group begins whose content starts at `position` and whose end tag stops at `end`."""
    while True:
        number, wire_type, after = decode_tag(data, position, end)
        if wire_type == WireType.EGROUP:
            return position
        position = skip_value(data, number, wire_type, after, end, MAX_NESTING)


def keep_unknown(message: Message, chunk: bytes) -> None:
    """Append the bytes of a field to the unknown fields of `message`.

    A single chunk stays bytes; more of them gather in a bytearray, so that a message of nothing but unknown fields is
    read in linear time.
    """
    kept = message._unknown
    if not kept:
        message._unknown = chunk
    elif isinstance(kept, bytearray):
        kept += chunk
    else:
        message._unknown = bytearray(kept) + chunk
