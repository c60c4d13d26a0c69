"""Rules about messages as wholes: what they may hold, and what their options ask of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..wire.plan import Kind
from . import ast

if TYPE_CHECKING:
    from .descriptor import MessageDescriptor
    from .unit import Unit

_KEY_KINDS = frozenset(Kind) - {Kind.FLOAT, Kind.DOUBLE, Kind.BYTES, Kind.MESSAGE, Kind.GROUP, Kind.ENUM}


def check_message(unit: Unit, message: MessageDescriptor, node: ast.Message) -> None:
    for oneof in node.oneofs:
        if not oneof.fields and not unit.report.lost:
            unit.error(oneof.name, f"oneof '{oneof.name.text}' needs at least one field")
    for option in node.options:
        if option.simple_name == "map_entry":
            unit.error(option, "map_entry cannot be set", "write the field as map<key, value>")
    if message.message_set:
        _check_message_set(unit, message, node)
    if message.is_map_entry:
        _check_map_entry(unit, message, node)
    if unit.file.syntax == "proto3":
        for item in node.extension_ranges:
            unit.error(
                item,
                "proto3 has no extension ranges",
                "a google.protobuf.Any holds what is not known beforehand",
            )


def _check_message_set(unit: Unit, message: MessageDescriptor, node: ast.Message) -> None:
    if unit.file.syntax == "proto3":
        unit.error(node.name, "proto3 has no message sets")
        return
    for field in node.fields:
        unit.error(field.name, f"'{message.name}' is a message set, which has extensions and no fields")
    if not node.extension_ranges and not node.fields:
        unit.error(node.name, "a message set needs an extension range", "add: extensions 4 to max;")


def _check_map_entry(unit: Unit, message: MessageDescriptor, node: ast.Message) -> None:
    key, value = message.fields
    if key.kind not in _KEY_KINDS or (
        key.message_type is None and key.enum_type is None and key.kind is Kind.MESSAGE
    ):
        help = "a key is a string, a bool or a whole number"
        unit.error(node.fields[0].type, f"'{node.fields[0].type.text}' cannot be the key of a map", help)
    enum = value.enum_type
    if enum and enum.values and enum.values[0].number != 0:
        unit.error(
            node.fields[1].type, f"the first value of {enum.full_name} is not zero, so no map can hold it"
        )
