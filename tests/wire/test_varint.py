from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from barewire.wire import DecodeError
from barewire.wire.varint import (
    decode_length,
    decode_varint,
    decode_zigzag,
    encode_varint,
    encode_zigzag,
    signed,
)


@pytest.mark.parametrize(
    ("value", "encoded"),
    [(0, "00"), (1, "01"), (127, "7f"), (128, "8001"), (150, "9601"), (2**64 - 1, "ffffffffffffffffff01")],
)
def test_known_encodings(value: int, encoded: str) -> None:
    assert encode_varint(value).hex() == encoded
    assert decode_varint(bytes.fromhex(encoded), 0, len(encoded) // 2) == (value, len(encoded) // 2)


@given(st.integers(0, 2**64 - 1), st.binary(max_size=3), st.binary(max_size=3))
def test_round_trip_anywhere(value: int, before: bytes, after: bytes) -> None:
    encoded = encode_varint(value)
    data = before + encoded + after
    assert decode_varint(data, len(before), len(data)) == (value, len(before) + len(encoded))


@given(st.integers(0, 2**64 - 1))
def test_every_truncation_is_refused(value: int) -> None:
    encoded = encode_varint(value)
    for end in range(len(encoded)):
        with pytest.raises(DecodeError, match="truncated varint") as caught:
            decode_varint(encoded, 0, end)
        assert caught.value.offset == 0


def test_only_the_lowest_bit_of_a_tenth_byte_counts() -> None:
    assert decode_varint(b"\xff" * 9 + b"\x7f", 0, 10)[0] == 2**64 - 1
    assert decode_varint(b"\x80" * 9 + b"\x02", 0, 10)[0] == 0


def test_an_eleventh_byte_is_refused() -> None:
    with pytest.raises(DecodeError, match="longer than 10 bytes"):
        decode_varint(b"\x80" * 10 + b"\x01", 0, 11)


@pytest.mark.parametrize(
    ("value", "encoded"), [(0, 0), (-1, 1), (1, 2), (-2, 3), (2**31 - 1, 2**32 - 2), (-(2**63), 2**64 - 1)]
)
def test_zigzag(value: int, encoded: int) -> None:
    assert encode_zigzag(value) == encoded
    assert decode_zigzag(encoded) == value


@given(st.integers(-(2**31), 2**31 - 1))
def test_signed_reads_twos_complement(value: int) -> None:
    assert signed(value & 0xFFFFFFFF, 32) == value
    assert signed(value & 0xFFFFFFFFFFFFFFFF, 32) == value


def test_lengths() -> None:
    assert decode_length(b"\x82\x80\x00ab", 0, 5) == (3, 5)  # overlong, but within five bytes
    with pytest.raises(DecodeError, match="3 bytes announced, 2 left"):
        decode_length(b"\x03ab", 0, 3)
    with pytest.raises(DecodeError, match="31 bits"):
        decode_length(b"\x82\x80\x80\x80\x80\x00ab", 0, 8)
    with pytest.raises(DecodeError, match="31 bits"):
        decode_length(b"\x80\x80\x80\x80\x08", 0, 5)
