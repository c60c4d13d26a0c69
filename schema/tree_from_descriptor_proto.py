"""FileDescriptorProto → the syntax tree of a file that says the same.

Options stay encoded, except those that later passes read from the tree: features and a few others that decide what
an element is.
"""

from __future__ import annotations

import re
from typing import Any

from ..wire.plan import Kind
from . import ast
from .descriptor import FieldDescriptor
from .errors import SchemaError
from .features import WORDS
from .literal import LiteralError, string_value
from .naming import json_name
from .to_descriptor_proto import EDITIONS, TYPE_NUMBERS, VISIBILITIES

_KINDS = {number: kind for kind, number in TYPE_NUMBERS.items()}
_EDITION_NAMES = {number: name for name, number in EDITIONS.items()}
_VISIBILITY_NAMES = {number: name for name, number in VISIBILITIES.items()}
_LABELS = {1: "optional", 2: "required", 3: "repeated"}

# Options that the passes ask the tree for.
_FLAGS = (
    "packed",
    "lazy",
    "message_set_wire_format",
    "allow_alias",
    "deprecated_legacy_json_field_conflicts",
)
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class TreeBuilder:
    """`tree` is the syntax tree of `proto` (a FileDescriptorProto message); `options` holds encoded options by node."""

    def __init__(self, proto: Any) -> None:
        self.file_name = proto.name or ""
        self.options: dict[object, bytes] = {}
        self.tree = ast.File(syntax=proto.syntax or "proto2")
        self._set_syntax(proto)
        self.package = proto.package or ""
        if self.package:
            if not all(map(_IDENTIFIER.fullmatch, self.package.split("."))):
                raise SchemaError(f"{proto.name}: {self.package!r} is no name for a package")
            self.tree.package = _name(self.package)
        self.tree.imports = [ast.Import(path=_name(name)) for name in proto.dependency]
        self.tree.options = self._take_options(self.tree, proto.options)
        self._add_members(self.tree, proto.message_type, proto.enum_type, proto.extension, self.package)
        self.tree.services = [self._service(service) for service in proto.service]

    def _declared(self, name: str | None) -> ast.Name:
        """The name of something that is declared: text can only hold identifiers, so bytes may hold nothing else."""
        if not name or not _IDENTIFIER.fullmatch(name):
            raise SchemaError(f"{self.file_name}: {name or ''!r} is no identifier")
        return _name(name)

    def _set_syntax(self, proto: Any) -> None:
        if self.tree.syntax not in ("proto2", "proto3", "editions"):
            raise SchemaError(f"{proto.name}: unknown syntax {proto.syntax!r}")
        if self.tree.syntax == "editions":
            number = int(proto.edition or 0)
            if number not in _EDITION_NAMES:
                raise SchemaError(f"{proto.name}: unknown edition {number}")
            self.tree.edition = _EDITION_NAMES[number]

    def _take_options(self, node: object, options: Any) -> list[ast.Option]:
        """Keeps encoded options for `node`; returns the ones that belong into the tree."""
        if options is None:
            return []
        self.options[node] = options.encode()
        found: list[ast.Option] = []
        fields: list[FieldDescriptor] = options.__descriptor__.fields
        for field in fields:
            value = getattr(options, field.name, None)
            if field.name == "features" and value is not None:
                for feature, words in WORDS.items():
                    number = getattr(value, feature, None)
                    word = getattr(number, "name", None)
                    if word in words:
                        found.append(_option(["features", feature], str(word)))
            elif field.name in _FLAGS and value is not None:
                found.append(_option([field.name], "true" if value else "false"))
            elif field.name in ("jstype", "optimize_for") and value is not None:
                found.append(_option([field.name], value.name))
        return found

    def _add_members(
        self, node: ast.File | ast.Message, messages: Any, enums: Any, extensions: Any, scope: str
    ) -> None:
        for message in messages:
            node.messages.append(
                self._message(message, f"{scope}.{message.name}" if scope else message.name or "")
            )
        node.enums = [self._enum(enum) for enum in enums]
        node.extensions = [self._field(extension, {}) for extension in extensions]

    def _message(self, proto: Any, full_name: str) -> ast.Message:
        node = ast.Message(name=self._declared(proto.name), visibility=_visibility(proto))
        node.is_map_entry = bool(proto.options is not None and proto.options.map_entry)
        node.options = self._take_options(node, proto.options)
        self._add_members(node, proto.nested_type, proto.enum_type, proto.extension, full_name)
        maps = {f".{full_name}.{m.name.text}": m for m in node.messages if m.is_map_entry}
        # Synthetic oneofs are made anew.
        synthetic = {f.oneof_index for f in proto.field if f.proto3_optional}
        oneofs: dict[int, ast.Oneof] = {}
        for index, oneof in enumerate(proto.oneof_decl):
            if index not in synthetic:
                oneofs[index] = ast.Oneof(name=self._declared(oneof.name))
                oneofs[index].options = self._take_options(oneofs[index], oneof.options)
        node.oneofs = list(oneofs.values())
        for child in proto.field:
            field = self._field(child, maps)
            node.fields.append(field)
            field.oneof = oneofs.get(child.oneof_index) if child.oneof_index is not None else None
            if field.oneof:
                field.oneof.fields.append(field)
        if node.is_map_entry and not _is_entry(node):
            raise SchemaError(
                f"{self.file_name}: {full_name} is no map entry: that has a key = 1 and a value = 2"
            )
        for item in proto.extension_range:
            extension_range = _range(item.start, (item.end or 0) - 1)
            self._take_options(extension_range, item.options)
            node.extension_ranges.append(extension_range)
        node.reserved_ranges = [_range(item.start, (item.end or 0) - 1) for item in proto.reserved_range]
        node.reserved_names = [_name(name) for name in proto.reserved_name]
        return node

    def _field(self, proto: Any, maps: dict[str, ast.Message]) -> ast.Field:
        kind = _KINDS.get(int(proto.type or 0))
        # A type name is absolute or looked up as in a source file.
        type_name = proto.type_name or (kind.value if kind else "")
        label = _LABELS.get(int(proto.label or 1), "optional")
        if label == "optional" and not (proto.proto3_optional or self.tree.syntax == "proto2"):
            label = ""
        node = ast.Field(
            name=self._declared(proto.name),
            type=_name(type_name),
            number=_int(proto.number),
            label=_name(label) if label else None,
            extendee=_name(proto.extendee) if proto.extendee else None,
            is_map=type_name in maps,
        )
        if kind is Kind.GROUP:
            node.group = ast.Message(name=_name(type_name), is_group=True)
        node.options = self._take_options(node, proto.options)
        if proto.json_name is not None and proto.json_name != json_name(proto.name or ""):
            node.json_name = _option(["json_name"], proto.json_name.encode("utf-8", "surrogateescape"))
        if proto.default_value is not None:
            node.default = _option(["default"], _default(kind, proto.default_value))
        return node

    def _enum(self, proto: Any) -> ast.Enum:
        node = ast.Enum(name=self._declared(proto.name), visibility=_visibility(proto))
        node.options = self._take_options(node, proto.options)
        for child in proto.value:
            value = ast.EnumValue(name=self._declared(child.name), number=_int(child.number))
            value.options = self._take_options(value, child.options)
            node.values.append(value)
        node.reserved_ranges = [_range(item.start, item.end) for item in proto.reserved_range]
        node.reserved_names = [_name(name) for name in proto.reserved_name]
        return node

    def _service(self, proto: Any) -> ast.Service:
        node = ast.Service(name=self._declared(proto.name))
        node.options = self._take_options(node, proto.options)
        for child in proto.method:
            method = ast.Method(
                name=self._declared(child.name),
                input_type=_name(child.input_type),
                output_type=_name(child.output_type),
                client_streaming=bool(child.client_streaming),
                server_streaming=bool(child.server_streaming),
            )
            method.options = self._take_options(method, child.options)
            node.methods.append(method)
        return node


