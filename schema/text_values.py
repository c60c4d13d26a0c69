"""Scalars of the text format: tokens → values of a field.

Spec: https://protobuf.dev/reference/protobuf/textformat-spec, "Value Types".
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from difflib import get_close_matches
from typing import Any

from ..wire.plan import FieldPlan, Kind
from ..wire.scalar import RANGES
from .json_fields import JsonEnum, JsonField
from .text_errors import TextError
from .text_lexer import IDENT, NUMBER, STRING, Cursor
from .text_strings import string_bytes
from .values import as_float32

_DECIMAL = re.compile(r"0|[1-9][0-9]*")
_OCTAL = re.compile(r"0[0-7]+")
_HEX = re.compile(r"0[xX][0-9a-fA-F]+")
_FLOAT = re.compile(r"(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][+-]?[0-9]+)?[fF]?")
_MAX_DIGITS = 40  # longer ones fit no field; turning them into an int would take quadratic time
_TOO_LARGE = 1 << 200
_NAMED_FLOATS = {"inf": math.inf, "infinity": math.inf, "nan": math.nan}
_BOOLS: dict[str | int | None, bool] = {
    **dict.fromkeys(("true", "True", "t", 1), True),
    **dict.fromkeys(("false", "False", "f", 0), False),
}


def read_scalar(cursor: Cursor, field: JsonField) -> Any:
    """Take one value of a scalar field. Raises TextError."""
    if field.enum is not None:
        return _enum(cursor, field.plan, field.enum)
    return _READERS[field.plan.kind](cursor, field.plan)


def skip_scalar(cursor: Cursor) -> None:
    """Take one value of any sort, of which only the form is checked."""
    if cursor.kind == STRING:
        _literals(cursor)
        return
    cursor.accept("-")
    if cursor.kind == NUMBER:
        if not (_FLOAT.fullmatch(cursor.token) or _magnitude(cursor.token) is not None):
            raise cursor.fault("a number")
    elif cursor.kind != IDENT:
        raise cursor.fault("a value")
    cursor.advance()


def _integer(cursor: Cursor, plan: FieldPlan) -> int:
    kind = plan.kind
    return _number(
        cursor, kind, f"a whole number ({kind.value})" if RANGES[kind][0] else f"digits ({kind.value})"
    )


def _number(cursor: Cursor, kind: Kind, expected: str) -> int:
    low, high = RANGES[kind]
    start = cursor.start
    negative = low < 0 and cursor.accept("-")
    magnitude = _magnitude(cursor.token) if cursor.kind == NUMBER else None
    if magnitude is None:
        raise cursor.fault(expected)
    value = -magnitude if negative else magnitude
    if not low <= value <= high:
        text = cursor.token if len(cursor.token) <= _MAX_DIGITS else f"{cursor.token[:20]}…"
        raise TextError(f"{'-' if negative else ''}{text} does not fit {kind.value}", start)
    cursor.advance()
    return value


def _magnitude(token: str) -> int | None:
    """What a token stands for as an integer literal; None when it is none."""
    if _DECIMAL.fullmatch(token):
        return int(token) if len(token) <= _MAX_DIGITS else _TOO_LARGE
    if _HEX.fullmatch(token):
        digits, base = token[2:], 16
    elif _OCTAL.fullmatch(token):
        digits, base = token, 8
    else:
        return None
    digits = digits.lstrip("0") or "0"
    return int(digits, base) if len(digits) <= _MAX_DIGITS else _TOO_LARGE


def _float(cursor: Cursor, plan: FieldPlan) -> float:
    negative = cursor.accept("-")
    value = None
    if cursor.kind == IDENT:
        value = _NAMED_FLOATS.get(cursor.token.lower())
    elif cursor.kind == NUMBER and _FLOAT.fullmatch(cursor.token):
        value = float(cursor.token.rstrip("fF"))
    if value is None:
        raise cursor.fault(f"a decimal number, inf or nan ({plan.kind.value})")
    cursor.advance()
    value = -value if negative else value
    # In memory a float field holds what it would hold after a trip over the wire.
    return as_float32(value) if plan.kind is Kind.FLOAT else value


def _bool(cursor: Cursor, plan: FieldPlan) -> bool:
    token = cursor.token
    value = _BOOLS.get(_magnitude(token) if cursor.kind == NUMBER else token)
    if value is None:
        raise cursor.fault("true or false")
    cursor.advance()
    return value


def _enum(cursor: Cursor, plan: FieldPlan, enum: JsonEnum) -> Any:
    assert plan.enum is not None
    start = cursor.start
    if cursor.kind == IDENT:
        number = enum.numbers.get(cursor.token)
        if number is None:
            close = get_close_matches(cursor.token, enum.numbers, n=1)
            hint = f"; did you mean {close[0]}?" if close else ""
            raise TextError(f"{enum.full_name} has no value {cursor.token!r}{hint}", start)
        cursor.advance()
    else:
        number = _number(cursor, Kind.ENUM, f"a value of {enum.full_name}, by its name or number")
        if enum.closed and number not in enum.names:
            raise TextError(f"{enum.full_name} has no value {number}, and is closed", start)
    return plan.enum.enum_class(number)


def _string(cursor: Cursor, plan: FieldPlan) -> str:
    start = cursor.start
    data = _literals(cursor)
    try:
        # Without a check, bytes that are not UTF-8 are surrogates in a str, as the codec has them.
        return data.decode("utf-8", "strict" if plan.utf8 else "surrogateescape")
    except UnicodeDecodeError:
        raise TextError("the bytes of the string are not valid UTF-8", start) from None


def _bytes(cursor: Cursor, plan: FieldPlan) -> bytes:
    return _literals(cursor)


def _literals(cursor: Cursor) -> bytes:
    """Take string literals that stand side by side: they are one."""
    if cursor.kind != STRING:
        raise cursor.fault("a string in quotes")
    parts: list[bytes] = []
    while cursor.kind == STRING:
        parts.append(string_bytes(cursor.token, cursor.start))
        cursor.advance()
    return b"".join(parts)


_READERS: dict[Kind, Callable[[Cursor, FieldPlan], Any]] = {
    **dict.fromkeys(RANGES, _integer),
    Kind.BOOL: _bool,
    Kind.FLOAT: _float,
    Kind.DOUBLE: _float,
    Kind.STRING: _string,
    Kind.BYTES: _bytes,
}
