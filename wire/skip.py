"""Walking over fields without looking into them."""

from __future__ import annotations

from .errors import DecodeError
from .tag import WireType, decode_tag
from .varint import decode_length, decode_varint

MAX_NESTING = 100  # messages, groups and map entries inside each other, below the outermost message


def skip_value(data: bytes, number: int, wire_type: int, position: int, end: int, depth: int) -> int:
    """The position behind the value whose tag has just been read.

    `depth` is how many more levels of nesting are allowed. Raises DecodeError.
    """
    if wire_type == WireType.VARINT:
        return decode_varint(data, position, end)[1]
    if wire_type == WireType.LEN:
        return decode_length(data, position, end)[1]
    if wire_type == WireType.SGROUP:
        return _skip_group(data, number, position, end, depth)
    if wire_type == WireType.EGROUP:
        raise DecodeError(f"end of group {number}, which was not begun", position)
    size = 8 if wire_type == WireType.I64 else 4
    if end - position < size:
        raise DecodeError(f"truncated: {size} bytes needed, {end - position} left", position)
    return position + size


def _skip_group(data: bytes, number: int, position: int, end: int, depth: int) -> int:
    """Skip to behind the end tag of a group; a stack instead of recursion, so that depth costs no Python frames."""
    begin = position
    open_groups = [number]
    while open_groups:
        if len(open_groups) > depth:
            raise DecodeError(f"nested deeper than {MAX_NESTING} levels", position)
        if position >= end:
            raise DecodeError(f"group {open_groups[-1]} is not ended", begin)
        start = position
        number, wire_type, position = decode_tag(data, position, end)
        if wire_type == WireType.SGROUP:
            open_groups.append(number)
        elif wire_type == WireType.EGROUP:
            if number != open_groups.pop():
                raise DecodeError(f"end of group {number} inside another group", start)
        else:
            position = skip_value(data, number, wire_type, position, end, depth)
    return position
