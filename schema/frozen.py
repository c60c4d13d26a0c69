"""A compiled file as JSON: plain rows of strings and numbers; and back.

References to other files' messages and enums are the file's name and the full name. Thawing compiles nothing, hence its
speed; it trusts nothing either: what does not fit, a text of another format too, raises one of FAULTS.

The cache of schemas keeps such texts; generated modules and the well-known files bring theirs along.
"""

from __future__ import annotations

import json
from operator import attrgetter
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

from ..wire.plan import Kind
from .descriptor import (
    Descriptor,
    EnumDescriptor,
    EnumValueDescriptor,
    ExtensionRange,
    Features,
    FieldDescriptor,
    FileDescriptor,
    Label,
    MessageDescriptor,
    MethodDescriptor,
    OneofDescriptor,
    ServiceDescriptor,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

Row = list[Any]
D = TypeVar("D", MessageDescriptor, EnumDescriptor)
FORMAT = 2  # to be raised when the rows change
FAULTS = (KeyError, IndexError, TypeError, ValueError, AttributeError)


def freeze(file: FileDescriptor) -> bytes:
    """The text that stands for `file`; there is no line break in it."""
    return json.dumps(_Freezer().file(file), separators=(",", ":")).encode()


def thaw(text: bytes, files: Mapping[str, FileDescriptor]) -> FileDescriptor:
    """The file that `text` stands for; `files` holds, by name, what it imports, directly or not. Raises FAULTS."""
    return _Thawer(files).file(json.loads(text))


def _text(data: bytes | None) -> str | None:
    return None if data is None else data.decode("latin-1")


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else text.encode("latin-1")


def _default(value: Any) -> Any:
    # Bytes are text in a list, to be told from text.
    return value[0].encode("latin-1") if isinstance(value, list) else value  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]


_FEATURES = attrgetter(*Features.__match_args__)


class _Freezer:
    def __init__(self) -> None:
        self.features: dict[Features, int] = {}

    def file(self, file: FileDescriptor) -> Row:
        content = [
            [self.message(message) for message in file.messages],
            [self.enum(enum) for enum in file.enums],
            [self.service(service) for service in file.services],
            [self.field(extension) for extension in file.extensions],
        ]
        head = [
            file.name, file.package, file.syntax, file.edition, [d.name for d in file.dependencies],
            file.option_dependency, file.public_dependency, file.weak_dependency,
            self.common(file),
        ]  # fmt: skip
        return [FORMAT, head, content, [_FEATURES(features) for features in self.features]]

    def common(self, descriptor: Any) -> Row:
        """What every descriptor has: its features, and its options."""
        number = self.features.setdefault(descriptor.features, len(self.features))
        return [number, _text(descriptor.option_bytes)]

    def message(self, message: MessageDescriptor) -> Row:
        oneofs = {id(oneof): index for index, oneof in enumerate(message.oneofs)}
        return [
            message.name, message.is_map_entry, message.message_set, message.visibility, self.common(message),
            [[oneof.name, oneof.is_synthetic, self.common(oneof)] for oneof in message.oneofs],
            [self.field(field, oneofs) for field in message.fields],
            [self.message(inner) for inner in message.messages],
            [self.enum(enum) for enum in message.enums],
            [self.field(extension) for extension in message.extensions],
            [[item.start, item.end, _text(item.option_bytes)] for item in message.extension_ranges],
            message.reserved_ranges, message.reserved_names,
        ]  # fmt: skip

    def field(self, field: FieldDescriptor, oneofs: Mapping[int, int] = MappingProxyType({})) -> Row:
        oneof, default = field.containing_oneof, field.default
        return [
            field.name, field.number, field.kind.value, field.label.value, field.json_name,
            _reference(field.message_type or field.enum_type),
            None if oneof is None else oneofs[id(oneof)],
            field.proto3_optional, field.has_json_name,
            [_text(default)] if isinstance(default, bytes) else default, field.default_text,
            field.has_presence, field.packed, self.common(field),
            _reference(field.containing_type) if field.is_extension else None,
        ]  # fmt: skip

    def enum(self, enum: EnumDescriptor) -> Row:
        values = [[value.name, value.number, self.common(value)] for value in enum.values]
        reserved = [enum.reserved_ranges, enum.reserved_names]
        return [enum.name, enum.is_closed, enum.visibility, self.common(enum), values, *reserved]

    def service(self, service: ServiceDescriptor) -> Row:
        methods = [
            [
                method.name, _reference(method.input_type), _reference(method.output_type),
                method.client_streaming, method.server_streaming, self.common(method),
            ]
            for method in service.methods
        ]  # fmt: skip
        return [service.name, self.common(service), methods]


