"""Rules about single fields and extensions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..wire.plan import Kind
from . import ast
from .descriptor import Label
from .symbols import MAX_MESSAGE_SET_NUMBER, MAX_NUMBER
from .validate_numbers import check_number

if TYPE_CHECKING:
    from .descriptor import FieldDescriptor
    from .symbol_table import SymbolTable
    from .unit import Unit

_UNPACKABLE = frozenset((Kind.STRING, Kind.BYTES, Kind.MESSAGE, Kind.GROUP))
_INT64S = frozenset((Kind.INT64, Kind.UINT64, Kind.SINT64, Kind.FIXED64, Kind.SFIXED64))


def check_field(unit: Unit, field: FieldDescriptor, node: ast.Field) -> None:
    for option in node.options:
        match option.simple_name:
            case "packed":
                _check_packed(unit, field, option)
            case "lazy" | "unverified_lazy" as name:
                if ast.word_of([option], name) == "true" and field.kind is not Kind.MESSAGE:
                    unit.error(option, f"only a message field can be {name}")
            case "jstype":
                # JS_NORMAL says nothing and is allowed everywhere.
                if ast.word_of([option], "jstype") != "JS_NORMAL" and field.kind not in _INT64S:
                    unit.error(
                        option, "jstype is for the 64-bit integers", "it says how JavaScript represents them"
                    )
            case "ctype":
                if unit.file.edition and unit.file.edition >= "2024":
                    unit.error(
                        option, "ctype is gone since edition 2024", "set features.(pb.cpp).string_type"
                    )
            case _:
                pass
    enum = field.enum_type
    if (
        enum
        and enum.is_closed
        and field.features.field_presence == "IMPLICIT"
        and field.label is Label.OPTIONAL
    ):
        if not field.has_presence:
            help = f"{enum.full_name} is a closed enum, which knows no zero by default"
            unit.error(node.type, f"'{field.name}' has no presence, so its enum has to be open", help)
    elif enum and unit.file.syntax == "proto3" and enum.is_closed and not field.is_extension:
        unit.error(
            node.type, f"a proto3 message cannot use {enum.full_name}, which is a closed enum of proto2"
        )


def _check_packed(unit: Unit, field: FieldDescriptor, option: ast.Option) -> None:
    if unit.file.syntax == "editions":
        word = "PACKED" if ast.word_of([option], "packed") == "true" else "EXPANDED"
        help = f"set features.repeated_field_encoding = {word}"
        unit.error(option, "editions have no option 'packed'", help)
    elif ast.word_of([option], "packed") == "true" and (
        field.label is not Label.REPEATED or field.kind in _UNPACKABLE
    ):
        unit.error(option, "only repeated numbers, bools and enums can be packed")


def check_extension(unit: Unit, table: SymbolTable, field: FieldDescriptor, node: ast.Field) -> None:
    extended = field.containing_type
    if extended.full_name == "?":  # not found, and reported
        return
    if not check_number(unit, node, MAX_MESSAGE_SET_NUMBER if extended.message_set else MAX_NUMBER):
        return
    if not any(item.start <= field.number < item.end for item in extended.extension_ranges):
        ranges = ", ".join(f"{item.start} to {item.end - 1}" for item in extended.extension_ranges[:5])
        help = (
            f"its extensions are {ranges}"
            if ranges
            else "it cannot be extended: it has no 'extensions' statement"
        )
        unit.error(node.number, f"{extended.full_name} has no extension number {field.number}", help)
        return
    other = table.extension_with_number(field)
    if other is not field:
        where = "" if other.file is field.file else f" ({other.file.name})"
        text = f"extension number {field.number} of {extended.full_name} is already {other.full_name}{where}"
        unit.error(node.number, text)
    if field.label is Label.REQUIRED:
        unit.error(node.label or node.name, "an extension cannot be required")
    if unit.file.syntax == "proto3" and extended.full_name not in _OPTION_MESSAGES and node.extendee:
        unit.error(
            node.extendee, "proto3 extends nothing but the messages of options (google.protobuf.*Options)"
        )
    if extended.message_set and (field.label is not Label.OPTIONAL or field.kind is not Kind.MESSAGE):
        unit.error(node.type, f"{extended.full_name} is a message set: its extensions are optional messages")


_OPTION_MESSAGES = frozenset(
    f"google.protobuf.{name}"
    for name in (
        "FileOptions", "MessageOptions", "FieldOptions", "EnumOptions", "EnumValueOptions", "ServiceOptions",
        "MethodOptions", "OneofOptions", "ExtensionRangeOptions", "FeatureSet", "FeatureSet.VisibilityFeature",
    )
)  # fmt: skip
