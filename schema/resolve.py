"""Links names to what they mean: types of fields, extended messages, requests and responses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..wire.plan import Kind
from .descriptor import EnumDescriptor, MessageDescriptor
from .symbol_table import Symbol, SymbolTable, describe, file_of
from .wkt import TYPE_FILES

if TYPE_CHECKING:
    from . import ast
    from .descriptor import Descriptor, FieldDescriptor
    from .unit import Unit

SCALARS = {kind.value: kind for kind in Kind if kind not in (Kind.GROUP, Kind.MESSAGE, Kind.ENUM)}


def resolve(unit: Unit, table: SymbolTable) -> None:
    """Sets every reference of the unit's descriptors; a name that means nothing is reported."""
    for field, node in unit.fields:
        if node.extendee:
            extendee = find(unit, table, node.extendee, field.full_name, MessageDescriptor)
            if isinstance(extendee, MessageDescriptor):
                field.containing_type = extendee
        scalar = SCALARS.get(node.type.text)
        if scalar:
            field.kind = scalar
        else:
            _resolve_type(unit, table, field, node)
    for method, node in unit.methods:
        request = find(unit, table, node.input_type, method.full_name, MessageDescriptor)
        if isinstance(request, MessageDescriptor):
            method.input_type = request
        response = find(unit, table, node.output_type, method.full_name, MessageDescriptor)
        if isinstance(response, MessageDescriptor):
            method.output_type = response


def _resolve_type(unit: Unit, table: SymbolTable, field: FieldDescriptor, node: ast.Field) -> None:
    name = node.type
    symbol = find(unit, table, name, field.full_name, MessageDescriptor, EnumDescriptor)
    if isinstance(symbol, EnumDescriptor):
        field.kind, field.enum_type = Kind.ENUM, symbol
    elif isinstance(symbol, MessageDescriptor):
        field.kind, field.message_type = Kind.GROUP if node.group else Kind.MESSAGE, symbol
        if symbol.is_map_entry and not node.is_map:
            unit.error(name, f"'{symbol.full_name}' belongs to a map field and cannot be used as a type")


def find(
    unit: Unit, table: SymbolTable, name: ast.Name, scope: str, *kinds: type[Descriptor]
) -> Symbol | None:
    """The symbol of one of `kinds` that `name` means within `scope`; reported if there is none."""
    found = table.lookup(unit, name.text, scope, types_only=EnumDescriptor in kinds)
    symbol = found.symbol
    if symbol is not None:
        if isinstance(symbol, kinds):
            return symbol
        unit.error(name, f"'{name.text}' is {describe(symbol)}, not {' or '.join(_WANTED[k] for k in kinds)}")
        return None
    if found.hidden is not None:
        hidden = file_of(found.hidden).name
        message = f"'{name.text}' is defined in {hidden}, which {unit.file.name} does not import"
        unit.error(name, message, f'add: import "{hidden}";')
    elif not unit.incomplete and not unit.report.may_be_lost(name.text):
        _report_missing(unit, table, name, found.tried, kinds)
    return None


_WANTED: dict[type[Descriptor], str] = {MessageDescriptor: "a message", EnumDescriptor: "an enum"}


def _report_missing(
    unit: Unit, table: SymbolTable, name: ast.Name, tried: str, kinds: tuple[type[Descriptor], ...]
) -> None:
    text = name.text
    help = None
    if well_known := _well_known(text):
        help = f'add: import "{well_known[1]}";'
        if text.lstrip(".") != well_known[0]:
            help = f"did you mean {well_known[0]}? If so, {help}"
    elif close := _close_scalar(text) if EnumDescriptor in kinds else None:
        help = f"did you mean {close}?"
    elif suggestion := table.suggest(unit, text, *kinds):
        help = f"did you mean {suggestion}?"
    if tried and tried != text.lstrip("."):
        inner = f"the innermost scope that has '{text.partition('.')[0]}' makes it {tried}"
        help = f"{inner}; write '.{text}' for the outermost" if table.names.get(text) else help or inner
    unit.error(name, f"'{text}' is not defined", help)


_FOREIGN = {
    "int": "int32", "integer": "int32", "long": "int64", "short": "int32", "byte": "bytes", "char": "string",
    "str": "string", "text": "string", "boolean": "bool", "uint": "uint32", "ulong": "uint64", "int8": "int32",
    "int16": "int32", "uint8": "uint32", "uint16": "uint32", "float32": "float", "float64": "double",
    "number": "double",
}  # fmt: skip


# Well-known types that are meant even where their package is not written; names like Type or Option could be anybody's.
_POPULAR = (
    "Any",
    "Duration",
    "Empty",
    "FieldMask",
    "Struct",
    "Timestamp",
    "StringValue",
    "Int32Value",
    "BoolValue",
)


def _well_known(text: str) -> tuple[str, str] | None:
    """The full name and the file of the well-known type that `text` names, with or without its package."""
    package, _, name = text.lstrip(".").rpartition(".")
    name = "Timestamp" if name.lower() == "datetime" else name[:1].upper() + name[1:]
    if name not in (TYPE_FILES if package == "google.protobuf" else _POPULAR) or package not in (
        "",
        "google.protobuf",
    ):
        return None
    return f"google.protobuf.{name}", TYPE_FILES[name]


def _close_scalar(text: str) -> str | None:
    from difflib import get_close_matches

    if foreign := _FOREIGN.get(text.lower()):
        return foreign
    close = get_close_matches(text, SCALARS, 1, 0.75) if text.islower() and len(text) < 12 else []
    return close[0] if close else None
