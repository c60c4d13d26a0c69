from __future__ import annotations

import contextlib
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from barewire.rpc.timeout import decode_timeout, encode_timeout

_UNIT_SECONDS = {"H": 3600.0, "M": 60.0, "S": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9}


@pytest.mark.rule(33)
@given(st.floats(min_value=1e-9, max_value=3e11, allow_nan=False))
def test_r33_round_trip_rounds_up_by_less_than_a_unit(seconds: float) -> None:
    text = encode_timeout(seconds)
    assert 2 <= len(text) <= 9
    decoded = decode_timeout(text)
    unit = _UNIT_SECONDS[text[-1:].decode()]
    assert decoded >= seconds * (1 - 1e-12)
    assert decoded - seconds <= unit * (1 + 1e-6) + seconds * 1e-12


@pytest.mark.rule(33)
@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (1.0, b"1000000u"),
        (0.05, b"50000000n"),
        (0.1, b"100000u"),
        (99_999_999.0, b"99999999S"),
        (100_000_000.0, b"1666667M"),
        (1e30, b"99999999H"),
        (math.inf, b"99999999H"),
        (0.0, b"1n"),
        (-5.0, b"1n"),
        (1e-12, b"1n"),
    ],
)
def test_r33_what_is_sent(seconds: float, text: bytes) -> None:
    assert encode_timeout(seconds) == text


@pytest.mark.rule(33)
@pytest.mark.parametrize(
    ("text", "seconds"), [(b"1H", 3600), (b"00000001M", 60), (b"7S", 7), (b"250m", 0.25), (b"0S", 0)]
)
def test_r33_what_is_understood(text: bytes, seconds: float) -> None:
    assert decode_timeout(text) == pytest.approx(seconds)


@pytest.mark.rule(34)
@pytest.mark.parametrize(
    "text",
    [b"", b"1", b"S", b"123456789S", b"-1S", b"1.5S", b" 1S", b"1S ", b"1s", b"1S\n", "١S".encode(), b"1x"],
)
def test_r34_malformed_text_is_a_value_error(text: bytes) -> None:
    with pytest.raises(ValueError, match="grpc-timeout"):
        decode_timeout(text)


@given(st.binary(max_size=12))
def test_junk_is_a_duration_or_a_value_error(text: bytes) -> None:
    with contextlib.suppress(ValueError):
        assert decode_timeout(text) >= 0
