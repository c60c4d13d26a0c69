"""Ranges of numbers, and `reserved` statements."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .ast import Int, Name, Range
from .lexer import IDENT, STRING

if TYPE_CHECKING:
    from .cursor import Cursor


def parse_reserved(p: Cursor, ranges: list[Range], names: list[Name], *, signed: bool) -> None:
    """`reserved 1, 4 to 7;` or `reserved "a", "b";`, from behind the keyword. Editions write names without quotes."""
    if p.kind == STRING:
        if p.edition not in ("proto2", "proto3"):
            p.syntax_error(p.fault("reserved names are written without quotes in editions"))
        names.append(p.text_string("a reserved name"))
        while p.accept(","):
            names.append(p.text_string("a reserved name"))
    elif p.kind == IDENT:
        if p.edition in ("proto2", "proto3"):
            p.syntax_error(p.fault("reserved names are written in quotes", f'write "{p.text[:60]}"'))
        names.append(p.identifier("a reserved name"))
        while p.accept(","):
            names.append(p.identifier("a reserved name"))
    else:
        ranges.append(parse_range(p, signed=signed))
        while p.accept(","):
            ranges.append(parse_range(p, signed=signed))
    p.end_statement()


def parse_range(p: Cursor, *, signed: bool) -> Range:
    """`5`, `5 to 9` or `5 to max`."""
    first = p.integer("a number or a range", signed=signed)
    last: Int | None = first
    if p.accept("to"):
        last = None if p.accept("max") else p.integer("a number or 'max'", signed=signed)
    return Range(first=first, last=last, options=[], start=first.start, end=p.end)
