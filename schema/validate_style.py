"""Edition 2024: names follow the style guide (features.enforce_naming_style), and local symbols stay in their file.

Spec: https://protobuf.dev/programming-guides/style and .../symbol_visibility.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from . import ast
    from .descriptor import EnumDescriptor, Features, MessageDescriptor
    from .unit import Unit

_TITLE = re.compile(r"[A-Z][A-Za-z0-9]*"), "TitleCase"
_LOWER = re.compile(r"[a-z][a-z0-9]*(?:_[a-z][a-z0-9]*)*"), "lower_snake_case"
_UPPER = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z][A-Z0-9]*)*"), "UPPER_SNAKE_CASE"
_PACKAGE = re.compile(rf"{_LOWER[0].pattern}(?:\.{_LOWER[0].pattern})*"), "lower_snake_case"


def check_style(unit: Unit) -> None:
    tree = unit.tree
    if tree.package:
        _check(unit, unit.file.features, tree.package, _PACKAGE)
    for message, node in unit.messages:
        if not node.is_map_entry:
            _check(unit, message.features, node.name, _TITLE)
    for field, node in unit.fields:
        _check(unit, field.features, node.name, _LOWER)
    for oneof, node in unit.oneofs:
        _check(unit, oneof.features, node.name, _LOWER)
    for enum, node in unit.enums:
        _check(unit, enum.features, node.name, _TITLE)
    for value, node in unit.values:
        _check(unit, value.features, node.name, _UPPER)
    for service, node in unit.services:
        _check(unit, service.features, node.name, _TITLE)
    for method, node in unit.methods:
        _check(unit, method.features, node.name, _TITLE)


def _check(unit: Unit, features: Features, name: ast.Name, style: tuple[re.Pattern[str], str]) -> None:
    pattern, word = style
    if features.enforce_naming_style == "STYLE2024" and not pattern.fullmatch(name.text):
        help = "features.enforce_naming_style = STYLE_LEGACY allows any name"
        unit.error(name, f"'{name.text}' is not in {word}, which edition 2024 asks for", help)


def check_visibility(unit: Unit) -> None:
    """Reports every use of a symbol that is local to another file."""
    for field, node in unit.fields:
        if field.message_type:
            _check_visible(unit, field.message_type, node.type)
        if field.enum_type:
            _check_visible(unit, field.enum_type, node.type)
        if node.extendee:
            _check_visible(unit, field.containing_type, node.extendee)
    for method, node in unit.methods:
        _check_visible(unit, method.input_type, node.input_type)
        _check_visible(unit, method.output_type, node.output_type)


def _check_visible(unit: Unit, symbol: MessageDescriptor | EnumDescriptor, name: ast.Name) -> None:
    if symbol.file is unit.file or _is_exported(symbol):
        return
    help = "declare it with 'export', or use it in its own file only"
    unit.error(name, f"{symbol.full_name} is local to {symbol.file.name}", help)


def _is_exported(symbol: MessageDescriptor | EnumDescriptor) -> bool:
    if symbol.visibility:
        return symbol.visibility == "export"
    default = symbol.features.default_symbol_visibility
    return default == "EXPORT_ALL" or (default == "EXPORT_TOP_LEVEL" and symbol.containing_type is None)
