"""Long packed varints in bulk: Python's big integers as vector registers.

A loop over varints costs about 90 ns per byte step. Here each varint gets a *lane* of 64 bits in one huge integer, and
a handful of `&`, `|` and `>>` on that integer moves the bits of all lanes at once. What C would do with SIMD
instructions is done by codecs of the standard library, which run in C:

- to spread varints out to lanes, every byte becomes a character, a TAB is put behind the last byte of each varint,
  and `expandtabs(8)` pads with spaces up to the next lane;
- to close ranks again, bytes to drop become characters that Latin-1 lacks, and `encode("latin-1", "ignore")` drops
  them.

Both return None for what they do not handle: the caller then uses its loop.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Sequence
from typing import Any

from .plan import Kind

MIN_BYTES = 300  # below, the loop is quicker
MIN_VALUES = 64
_LANES = 2048  # lanes worked on at a time: bounds the memory, and suits the cache


def _lanes(pattern: int) -> int:
    """The same 64 bits in every lane."""
    return int.from_bytes(pattern.to_bytes(8, "little") * _LANES, "little")


# Three steps join the eight groups of seven bits in a lane: neighbours first, then pairs, then fours.
_EVEN_7, _ODD_7 = _lanes(0x007F007F007F007F), _lanes(0x7F007F007F007F00)
_EVEN_14, _ODD_14 = _lanes(0x00003FFF00003FFF), _lanes(0x3FFF00003FFF0000)
_LOW_28, _HIGH_28 = _lanes(0x000000000FFFFFFF), _lanes(0x0FFFFFFF00000000)
_TOP_BITS = _lanes(0x8080808080808080)
_ONE = _lanes(1)
_LOW_63 = _lanes(0x7FFFFFFFFFFFFFFF)
_LOW_32, _HIGH_32 = _lanes(0x00000000FFFFFFFF), _lanes(0xFFFFFFFF00000000)
# Decoding, varints of more than eight bytes: the ninth and tenth byte stand in a second lane.
_NINTH, _TENTH, _BEYOND = _lanes(0x7F), _lanes(0x0100), _lanes(0x8080808080800000)
# Encoding: how far a lane's highest set byte reaches.
_SHIFTED_1, _SHIFTED_2 = _lanes(0x00FFFFFFFFFFFFFF), _lanes(0x0000FFFFFFFFFFFF)
_SEVENS, _MORE, _UNUSED = _lanes(0x7F7F7F7F7F7F7F7F), _lanes(0x0080808080808080), _lanes(0x8080808080808000)
# Encoding: bits that no lane may have, by kind (of sint32 and sint64, after zigzag).
_EXCESS = {
    Kind.INT32: _lanes(0xFFFFFFFF80000000),
    Kind.ENUM: _lanes(0xFFFFFFFF80000000),
    Kind.UINT32: _HIGH_32,
    Kind.SINT32: _HIGH_32,
    Kind.INT64: _lanes(0xFF00000000000000),
    Kind.UINT64: _lanes(0xFF00000000000000),
    Kind.SINT64: _lanes(0xFF00000000000000),
}

# Translations from a byte of a varint to: itself with the top bit set (so that it cannot be taken for padding, which
# is a space) and the two bytes of the character behind it, TAB after a last byte and U+0100 (which gets dropped)
# otherwise.
_MARK = bytes(byte | 0x80 for byte in range(256))
_TAB_LOW = bytes(0x09 if byte < 0x80 else 0x00 for byte in range(256))
_TAB_HIGH = bytes(0x00 if byte < 0x80 else 0x01 for byte in range(256))


def unpack_bulk(payload: bytes, kind: Kind) -> list[int] | None:
    """The values of packed varints; `kind` is one of the six integer kinds with varints."""
    if sys.byteorder != "little" or payload[-1] > 0x7F:
        return None
    values: list[int] = []
    position, end = 0, len(payload)
    while position < end:
        stop = min(position + _LANES, end)
        while payload[stop - 1] > 0x7F:  # cut behind a last byte
            stop -= 1
            if stop == position:
                return None
        chunk = _unpack_chunk(payload[position:stop], kind)
        if chunk is None:
            return None
        values += chunk
        position = stop
    return values


def _unpack_chunk(chunk: bytes, kind: Kind) -> list[int] | None:
    size = len(chunk)
    units = bytearray(4 * size)  # UTF-16: for every byte two characters
    units[0::4] = chunk.translate(_MARK)
    units[2::4] = chunk.translate(_TAB_LOW)
    units[3::4] = chunk.translate(_TAB_HIGH)
    tabbed = units.decode("utf-16-le").encode("latin-1", "ignore")
    count = len(tabbed) - size
    lanes, long_lanes = tabbed.expandtabs(8), b""
    if len(lanes) != 8 * count:  # eight bytes or more take a second lane: their TAB needs room, too
        lanes = tabbed.expandtabs(16)
        if len(lanes) != 16 * count:
            return None
        words = memoryview(lanes).cast("Q")
        lanes, long_lanes = words[::2].tobytes(), words[1::2].tobytes()
    bits = _without_padding(int.from_bytes(lanes, "little"))
    bits = bits & _EVEN_7 | (bits & _ODD_7) >> 1
    bits = bits & _EVEN_14 | (bits & _ODD_14) >> 2
    bits = bits & _LOW_28 | (bits & _HIGH_28) >> 4
    if long_lanes:
        high = int.from_bytes(long_lanes, "little")
        if high & _BEYOND:
            return None  # an eleventh byte
        high = _without_padding(high)
        bits |= (high & _NINTH | (high & _TENTH) >> 1) << 56
    if kind in (Kind.SINT32, Kind.SINT64):
        if kind is Kind.SINT32:
            bits &= _LOW_32
        signs = bits & _ONE
        bits = bits >> 1 & _LOW_63 ^ (signs << 64) - signs  # all ones in the lanes of negative numbers
    return _lane_values(bits.to_bytes(8 * count, "little"), kind)


def _without_padding(lanes: int) -> int:
    """Keep the seven bits of marked bytes, and make the others zero."""
    marks = lanes & _TOP_BITS
    return lanes & marks - (marks >> 7)


def _lane_values(lanes: bytes, kind: Kind) -> list[int]:
    if kind is Kind.INT64 or kind is Kind.SINT64:
        return array("q", lanes).tolist()
    if kind is Kind.UINT64:
        return array("Q", lanes).tolist()
    if kind is Kind.UINT32:
        return array("I", lanes)[::2].tolist()
    return array("i", lanes)[::2].tolist()


def pack_bulk(values: Sequence[Any], kind: Kind) -> bytes | None:
    """The payload; None unless all values are integers of `kind` whose varints have 1 to 8 bytes."""
    if sys.byteorder != "little":
        return None
    chunks: list[bytes] = []
    for start in range(0, len(values), _LANES):
        chunk = _pack_chunk(values[start : start + _LANES], kind)
        if chunk is None:
            return None
        chunks.append(chunk)
    return b"".join(chunks)


def _pack_chunk(values: Sequence[Any], kind: Kind) -> bytes | None:
    count = len(values)
    zigzag = kind in (Kind.SINT32, Kind.SINT64)
    try:
        lanes = array("q" if zigzag else "Q", values).tobytes()
    except (OverflowError, TypeError):
        return None  # negative, too large, or no integer
    whole = (1 << 64 * count) - 1
    bits = int.from_bytes(lanes, "little")
    if zigzag:
        signs = bits >> 63 & _ONE & whole
        bits = (bits & _LOW_63) << 1 ^ (signs << 64) - signs
    if bits & _EXCESS[kind]:
        return None
    bits = bits & _LOW_28 | bits << 4 & _HIGH_28
    bits = bits & _EVEN_14 | bits << 2 & _ODD_14
    bits = bits & _EVEN_7 | bits << 1 & _ODD_7
    # Smear every lane's bits down, so that all bytes up to its highest one that is not zero are not zero either.
    smeared = bits | bits >> 8 & _SHIFTED_1
    smeared |= smeared >> 16 & _SHIFTED_2
    smeared |= smeared >> 32 & _LOW_32
    used = smeared + (_SEVENS & whole) & _TOP_BITS  # the top bit of each byte that is used
    bits |= used >> 8 & _MORE
    unused = (used ^ _TOP_BITS) & _UNUSED & whole  # never the first byte: zero is written as one byte
    units = bytearray(16 * count)  # UTF-16: unused bytes become U+8000, which Latin-1 lacks
    units[0::2] = bits.to_bytes(8 * count, "little")
    units[1::2] = unused.to_bytes(8 * count, "little")
    return units.decode("utf-16-le").encode("latin-1", "ignore")
