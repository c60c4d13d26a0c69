"""Texts that are nearly in the text format: fields of a class with values that mostly suit them, written in all the
ways that the format has, and in some that it has not."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from barewire.wire.plan import Cardinality, FieldPlan, Kind

_INTEGERS = (
    *("0", "1", "-1", "- 1", "00", "01", "017", "0x1F", "0XfF", "-0x80000000", "0x80000000", "2147483647", "-0"),
    *("2147483648", "-2147483648", "-2147483649", "4294967295", "4294967296", "9223372036854775807", "-#c\n1"),
    *("9223372036854775808", "-9223372036854775808", "18446744073709551615", "18446744073709551616", "9" * 50),
)  # fmt: skip
_FLOATS = (
    *("0", "1", "-1", "1.5", "1.", ".5", "-.5", "1e5", "1E+5", "1e-5", "1.5f", "1F", "1e999", "-1e999", "1e-999"),
    *("-0", "inf", "-inf", "INFINITY", "-Infinity", "nan", "-nan", "NaN", "- inf", "3.5e38", "34028234663852886e22"),
)  # fmt: skip
_STRINGS = (
    *('""', '"a"', "'b'", '"a" "b"', "\"a\"'b'", '"é"', r'"\101"', r'"\x41"', r'"\xC3\xA9"', r'"\303\251"', '"#"'),
    *(r'"\u0041"', r'"\U0001F600"', r'"\U0010FFFF"', r'"\a\b\f\n\r\t\v\?\\\'\""', r'"\0"', r'"\1234"'),
    *('"it\'s"', '"a"#c\n"b"'),
)  # fmt: skip
_BY_KIND = {
    Kind.BOOL: ("true", "True", "t", "1", "0x1", "01", "false", "False", "f", "0", "00", "0x0"),
    Kind.STRING: _STRINGS,
    Kind.BYTES: (*_STRINGS, r'"\377"', r'"\xff"', r'"\200\x80"'),
    Kind.FLOAT: _FLOATS,
    Kind.DOUBLE: _FLOATS,
}
# What suits hardly any field, or none.
ODD = (
    *("", "08", "0x", "0xG", "1a", "1.5.", "1e", "1..2", "1 2", "+1", "--1", "1_0", "0b1", "1.0ff", "-foo", "2", "."),
    *("TRUE", "yes", "infinit", "nano", "- true", "//c\n1", "/*c*/1", "@", "é", "%", "\x00", "\x0b1", "1:", ":1"),
    *('"', "'", '"a', '"a\n"', r'"\q"', r'"\X41"', r'"\400"', r'"\u12"', r'"\ud83d"', r'"\ud83d\ude00"', '"\\'),
    *(r'"\U00110000"', r'"\x"', '"a" b', '"\x00"', "{", "}", "<", ">", "[", "]", "[1,]", "[,]", "[1 2]", "[[1]]"),
    *("[;]", "{,}", "{>", "a:1", "10bar:1"),
)  # fmt: skip
_SEPARATORS = (" ", " ", " ", "\n", ",", ";", ", ", " ; ", " # c\n", ",,", ";;", ",;", "")


@st.composite
def texts(draw: Any, message_class: Any, depth: int = 2) -> str:
    """Texts of a few fields."""
    return "".join(_field(draw, message_class, depth) for _ in range(draw(st.integers(1, 4))))


def _often(draw: Any, likely: Any, other: Any) -> Any:
    return draw(st.sampled_from(other)) if draw(st.integers(0, 24)) == 0 else likely


def _field(draw: Any, message_class: Any, depth: int) -> str:
    plan = message_class.__plan__
    fields = [*plan.fields, *plan.extensions.values()]
    if not fields:
        return ""
    field = draw(st.sampled_from(fields))
    name = f"[{field.name}]" if field.number in plan.extensions else field.name
    if field.kind is Kind.GROUP:
        name = draw(st.sampled_from([name, name.capitalize()]))
    odd_names = (
        "nothing",
        "1",
        '"a"',
        "[no.such]",
        "[no/such]",
        "[",
        "[]",
        "[ pantry . note ]",
        "pantry.note",
        name.upper(),
    )
    name = _often(draw, name, odd_names)
    is_message = field.message is not None or field.value is not None
    colon = _often(draw, draw(st.sampled_from((":", "", " :"))) if is_message else ":", ("", "::", "=", " "))
    many = field.cardinality in (Cardinality.REPEATED, Cardinality.MAP)
    if many and draw(st.integers(0, 2)) == 0:
        items = [_value(draw, field, depth) for _ in range(draw(st.integers(0, 3)))]
        value = f"[{_often(draw, ', ', (',', ' ', ';', ',,')).join(items)}]"
    else:
        value = _value(draw, field, depth)
    separator = _often(draw, draw(st.sampled_from(_SEPARATORS[:9])), _SEPARATORS)
    return f"{name}{colon}{draw(st.sampled_from(('', ' ')))}{value}{separator}"


def _value(draw: Any, field: FieldPlan, depth: int) -> str:
    if field.value is not None:
        return _braces(draw, _entry(draw, field, depth))
    if field.message is not None:
        full_name = field.message.full_name
        if full_name == "google.protobuf.Any" and draw(st.booleans()):
            url = draw(
                st.sampled_from(["a/pantry.Shelf", "type.googleapis.com/google.protobuf.Empty", "a/no.such"])
            )
            return _braces(draw, f"[{url}] {{}}")
        inner = "" if depth <= 0 else draw(texts(field.message.message_class, depth - 1))
        return _braces(draw, inner)
    if field.enum is not None:
        numbers = {str(int(member)) for member in field.enum.enum_class} | {"99", "-1", "0x1"}
        suiting = sorted({*field.enum.enum_class.__members__, *numbers})
    else:
        suiting = _BY_KIND.get(field.kind, _INTEGERS)
    return _often(draw, draw(st.sampled_from(suiting)), ODD)


def _entry(draw: Any, field: FieldPlan, depth: int) -> str:
    parts = []
    for part in draw(st.sampled_from([(), (1,), (2,), (1, 2), (1, 2), (1, 2), (2, 1), (1, 1)])):
        named, of = ("key", field.key) if part == 1 else ("value", field.value)
        assert of is not None
        parts.append(f"{named}: {_value(draw, of, depth - 1)}")
    return _often(draw, " ", (", ", ";", ",,")).join(parts)


def _braces(draw: Any, inner: str) -> str:
    opening, closing = _often(draw, draw(st.sampled_from(("{}", "<>"))), ("{>", "<}", "()", "[]"))
    return f"{opening}{inner}{closing}"
