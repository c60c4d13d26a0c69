"""Floating-point numbers as text, digit for digit as protoc writes them."""

from __future__ import annotations

import math
import struct

_SMALLEST_NORMAL_SINGLE = 2.0**-126


def float_text(value: float, *, single: bool = False) -> str:
    """`value` in 15 digits if these read back as the same number, else in 17; a 32-bit float in 6, else in 9."""
    if math.isnan(value):
        return "nan"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    if not single:
        text = f"{value:.15g}"
        return text if float(text) == value else f"{value:.17g}"
    text = f"{value:.6g}"
    # C calls the reading of a subnormal a range error, so protoc never trusts six digits of one.
    exact = _as_single(float(text)) == value and (value == 0 or abs(value) >= _SMALLEST_NORMAL_SINGLE)
    return text if exact else f"{value:.9g}"


def _as_single(value: float) -> float:
    try:
        return struct.unpack("<f", struct.pack("<f", value))[0]
    except OverflowError:
        return math.copysign(math.inf, value)