def _reference(symbol: MessageDescriptor | EnumDescriptor | None) -> Row | None:
    return None if symbol is None else [symbol.file.name, symbol.full_name]


class _Thawer:
    def __init__(self, files: Mapping[str, FileDescriptor]) -> None:
        self.files = files
        self.features: list[Features] = []
        # Types are looked up when all names of the file are known.
        self.fields: list[tuple[FieldDescriptor, Row | None, Row | None]] = []
        self.methods: list[tuple[MethodDescriptor, Row, Row]] = []

    def file(self, row: Row) -> FileDescriptor:
        if row[0] != FORMAT:
            raise ValueError(f"format {row[0]} instead of {FORMAT}")
        _, head, (messages, enums, services, extensions), features = row
        name, package, syntax, edition, dependencies, option_dep, public, weak, common = head
        self.features = [Features(*words) for words in features]
        self.current = FileDescriptor(
            name=name,
            package=package,
            syntax=syntax,
            edition=edition,
            dependencies=[self.files[dependency] for dependency in dependencies],
            option_dependency=option_dep,
            public_dependency=public,
            weak_dependency=weak,
        )
        self.common(self.current, common)
        prefix = package + "." if package else ""
        self.current.messages += [self.message(message, prefix, None) for message in messages]
        self.current.enums += [self.enum(enum, prefix, None) for enum in enums]
        self.current.services += [self.service(service, prefix) for service in services]
        self.current.extensions += [self.extension(extension, prefix, None) for extension in extensions]
        self.link()
        return self.current

    def common(self, descriptor: Any, row: Row) -> None:
        descriptor.features = self.features[row[0]]
        descriptor.option_bytes = _bytes(row[1])

    def enter(self, symbol: Descriptor) -> None:
        self.current.symbols.setdefault(symbol.full_name, symbol)

    def message(self, row: Row, prefix: str, outer: MessageDescriptor | None) -> MessageDescriptor:
        name, entry, message_set, visibility, common, oneofs, fields, messages, enums, extensions, *rest = row
        ranges, reserved_ranges, reserved_names = rest
        message = MessageDescriptor(
            name=name,
            full_name=prefix + name,
            file=self.current,
            containing_type=outer,
            is_map_entry=entry,
            message_set=message_set,
            visibility=visibility,
            reserved_ranges=[(start, end) for start, end in reserved_ranges],
            reserved_names=reserved_names,
        )
        self.common(message, common)
        self.enter(message)
        inner = message.full_name + "."
        for oneof_name, synthetic, oneof_common in oneofs:
            oneof = OneofDescriptor(
                name=oneof_name,
                full_name=inner + oneof_name,
                containing_type=message,
                is_synthetic=synthetic,
            )
            self.common(oneof, oneof_common)
            message.oneofs.append(oneof)
            self.enter(oneof)
        message.fields += [self.field(field, inner, message) for field in fields]
        message.messages += [self.message(child, inner, message) for child in messages]
        message.enums += [self.enum(enum, inner, message) for enum in enums]
        message.extensions += [self.extension(extension, inner, message) for extension in extensions]
        message.extension_ranges += [
            ExtensionRange(message, start, end, _bytes(o)) for start, end, o in ranges
        ]
        return message

    def field(self, row: Row, prefix: str, containing: MessageDescriptor) -> FieldDescriptor:
        (
            name, number, kind, label, json_name, type_row, oneof_index, proto3_optional, has_json_name,
            default, default_text, has_presence, packed, common, extendee,
        ) = row  # fmt: skip
        field = FieldDescriptor(
            name=name,
            full_name=prefix + name,
            number=number,
            kind=Kind(kind),
            label=Label(label),
            file=self.current,
            containing_type=containing,
            json_name=json_name,
            proto3_optional=proto3_optional,
            has_json_name=has_json_name,
            default=_default(default),
            default_text=default_text,
            has_presence=has_presence,
            packed=packed,
        )
        self.common(field, common)
        self.enter(field)
        if oneof_index is not None:
            index: int = oneof_index
            oneof = containing.oneofs[index]
            field.containing_oneof = oneof
            oneof.fields.append(field)
        if type_row is not None or extendee is not None:
            self.fields.append((field, type_row, extendee))
        return field

    def extension(self, row: Row, prefix: str, scope: MessageDescriptor | None) -> FieldDescriptor:
        # Its message is set by link().
        field = self.field(row, prefix, scope or _NOTHING)
        field.is_extension, field.extension_scope = True, scope
        return field

    def enum(self, row: Row, prefix: str, outer: MessageDescriptor | None) -> EnumDescriptor:
        name, is_closed, visibility, common, values, reserved_ranges, reserved_names = row
        enum = EnumDescriptor(
            name=name,
            full_name=prefix + name,
            file=self.current,
            containing_type=outer,
            is_closed=is_closed,
            visibility=visibility,
            reserved_ranges=[(first, last) for first, last in reserved_ranges],
            reserved_names=reserved_names,
        )
        self.common(enum, common)
        self.enter(enum)
        for value_name, number, value_common in values:
            value = EnumValueDescriptor(
                name=value_name, full_name=prefix + value_name, number=number, enum=enum
            )
            self.common(value, value_common)
            self.enter(value)
            enum.values.append(value)
        return enum

    def service(self, row: Row, prefix: str) -> ServiceDescriptor:
        name, common, methods = row
        service = ServiceDescriptor(name=name, full_name=prefix + name, file=self.current)
        self.common(service, common)
        self.enter(service)
        for method_name, request, response, client_streaming, server_streaming, method_common in methods:
            method = MethodDescriptor(
                name=method_name,
                full_name=f"{service.full_name}.{method_name}",
                service=service,
                input_type=_NOTHING,
                output_type=_NOTHING,
                client_streaming=client_streaming,
                server_streaming=server_streaming,
            )
            self.common(method, method_common)
            self.enter(method)
            self.methods.append((method, request, response))
            service.methods.append(method)
        return service

    def link(self) -> None:
        for field, type_row, extendee in self.fields:
            if extendee is not None:
                field.containing_type = _of(MessageDescriptor, self.symbol_at(extendee))
            if type_row is not None:
                symbol = self.symbol_at(type_row)
                if field.kind is Kind.ENUM:
                    field.enum_type = _of(EnumDescriptor, symbol)
                else:
                    field.message_type = _of(MessageDescriptor, symbol)
        for method, request, response in self.methods:
            method.input_type = _of(MessageDescriptor, self.symbol_at(request))
            method.output_type = _of(MessageDescriptor, self.symbol_at(response))

    def symbol_at(self, row: Row) -> Descriptor:
        name, full_name = row
        file = self.current if name == self.current.name else self.files[name]
        return file.symbols[full_name]


def _of(wanted: type[D], symbol: Descriptor) -> D:
    if not isinstance(symbol, wanted):
        raise TypeError(symbol.full_name)
    return symbol


_NOTHING = MessageDescriptor(name="?", full_name="?", file=FileDescriptor(name="?"))
