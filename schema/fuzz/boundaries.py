"""Values at which implementations go wrong, by kind: data for the fuzzer and for the Hypothesis strategies."""

from __future__ import annotations

import math
import struct
from typing import Any

from ...wire.plan import Kind
from ...wire.scalar import RANGES

_EDGES = (0, 1, -1, 2, 63, 64, -64, -65, 127, 128, 255, 300, 16383, 16384, -8192, -8193, 2**28 - 1, 2**28)
_FLOAT_EDGES = (
    0.0, -0.0, 1.0, -1.5, 0.1, 1e-10, 16777217.0, 1e15, 1e16, math.inf, -math.inf, math.nan,
    2**-149, 2**-126, 3.4028234663852886e38, -3.4028234663852886e38,
)  # fmt: skip
_DOUBLE_EDGES = (
    *_FLOAT_EDGES,
    5e-324,
    2.2250738585072014e-308,
    1.7976931348623157e308,
    2.0**53 + 2,
    1e22,
    1e300,
)


def _integers(kind: Kind) -> tuple[int, ...]:
    low, high = RANGES[kind]
    wide = (
        2**31 - 1,
        2**31,
        -(2**31),
        2**32 - 1,
        2**32,
        2**35,
        2**53 + 1,
        2**56,
        low,
        low + 1,
        high - 1,
        high,
    )
    return tuple(dict.fromkeys(number for number in (*_EDGES, *wide) if low <= number <= high))


def _float32(number: float) -> float:
    return struct.unpack("<f", struct.pack("<f", number))[0]


TEXTS = (
    "", "a", "0", "é", "\0", "\n\"\\\x7f", "\u2028", "\ufeff", "\uffff", "😀", "𐍈" * 3, "e\u0301",
    "</script>", "x" * 127, "y" * 128, "é" * 64,
)  # fmt: skip
BLOBS = (b"", b"\0", b"\xff", b"a", b"\x08\x01", b"\xfb\xef\xbe", bytes(range(256)), b"\0" * 127, b"\1" * 128)

BOUNDARIES: dict[Kind, tuple[Any, ...]] = {
    **{kind: _integers(kind) for kind in RANGES if kind not in (Kind.BOOL, Kind.ENUM)},
    Kind.BOOL: (False, True),
    Kind.FLOAT: tuple(_float32(number) for number in _FLOAT_EDGES),
    Kind.DOUBLE: _DOUBLE_EDGES,
    Kind.STRING: TEXTS,
    Kind.BYTES: BLOBS,
}
"""Per kind, values of its Python type. The numbers of enums are theirs to say: see `enum_numbers`."""

BAD_UTF8 = (
    b"\xff", b"\x80", b"\xc3", b"\xc0\x80", b"\xe0\x80\x80", b"\xed\xa0\x80", b"\xed\xb0\x80\xed\xa0\x80",
    b"\xf0\x80\x80\x80", b"\xf4\x90\x80\x80", b"\xf8\x88\x80\x80\x80", b"ok\xe2\x82", b"x" * 40 + b"\xfe",
)  # fmt: skip
"""Byte strings that no UTF-8 decoder may take: stray, overlong, surrogates, beyond U+10FFFF, cut short."""

SPECIAL_FIELDS: dict[str, tuple[Any, ...]] = {
    "google.protobuf.Timestamp.seconds": (
        0,
        1,
        -1,
        -62_135_596_800,
        253_402_300_799,
        951_782_400,
        1_700_000_000,
    ),
    "google.protobuf.Timestamp.nanos": (0, 1, 1000, 1_000_000, 999_999_999, 500_000_000, 120_000),
    "google.protobuf.Duration.seconds": (0, 1, 3, 315_576_000_000, 59),
    "google.protobuf.Duration.nanos": (0, 1, 1000, 1_000_000, 999_999_999, 500_000_000, 120_000),
    "google.protobuf.FieldMask.paths": ("foo", "foo_bar", "foo.bar_baz", "a.b.c", "a1_b"),
    "google.protobuf.Value.number_value": (0.0, -0.0, 1.0, -1.5, 1e300, 5e-324, 1e21),
}
"""Where only some values have a JSON form: values that do, by the full name of the field."""


def enum_numbers(known: tuple[int, ...]) -> tuple[int, ...]:
    """The numbers of an enum, and now and then one that it most likely does not have."""
    known = known[:12]
    return (*known * (1 + 24 // max(1, len(known))), 0, -1, 7777, 2**31 - 1, -(2**31))
