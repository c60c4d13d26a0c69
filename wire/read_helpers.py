"""What generated decoders call: the rest of a varint after its first byte, and everything that is not usual.

Generated decoders check little as they go: a slice that is too long is clipped, an index that is too large raises, and
at its end a message compares where it is with where it should be. Any of `FAULTS` means "let the interpreter decode
this": it either raises the precise error or returns the message.
"""

from __future__ import annotations

import struct
from typing import Any

from . import interpret
from .access import holds_messages, load
from .enum import Enum
from .errors import WireError
from .fixed import STRUCTS
from .message import Message
from .plan import Cardinality, EnumPlan, FieldPlan, Kind, MessagePlan
from .tag import decode_tag
from .unknown import keep_unknown
from .varint import UINT64_MASK, encode_varint


class Unusual(Exception):
    """The fast path does not handle this input."""


FAULTS = (IndexError, struct.error, UnicodeDecodeError, WireError, Unusual)

# What a byte of a varint adds to the value, by the byte. The first byte was added as it stood, so the second one takes
# its top bit back.
ADD_7 = [((byte & 0x7F) << 7) - 0x80 for byte in range(256)]
ADD_14 = [(byte & 0x7F) << 14 for byte in range(256)]
ADD_21 = [(byte & 0x7F) << 21 for byte in range(256)]
ADD_28 = [(byte & 0x7F) << 28 for byte in range(256)]
ADD_35 = [(byte & 0x7F) << 35 for byte in range(256)]
# The fifth byte of a 32-bit varint carries four bits that count; signed, the highest of them is the sign.
ADD_28_UINT32 = [(byte & 0x0F) << 28 for byte in range(256)]
ADD_28_INT32 = [((byte & 0x0F) << 28) - ((byte & 8) << 29) for byte in range(256)]
ZIGZAG = [(value >> 1) ^ -(value & 1) for value in range(128)]
NEGATIVE_TAIL = b"\xff\xff\xff\xff\x01"  # bytes 6 to 10 of every negative number that fits 35 bits
UNSIGNED, SIGNED = 0, 1 << 64  # what to take from a 64-bit value whose top bit is set


def rest_32(data: bytes, position: int, value: int, fifth: list[int]) -> tuple[int, int]:
    """The rest of a varint of which three bytes are in `value`; `position` is the place of the fourth.

    Returns value and position. `fifth` is ADD_28_INT32 or ADD_28_UINT32. Of a 32-bit number only five bytes count,
    but up to ten may come.
    """
    byte = data[position]
    value += ADD_21[byte]
    if byte < 128:
        return value, position + 1
    byte = data[position + 1]
    value += fifth[byte]
    if byte < 128:
        return value, position + 2
    if data[position + 2 : position + 7] == NEGATIVE_TAIL:
        return value, position + 7
    for last in range(position + 2, position + 7):
        if data[last] < 128:
            return value, last + 1
    raise Unusual


def rest_64(data: bytes, position: int, value: int, sign: int) -> tuple[int, int]:
    """The same for 64 bits; `sign` is SIGNED or UNSIGNED."""
    byte = data[position]
    value += ADD_21[byte]
    if byte < 128:
        return value, position + 1
    byte = data[position + 1]
    value += ADD_28[byte]
    if byte < 128:
        return value, position + 2
    if data[position + 2 : position + 7] == NEGATIVE_TAIL:
        return value + 0xFFFFFFF800000000 - sign, position + 7
    byte = data[position + 2]
    value += ADD_35[byte]
    if byte < 128:
        return value, position + 3
    shift = 42
    for last in range(position + 3, position + 7):
        byte = data[last]
        value += (byte & 0x7F) << shift
        if byte < 128:
            # Of a tenth byte, all bits but the lowest lie above the 64th.
            value &= UINT64_MASK
            return value if value < 0x8000000000000000 else value - sign, last + 1
        shift += 7
    raise Unusual