def _is_entry(message: ast.Message) -> bool:
    """Whether the fields are those that a map field in a text would bring along."""
    words = {field.label.text for field in message.fields if field.label}
    return [field.number.value for field in message.fields] == [1, 2] and words <= {"optional"}


def _name(text: str | None) -> ast.Name:
    return ast.Name(text or "", 0, 0)


def _int(value: int | None) -> ast.Int:
    return ast.Int(value or 0, 0, 0)


def _range(first: int | None, last: int | None) -> ast.Range:
    return ast.Range(first=_int(first), last=_int(last), options=[], start=0, end=0)


def _option(parts: list[str], value: str | bytes | int | float) -> ast.Option:
    return ast.Option([ast.OptionPart(_name(part), False) for part in parts], ast.Scalar(value, 0, 0))


def _visibility(proto: Any) -> ast.Name | None:
    word = _VISIBILITY_NAMES.get(int(proto.visibility or 0))
    return _name(word) if word else None


def _default(kind: Kind | None, text: str) -> bytes | int | float | str:
    """The literal whose `default_value` is `text`."""
    match kind:
        case Kind.STRING:
            return text.encode("utf-8", "surrogateescape")
        case Kind.BYTES:
            try:
                return string_value(f'"{text}"')
            except LiteralError:
                return text  # refused by the pass that sets defaults
        case Kind.BOOL | Kind.ENUM | None:
            return text
        case Kind.FLOAT | Kind.DOUBLE:
            if text.lstrip("-") in ("inf", "nan"):
                return text
        case _:
            if text.lstrip("-").isdecimal() and len(text) < 32:
                return int(text)
    try:
        return float(text)
    except ValueError:
        return text
