"""Options: `option name = value;`, `[name = value, …]`, and values in text format."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .ast import MINUS_ZERO, Aggregate, AggregateField, Name, Option, OptionPart, Scalar, Value, ValueList
from .cursor import Fault
from .lexer import IDENT, NUMBER, STRING

if TYPE_CHECKING:
    from .cursor import Cursor

MAX_AGGREGATE_DEPTH = 100


def parse_option_statement(p: Cursor) -> Option:
    """`option name = value;`, from behind the keyword."""
    option = _parse_assignment(p)
    p.end_statement()
    return option


def parse_option_list(p: Cursor) -> list[Option]:
    """`[name = value, …]`, or nothing."""
    options: list[Option] = []
    if not p.accept("["):
        return options
    while True:
        options.append(_parse_assignment(p))
        if p.accept("]"):
            return options
        p.expect(",", "or ']' after this option")


def _parse_assignment(p: Cursor) -> Option:
    parts = _parse_name(p)
    p.expect("=", "between an option and its value")
    return Option(parts, _parse_value(p))


def _parse_name(p: Cursor) -> list[OptionPart]:
    parts: list[OptionPart] = []
    while True:
        if p.accept("("):
            name = p.type_name("the name of an extension")
            p.expect(")", "after the name of the extension")
            parts.append(OptionPart(name, True))
        else:
            start = p.start
            for text in p.dotted_token("the name of an option").split("."):
                parts.append(OptionPart(Name(text, start, start + len(text)), False))
                start += len(text) + 1
        if not p.accept("."):
            return parts


def _parse_value(p: Cursor) -> Value:
    if p.text == "{":
        return _parse_aggregate(p, "}", 1)
    return _parse_scalar(p)


def _parse_scalar(p: Cursor) -> Scalar:
    kind, start = p.kind, p.start
    if kind == STRING:
        return Scalar(*p.string("a value"))
    if kind == IDENT:
        name = p.identifier("a value")
        return Scalar(name.text, name.start, name.end)
    if kind == NUMBER:
        return Scalar(p.number("a value"), start, p.end)
    if not p.accept("-"):
        raise p.fault("expected a value")
    if p.kind == IDENT:
        if p.text.lower() not in ("inf", "nan", "infinity"):
            raise p.fault("only a number, 'inf' or 'nan' can be negative")
        return Scalar("-" + p.identifier("a value").text, start, p.end)
    value = p.number("a number after '-'")
    return Scalar(-value if value or isinstance(value, float) else MINUS_ZERO, start, p.end)


def _parse_aggregate(p: Cursor, closing: str, depth: int) -> Aggregate:
    start = p.start
    p.advance()
    if depth > MAX_AGGREGATE_DEPTH:
        raise Fault(f"this value is nested more than {MAX_AGGREGATE_DEPTH} deep", start, start + 1)
    fields: list[AggregateField] = []
    while not p.accept(closing):
        if not p.text:
            raise Fault("this value is never closed", start, start + 1, f"add the missing '{closing}'")
        fields.append(_parse_aggregate_field(p, depth))
        if p.text in (",", ";"):
            p.advance()
    return Aggregate(fields, start, p.end)


def _parse_aggregate_field(p: Cursor, depth: int) -> AggregateField:
    is_extension = p.accept("[")
    if is_extension:
        name = p.dotted_name("the name of an extension")
        if p.accept("/"):
            rest = p.dotted_name("the name of a message")
            name = Name(f"{name.text}/{rest.text}", name.start, rest.end)
        p.expect("]", "after the name of the extension")
    else:
        name = p.identifier("the name of a field")
    has_colon = p.accept(":")
    if not has_colon and p.text not in ("{", "<", "["):
        raise p.fault(f"expected ':' after {name.text!r}")
    return AggregateField(name, is_extension, _parse_aggregate_value(p, depth, lists=True), has_colon)


def _parse_aggregate_value(p: Cursor, depth: int, *, lists: bool) -> Value:
    text = p.text
    if text == "{":
        return _parse_aggregate(p, "}", depth + 1)
    if text == "<":
        return _parse_aggregate(p, ">", depth + 1)
    if text != "[" or not lists:
        return _parse_scalar(p)
    start = p.start
    p.advance()
    values: list[Value] = []
    if not p.accept("]"):
        values.append(_parse_aggregate_value(p, depth, lists=False))
        while p.accept(","):
            values.append(_parse_aggregate_value(p, depth, lists=False))
        p.expect("]", "or ',' after this value")
    return ValueList(values, start, p.end)
