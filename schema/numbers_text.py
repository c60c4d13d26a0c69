"""Floating-point numbers as text, digit for digit as protoc writes them."""

from __future__ import annotations

import math
import struct


def float_text(value: float, *, single: bool = False) -> str:
    """The shortest of the usual digits that reads back as `value`: 15 or 17 of them, for a 32-bit float 6 to 9."""
    if math.isnan(value):
        return "nan"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    for digits in (6, 7, 8) if single else (15,):
        text = f"{value:.{digits}g}"
        if (_as_single(float(text)) if single else float(text)) == value:
            return text
    return f"{value:.{9 if single else 17}g}"


def _as_single(value: float) -> float:
    try:
        return struct.unpack("<f", struct.pack("<f", value))[0]
    except OverflowError:
        return math.copysign(math.inf, value)
