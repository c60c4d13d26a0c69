"""Extension ranges with declarations: who may take which extension number.

Spec: https://protobuf.dev/programming-guides/extension_declarations.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .descriptor import Label

if TYPE_CHECKING:
    from . import ast
    from .descriptor import ExtensionRange, FieldDescriptor, MessageDescriptor
    from .unit import Unit

_DECLARATION = 0  # ExtensionRangeOptions.VerificationState


def check_declarations(unit: Unit, message: MessageDescriptor, node: ast.Message) -> None:
    """Checks the declarations themselves."""
    taken: set[int] = set()
    names: set[str] = set()
    for extension_range, item in zip(message.extension_ranges, node.extension_ranges, strict=True):
        options = _options(extension_range)
        if options is None or not item.options:
            continue
        where = item.options[0]
        if options.declaration and options.verification is not None and options.verification != _DECLARATION:
            unit.error(where, "a range with declarations cannot be UNVERIFIED")
        for declaration in options.declaration:
            number = declaration.number or 0
            text = f"the declaration of extension {number}"
            if not extension_range.start <= number < extension_range.end:
                span = f"{extension_range.start} to {extension_range.end - 1}"
                unit.error(where, f"{text} is outside of its range, {span}", "split the range")
            elif number in taken:
                unit.error(where, f"extension {number} is declared twice")
            taken.add(number)
            name, type_name = declaration.full_name, declaration.type
            if (not declaration.reserved and not (name and type_name)) or bool(name) != bool(type_name):
                unit.error(where, f"{text} needs both full_name and type")
            for value in (name, type_name):
                if value and value == name and not value.startswith("."):
                    unit.error(where, f"{text}: '{value}' has to start with a dot")
            if name and name in names:
                unit.error(where, f"extension {name} is declared twice")
            names.add(name or "")


def check_declared(unit: Unit, field: FieldDescriptor, node: ast.Field) -> None:
    """Holds an extension against the declarations of the range that it uses."""
    extended = field.containing_type
    ranges = (item for item in extended.extension_ranges if item.start <= field.number < item.end)
    options = _options(next(ranges, None))
    if options is None:
        return
    for declaration in options.declaration:
        if declaration.number == field.number:
            _compare(unit, field, node, declaration)
            return
    if options.declaration or options.verification == _DECLARATION:
        unit.error(node.number, f"{extended.full_name} has no declaration of an extension {field.number}")


def _compare(unit: Unit, field: FieldDescriptor, node: ast.Field, declaration: Any) -> None:
    extended = field.containing_type.full_name
    if declaration.reserved:
        unit.error(node.number, f"{extended} declares extension number {field.number} as reserved")
        return
    named = field.message_type or field.enum_type
    type_name = f".{named.full_name}" if named else field.kind.value
    if declaration.full_name != f".{field.full_name}":
        unit.error(node.name, f"{extended} declares extension {field.number} as {declaration.full_name}")
    if declaration.type != type_name:
        unit.error(node.type, f"{extended} declares extension {field.number} with type {declaration.type}")
    if bool(declaration.repeated) != (field.label is Label.REPEATED):
        word = "repeated" if declaration.repeated else "not repeated"
        unit.error(node.name, f"{extended} declares extension {field.number} as {word}")


def _options(extension_range: ExtensionRange | None) -> Any:
    """The decoded options, or None without any. descriptor.proto's own are taken for granted while it is compiled."""
    if extension_range is None or extension_range.option_bytes is None:
        return None
    return extension_range.options
