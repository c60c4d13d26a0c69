"""What the language forbids although it parses and every name means something.

Each check lives beside its kin (`validate_fields`, `validate_numbers`, …); this is the list of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .validate_enums import check_enum
from .validate_feature_support import check_field_support, check_value_support
from .validate_features import check_features
from .validate_fields import check_extension, check_field
from .validate_files import check_file
from .validate_json import check_json_names
from .validate_messages import check_message
from .validate_numbers import check_numbers
from .validate_range_options import check_declarations, check_declared
from .validate_style import check_style, check_visibility

if TYPE_CHECKING:
    from .symbol_table import SymbolTable
    from .unit import Unit


def validate(unit: Unit, table: SymbolTable) -> None:
    """Reports every broken rule of the unit."""
    check_file(unit)
    # The declarations of descriptor.proto are read with its own classes, so they cannot be checked here.
    has_classes = unit.file.name != "google/protobuf/descriptor.proto"
    for message, node in unit.messages:
        check_message(unit, message, node)
        check_numbers(unit, message, node)
        check_json_names(unit, message, node)
        if node.extension_ranges and has_classes:
            check_declarations(unit, message, node)
    for field, node in unit.fields:
        check_field(unit, field, node)
        check_features(unit, field, node)
        if field.option_bytes:
            check_field_support(unit, field, node)
        if field.is_extension:
            check_extension(unit, table, field, node)
            check_declared(unit, field, node)
    for enum, node in unit.enums:
        check_enum(unit, enum, node)
    for value, node in unit.values:
        if value.option_bytes:
            check_value_support(unit, value, node)
    check_style(unit)
    check_visibility(unit)
