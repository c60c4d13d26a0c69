"""Single faults in bytes (lengths that lie, tags that cannot be, varints that are too long), and mutations of inputs.

`random` is the `random()` of the source of chance, as in `generate`.
"""

from __future__ import annotations

from collections.abc import Callable

from ...wire.tag import WireType, encode_tag
from ...wire.varint import encode_varint

Random = Callable[[], float]

_LENGTHS = (2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**63, 2**64 - 1, 1000)
_BYTES = (0x00, 0x01, 0x02, 0x07, 0x08, 0x0A, 0x0B, 0x0C, 0x12, 0x7F, 0x80, 0xC0, 0xFE, 0xFF)
_VALUES = {
    WireType.VARINT: (b"\0", b"\1", b"\x7f", b"\x80\1", b"\xff\xff\xff\xff\x0f", b"\xff" * 9 + b"\1"),
    WireType.LEN: (b"\0", b"\1a", b"\2\x08\1", b"\3\xff\xff\xff", b"\4\x0b\x08\1\x0c", b"\x81\x00z"),
    WireType.I32: (b"\0\0\0\0", b"\1\0\0\0", b"\xff\xff\xff\xff"),
    WireType.I64: (b"\0" * 8, b"\1" + b"\0" * 7, b"\xff" * 8),
    WireType.SGROUP: (b"", b"\x08\1", b"\x0b\x0c"),
    WireType.EGROUP: (b"",),
}


def wrong_value(kind: WireType, random: Random) -> bytes:
    """A well-formed value of a wire type, whatever the field; of a group, the content."""
    values = _VALUES[kind]
    return values[int(random() * len(values))]


def overlong(varint: bytes, limit: int, random: Random) -> bytes:
    """The same number in more bytes than it needs, up to `limit`."""
    spare = limit - len(varint)
    if spare < 1:
        return varint
    more = 1 + int(random() * spare)
    return varint[:-1] + bytes([varint[-1] | 0x80]) + b"\x80" * (more - 1) + b"\0"


def lying_length(length: int, random: Random) -> bytes:
    """A length that is a little or a lot off, or written in more bytes than a length may have."""
    what = int(random() * 10)
    if what < len(_LENGTHS):
        return encode_varint(_LENGTHS[what])
    if what == 7:
        return encode_varint(length + 1)
    if what == 8:
        return encode_varint(max(0, length - 1))
    return overlong(encode_varint(length), 10, random)


def bad_tag(number: int, random: Random) -> bytes:
    """Field number 0, wire types 6 and 7, more than 29 bits of number, more than five bytes."""
    tags = (
        b"\0", b"\2", b"\x80\0", encode_varint(number << 3 | 6), encode_varint(number << 3 | 7),
        encode_varint(1 << 32 | number << 3), encode_varint(1 << 35 | 8), b"\xff" * 5 + b"\7", b"\xf8\xff\xff\xff\x1f",
        encode_tag(number, 0)[:-1] + b"\x80\x80\x80\x80\x80\x80\0",
    )  # fmt: skip
    return tags[int(random() * len(tags))]


def mutate(data: bytes, other: bytes, random: Random) -> bytes:
    """One to three changes of single bytes or stretches; `other` is what a splice takes from."""
    mutated = bytearray(data)
    for _ in range(1 + int(random() * random() * 3)):
        at = int(random() * len(mutated))
        what = int(random() * 9)
        if what == 0 or not mutated:
            mutated[at:at] = bytes([_BYTES[int(random() * len(_BYTES))]])
        elif what == 1:
            mutated[at] ^= 1 << int(random() * 8)
        elif what == 2:
            mutated[at] = _BYTES[int(random() * len(_BYTES))]
        elif what == 3:
            del mutated[at:]
        elif what == 4:
            del mutated[at : at + 1 + int(random() * 3)]
        elif what == 5:
            mutated[at:at] = mutated[at : at + 1 + int(random() * 20)]
        elif what == 6:
            cut = int(random() * (len(other) + 1))
            mutated[at:] = other[cut:]
        elif what == 7:
            mutated[at] = int(random() * 256)
        else:
            mutated[at] = (mutated[at] + (1 if random() < 0.5 else 255)) & 0xFF
    return bytes(mutated)
