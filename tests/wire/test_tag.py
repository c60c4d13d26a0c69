from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from barewire.wire import DecodeError, WireType
from barewire.wire.tag import MAX_FIELD_NUMBER, decode_tag, encode_tag


@given(st.integers(1, MAX_FIELD_NUMBER), st.sampled_from(WireType))
def test_round_trip(number: int, wire_type: WireType) -> None:
    encoded = encode_tag(number, wire_type)
    assert decode_tag(encoded, 0, len(encoded)) == (number, wire_type, len(encoded))


@pytest.mark.parametrize(
    ("encoded", "reason"),
    [
        ("00", "field number 0"),
        ("07", "field number 0"),
        ("0e", "wire type 6 does not exist"),
        ("0f", "wire type 7 does not exist"),
        ("888080808000", "32 bits"),
        ("ffffffff7f", "32 bits"),
        ("88", "truncated varint"),
    ],
)
def test_refused(encoded: str, reason: str) -> None:
    data = bytes.fromhex(encoded)
    with pytest.raises(DecodeError, match=reason):
        decode_tag(data, 0, len(data))


def test_an_overlong_tag_of_five_bytes_is_read() -> None:
    assert decode_tag(bytes.fromhex("8880808000"), 0, 5) == (1, WireType.VARINT, 5)
