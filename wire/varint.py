"""Varints and zigzag: integers in base 128, least significant group first.

Every byte carries seven bits; its top bit says that more bytes follow.
Spec: https://protobuf.dev/programming-guides/encoding, "Base 128 Varints" and "Signed Integers".
"""

from __future__ import annotations

from .errors import DecodeError

MAX_VARINT_BYTES = 10  # ceil(64 / 7)
MAX_LENGTH_BYTES = 5  # lengths and tags are 32-bit quantities
MAX_LENGTH = 0x7FFFFFFF
UINT64_MASK = 0xFFFFFFFFFFFFFFFF


def encode_varint(value: int) -> bytes:
    """The varint of `value`, which must be in 0 … 2**64-1; negative numbers go through `& UINT64_MASK` first."""
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def decode_varint(data: bytes, position: int, end: int) -> tuple[int, int]:
    """Read the varint at `position`: its value in 0 … 2**64-1, and the position behind it.

    Bits above the 64th are dropped, as the specification asks: of a tenth byte only the lowest bit counts.
    Raises DecodeError when the varint runs past `end` or past ten bytes.
    """
    if position < end and data[position] < 0x80:
        return data[position], position + 1  # by far the most frequent case
    value = 0
    for index in range(position, min(end, position + MAX_VARINT_BYTES)):
        byte = data[index]
        value |= (byte & 0x7F) << 7 * (index - position)
        if byte < 0x80:
            return value & UINT64_MASK, index + 1
    if end - position >= MAX_VARINT_BYTES:
        raise DecodeError(f"varint is longer than {MAX_VARINT_BYTES} bytes", position)
    raise DecodeError("truncated varint", position)


def decode_length(data: bytes, position: int, end: int) -> tuple[int, int]:
    """Read the length of a length-delimited value and check that so many bytes are there.

    Returns the positions at which the payload begins and ends. Raises DecodeError.
    """
    length, start = decode_varint(data, position, end)
    if start - position > MAX_LENGTH_BYTES or length > MAX_LENGTH:
        raise DecodeError("length does not fit 31 bits", position)
    if length > end - start:
        raise DecodeError(f"truncated: {length} bytes announced, {end - start} left", position)
    return start, start + length


def encode_zigzag(value: int) -> int:
    """Map a signed number to an unsigned one that is small when it is near zero: 0 → 0, -1 → 1, 1 → 2, -2 → 3."""
    return value << 1 if value >= 0 else (-value << 1) - 1


def decode_zigzag(value: int) -> int:
    """The inverse of `encode_zigzag`."""
    return (value >> 1) ^ -(value & 1)


def signed(value: int, bits: int) -> int:
    """Read the lowest `bits` bits of `value` as a two's complement number."""
    half = 1 << (bits - 1)
    return (value & ((half << 1) - 1) ^ half) - half
