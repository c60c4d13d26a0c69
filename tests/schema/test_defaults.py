"""Defaults as Python values, and as descriptor.proto writes them."""

from __future__ import annotations

import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from barewire.schema.compile import compile_files
from barewire.schema.numbers_text import float_text


@pytest.mark.parametrize(
    ("kind", "literal", "value", "text"),
    [
        ("int32", "-5", -5, "-5"),
        ("uint64", "0xFFFFFFFFFFFFFFFF", 2**64 - 1, "18446744073709551615"),
        ("int32", "-0", 0, "0"),
        ("bool", "true", True, "true"),
        ("string", '"ä" "b"', "äb", "äb"),
        ("bytes", r'"\xff\0a"', b"\xff\0a", r"\377\000a"),
        ("E", "TWO", 2, "TWO"),
        ("double", "1.5", 1.5, "1.5"),
        ("double", "-inf", -math.inf, "-inf"),
        ("float", "0.1", struct.unpack("<f", struct.pack("<f", 0.1))[0], "0.1"),
        ("float", "1e100", math.inf, "inf"),
        ("double", "7", 7.0, "7"),
    ],
)
def test_default(kind: str, literal: str, value: object, text: str) -> None:
    source = f"message M {{ optional {kind} x = 1 [default = {literal}]; }} enum E {{ ONE = 1; TWO = 2; }}"
    (file,) = compile_files(["a.proto"], sources={"a.proto": source})
    field = file.messages[0].fields[0]
    assert field.default == value
    assert type(field.default) is type(value)
    assert field.default_text == text


@given(st.floats(allow_nan=False))
def test_doubles_read_back(value: float) -> None:
    assert float(float_text(value)) == value


@given(st.floats(allow_nan=False, width=32))
def test_floats_read_back(value: float) -> None:
    read = float(float_text(value, single=True))
    assert math.isinf(value) or struct.pack("<f", read) == struct.pack("<f", value)
