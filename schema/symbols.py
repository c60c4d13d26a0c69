"""Declares what a file says: descriptors without references, and the table of all full names.

Enum values are named as siblings of their enum (`pkg.VALUE`), as C++ has it: so says the language.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..wire.plan import Kind
from .ast import word_of
from .descriptor import (
    Descriptor,
    EnumDescriptor,
    EnumValueDescriptor,
    ExtensionRange,
    FieldDescriptor,
    Label,
    MessageDescriptor,
    MethodDescriptor,
    OneofDescriptor,
    ServiceDescriptor,
)
from .naming import json_name
from .symbol_table import UNRESOLVED, SymbolTable

if TYPE_CHECKING:
    from . import ast
    from .unit import Unit

MAX_NUMBER = 2**29 - 1  # of a field; `max` in a range of extensions or reserved numbers
MAX_MESSAGE_SET_NUMBER = 2**31 - 2
_LABELS = {"optional": Label.OPTIONAL, "required": Label.REQUIRED, "repeated": Label.REPEATED}


def declare(unit: Unit, table: SymbolTable) -> None:
    """Fills the unit's descriptor from its tree and enters every name."""
    _Declarer(unit, table).declare_file()


class _Declarer:
    def __init__(self, unit: Unit, table: SymbolTable) -> None:
        self.unit = unit
        self.file = unit.file
        self.table = table

    def declare_file(self) -> None:
        unit, file, tree = self.unit, self.file, self.unit.tree
        if tree.package:
            file.package = tree.package.text
            self.table.add_package(unit, tree.package)
        prefix = file.package + "." if file.package else ""
        for message in tree.messages:
            file.messages.append(self.message(message, prefix, None))
        for enum in tree.enums:
            file.enums.append(self.enum(enum, prefix, None))
        for service in tree.services:
            file.services.append(self.service(service, prefix))
        for extension in tree.extensions:
            file.extensions.append(self.field(extension, prefix, UNRESOLVED, None))

    def enter(self, descriptor: Descriptor, name: ast.Name) -> None:
        self.table.add(self.unit, descriptor, name)

    def message(self, node: ast.Message, prefix: str, outer: MessageDescriptor | None) -> MessageDescriptor:
        full_name = prefix + node.name.text
        message = MessageDescriptor(
            name=node.name.text,
            full_name=full_name,
            file=self.file,
            containing_type=outer,
            is_map_entry=node.is_map_entry,
            visibility=node.visibility.text if node.visibility else "",
        )
        self.enter(message, node.name)
        self.unit.messages.append((message, node))
        message.message_set = word_of(node.options, "message_set_wire_format") == "true"
        inner = full_name + "."
        for oneof in node.oneofs:
            message.oneofs.append(self.oneof(oneof, inner, message))
        by_node = dict(zip(map(id, node.oneofs), message.oneofs, strict=True))
        for child in node.fields:
            field = self.field(child, inner, message, message)
            message.fields.append(field)
            if child.oneof:
                field.containing_oneof = by_node[id(child.oneof)]
                field.containing_oneof.fields.append(field)
        for child in node.messages:
            message.messages.append(self.message(child, inner, message))
        for child in node.enums:
            message.enums.append(self.enum(child, inner, message))
        for child in node.extensions:
            message.extensions.append(self.field(child, inner, UNRESOLVED, message))
        last = MAX_MESSAGE_SET_NUMBER if message.message_set else MAX_NUMBER
        for item in node.extension_ranges:
            end = item.last.value if item.last else last
            message.extension_ranges.append(ExtensionRange(message, item.first.value, end + 1))
        for item in node.reserved_ranges:
            end = item.last.value if item.last else last
            message.reserved_ranges.append((item.first.value, end + 1))
        message.reserved_names += [name.text for name in node.reserved_names]
        self.add_synthetic_oneofs(message)
        return message

    def add_synthetic_oneofs(self, message: MessageDescriptor) -> None:
        """A proto3 `optional` field is the only member of a oneof that nobody wrote; they follow the real ones."""
        names: set[str] = set()
        for field in message.fields:
            if not field.proto3_optional:
                continue
            if not names:
                names.update(f.name for f in message.fields)
                names.update(o.name for o in message.oneofs)
            name = field.name if field.name.startswith("_") else "_" + field.name
            while name in names:
                name = "X" + name
            names.add(name)
            full_name = f"{message.full_name}.{name}"
            oneof = OneofDescriptor(
                name=name, full_name=full_name, containing_type=message, fields=[field], is_synthetic=True
            )
            field.containing_oneof = oneof
            message.oneofs.append(oneof)
            self.file.symbols.setdefault(full_name, oneof)
            self.table.names.setdefault(full_name, oneof)

    def field(
        self, node: ast.Field, prefix: str, containing: MessageDescriptor, scope: MessageDescriptor | None
    ) -> FieldDescriptor:
        name = node.name.text
        is_extension = node.extendee is not None
        field = FieldDescriptor(
            name=name,
            full_name=prefix + name,
            number=node.number.value,
            kind=Kind.MESSAGE,
            label=_LABELS[node.label.text] if node.label else Label.OPTIONAL,
            file=self.file,
            containing_type=containing,
            json_name=json_name(name),
            proto3_optional=self.file.syntax == "proto3"
            and node.label is not None
            and node.label.text == "optional",
            is_extension=is_extension,
            extension_scope=scope if is_extension else None,
        )
        self.enter(field, node.name)
        self.unit.fields.append((field, node))
        return field

    def oneof(self, node: ast.Oneof, prefix: str, message: MessageDescriptor) -> OneofDescriptor:
        oneof = OneofDescriptor(
            name=node.name.text, full_name=prefix + node.name.text, containing_type=message
        )
        self.enter(oneof, node.name)
        self.unit.oneofs.append((oneof, node))
        return oneof

    def enum(self, node: ast.Enum, prefix: str, outer: MessageDescriptor | None) -> EnumDescriptor:
        enum = EnumDescriptor(
            name=node.name.text,
            full_name=prefix + node.name.text,
            file=self.file,
            containing_type=outer,
            reserved_names=[name.text for name in node.reserved_names],
            visibility=node.visibility.text if node.visibility else "",
        )
        self.enter(enum, node.name)
        self.unit.enums.append((enum, node))
        for item in node.reserved_ranges:
            enum.reserved_ranges.append((item.first.value, item.last.value if item.last else 2**31 - 1))
        for child in node.values:
            name = child.name.text
            value = EnumValueDescriptor(
                name=name, full_name=prefix + name, number=child.number.value, enum=enum
            )
            self.enter(value, child.name)
            self.unit.values.append((value, child))
            enum.values.append(value)
        return enum

    def service(self, node: ast.Service, prefix: str) -> ServiceDescriptor:
        service = ServiceDescriptor(name=node.name.text, full_name=prefix + node.name.text, file=self.file)
        self.enter(service, node.name)
        self.unit.services.append((service, node))
        for child in node.methods:
            method = MethodDescriptor(
                name=child.name.text,
                full_name=f"{service.full_name}.{child.name.text}",
                service=service,
                input_type=UNRESOLVED,
                output_type=UNRESOLVED,
                client_streaming=child.client_streaming,
                server_streaming=child.server_streaming,
            )
            self.enter(method, child.name)
            self.unit.methods.append((method, child))
            service.methods.append(method)
        return service
