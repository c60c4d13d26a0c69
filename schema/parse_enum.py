"""Enums."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .ast import Enum, EnumValue, Name
from .parse_option import parse_option_list, parse_option_statement
from .parse_reserved import parse_reserved

if TYPE_CHECKING:
    from .cursor import Cursor


def parse_enum(p: Cursor, start: int, visibility: Name | None = None) -> Enum:
    """An enum, from behind the keyword; `start` is where its statement starts."""
    enum = Enum(name=p.identifier("a name for this enum"), visibility=visibility, start=start)
    p.block(lambda: _parse_statement(p, enum), f"enum '{enum.name.text}'")
    enum.end = p.end
    return enum


def _parse_statement(p: Cursor, enum: Enum) -> None:
    if p.accept("option"):
        enum.options.append(parse_option_statement(p))
    elif p.accept("reserved"):
        parse_reserved(p, enum.reserved_ranges, enum.reserved_names, signed=True)
    else:
        start = p.start
        name = p.identifier(f"a value of enum '{enum.name.text}'")
        p.expect("=", f"and a number after '{name.text}'")
        number = p.integer(f"a number for '{name.text}'", signed=True)
        value = EnumValue(name=name, number=number, options=parse_option_list(p), start=start)
        enum.values.append(value)
        p.end_statement()
        value.end = p.end