def rest_length(data: bytes, position: int, value: int) -> tuple[int, int]:
    """A length whose first byte, 128 or more, is `value`; `position` is the place of the second.

    At most five bytes and 31 bits.
    """
    byte = data[position]
    value += ADD_7[byte]
    if byte < 128:
        return value, position + 1
    byte = data[position + 1]
    value += ADD_14[byte]
    if byte < 128:
        return value, position + 2
    byte = data[position + 2]
    value += ADD_21[byte]
    if byte < 128:
        return value, position + 3
    byte = data[position + 3]
    if byte > 7:
        raise Unusual
    return value + (byte << 28), position + 4


# By kind: the function that reads on where the third byte says that more follow, and its last argument.
REST = {
    Kind.INT32: ("rest_32", "ADD_28_INT32"),
    Kind.ENUM: ("rest_32", "ADD_28_INT32"),
    Kind.UINT32: ("rest_32", "ADD_28_UINT32"),
    Kind.SINT32: ("rest_32", "ADD_28_UINT32"),
    Kind.INT64: ("rest_64", "SIGNED"),
    Kind.UINT64: ("rest_64", "UNSIGNED"),
    Kind.SINT64: ("rest_64", "UNSIGNED"),
}
UNPACK = {kind: layout.unpack_from for kind, layout in STRUCTS.items()}


def as_bytes(data: bytes | bytearray | memoryview) -> bytes:
    """The input as bytes; TypeError for what has none (bytes(5) would make five zeros)."""
    return bytes(memoryview(data))


def unusual(message: Message, plan: MessagePlan, data: bytes, position: int, end: int, depth: int) -> int:
    """Read the field at `position` with the interpreter: unknown ones, overlong tags, packed for unpacked and so on."""
    tag = decode_tag(data, position, end)
    field = plan.field(tag[0])
    if field is None or not holds_messages(field):
        return interpret.read_field(message, plan, data, position, tag, depth, end)
    held = load(message, plan, field)
    several = field.cardinality in (Cardinality.REPEATED, Cardinality.MAP)
    if held is not None and not several:
        raise Unusual  # a message that grows: looking through all of it every time would take quadratic time
    size = len(held or ())
    after = interpret.read_field(message, plan, data, position, tag, depth, end)
    _check_required(field, load(message, plan, field), size)
    return after


def _check_required(field: FieldPlan, held: Any, size: int) -> None:
    """Raise Unusual if the message that was just read may lack a required field: nobody else looks at it any more.

    `held` is the value of its field, `size` how many items that held before.
    """
    newest: Any = held
    if field.cardinality is Cardinality.REPEATED:
        newest = held[-1] if held and len(held) > size else None
    elif field.cardinality is Cardinality.MAP:
        newest = next(reversed(held.values()), None)
        if isinstance(newest, Message) and len(held) == size:
            raise Unusual  # a key that was there already, and it is not known which
    if isinstance(newest, Message) and interpret.missing_required(newest) is not None:
        raise Unusual


def extensions_of(message: Message) -> dict[int, Any]:
    if message._extensions is None:
        message._extensions = {}
    return message._extensions


def extension_list(message: Message, number: int) -> list[Any]:
    return extensions_of(message).setdefault(number, [])


class Members(dict[int, Enum]):
    """The members of an open enum by number; a number without a name makes its member on demand."""

    def __init__(self, enum: EnumPlan) -> None:
        super().__init__((int(member), member) for member in enum.enum_class)
        self.enum_class = enum.enum_class

    def __missing__(self, number: int) -> Enum:
        return self.enum_class(number)


def keep_number(message: Message, tag: bytes, number: int) -> None:
    """Keep a number that a closed enum does not know as an unknown field."""
    keep_unknown(message, tag + encode_varint(number & UINT64_MASK))


def known_members(message: Message, tag: bytes, members: Members, numbers: list[int]) -> list[Enum]:
    """The members of a packed closed enum; numbers that it does not know are kept as unknown fields."""
    if members.keys() >= set(numbers):
        return [members[number] for number in numbers]
    for number in numbers:
        if number not in members:
            keep_number(message, tag, number)
    return [members[number] for number in numbers if number in members]
