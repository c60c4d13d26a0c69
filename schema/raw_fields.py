"""Reads encoded options without message classes: these do not exist yet while descriptor.proto is being compiled."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..wire.tag import WireType, decode_tag
from ..wire.varint import decode_length, decode_varint

if TYPE_CHECKING:
    from collections.abc import Iterator


def raw_fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The number and value of each varint and length-delimited field of a message that this compiler encoded."""
    position, end = 0, len(data)
    while position < end:
        number, wire_type, position = decode_tag(data, position, end)
        if wire_type is WireType.VARINT:
            value, position = decode_varint(data, position, end)
            yield number, value
        elif wire_type is WireType.LEN:
            start, position = decode_length(data, position, end)
            yield number, data[start:position]
        elif wire_type in (WireType.I64, WireType.I32):
            position += 8 if wire_type is WireType.I64 else 4
        # The tags that open and close a group have no payload: its fields come as if they were the message's own.
