"""Literals: strings and numbers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from barewire.schema.defaults import escape_bytes
from barewire.schema.literal import LiteralError, number_value, string_value


@pytest.mark.parametrize(
    ("token", "value"),
    [
        ('""', b""),
        ("'a'", b"a"),
        (r'"\a\b\f\n\r\t\v\\\?\'\""', b"\a\b\f\n\r\t\v\\?'\""),
        (r'"\0\12\123\777"', b"\0\12\123\xff"),
        (r'"\x1\x1fg\XfF"', b"\x01\x1fg\xff"),
        (r'"\u00e4\U0001F600"', "ä😀".encode()),
        (r'"\U0010FFFF\U001ABCDE"', b"\xf4\x8f\xbf\xbf\\U001abcde"),
        (r'"\uD83D\uDE00"', "😀".encode()),
        (r'"\uD83Dx"', "\ud83dx".encode("utf-8", "surrogatepass")),
        ('"ä€"', "ä€".encode()),
        ('"\udcff"', b"\xff"),
    ],
)
def test_strings(token: str, value: bytes) -> None:
    assert string_value(token) == value


@pytest.mark.parametrize("token", [r'"\q"', r'"\x"', r'"\u12"', r'"\U00200000"', r'"\8"'])
def test_unknown_escapes(token: str) -> None:
    with pytest.raises(LiteralError) as caught:
        string_value(token)
    assert caught.value.offset == 1


@given(st.binary())
def test_escaped_bytes_read_back(data: bytes) -> None:
    assert string_value(f'"{escape_bytes(data)}"') == data


@pytest.mark.parametrize(
    ("token", "value"),
    [
        ("0", 0),
        ("12", 12),
        ("0x1F", 31),
        ("0XfF", 255),
        ("017", 15),
        ("1.5", 1.5),
        (".5", 0.5),
        ("5.", 5.0),
        ("1e3", 1000.0),
    ],
)
def test_numbers(token: str, value: float) -> None:
    assert number_value(token) == value
    assert type(number_value(token)) is type(value)


@pytest.mark.parametrize("token", ["09", "0x", "0xg", "1a", "1.2.3", "1e", "1_000", "1f", "9" * 2000])
def test_what_is_no_number(token: str) -> None:
    with pytest.raises(LiteralError):
        number_value(token)
