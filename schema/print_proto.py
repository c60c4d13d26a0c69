"""Descriptors → `.proto` text: one declaration, with all that stands inside it.

The layout is that of protoreflect's printer, which grpcurl's `describe` uses: types with a leading dot, elements in a
fixed order (fields by number, other things by name) whatever the order in the source. Comments are not kept in
descriptors, so there are none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import groupby

from ..wire.plan import Kind
from .descriptor import (
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
from .print_options import Option, long_form, quoted, short_form
from .registry import Symbol

_STEP = "  "
_MAX_FIELD = 2**29  # ranges of messages have an exclusive end
_MAX_ENUM = 2**31 - 1


def print_symbol(symbol: Symbol) -> str:
    """The declaration of a symbol, without a line break at the end. An extension comes inside its `extend`."""
    return "\n".join(_PRINTERS[type(symbol)](symbol, ""))


def _service(service: ServiceDescriptor, indent: str) -> list[str]:
    lines = [f"{indent}service {service.name} {{", *long_form(service, indent + _STEP)]
    for method in sorted(service.methods, key=lambda method: method.name):
        lines += _method(method, indent + _STEP)
    return [*lines, indent + "}"]


def _method(method: MethodDescriptor, indent: str) -> list[str]:
    request = ("stream " if method.client_streaming else "") + "." + method.input_type.full_name
    response = ("stream " if method.server_streaming else "") + "." + method.output_type.full_name
    head = f"{indent}rpc {method.name} ( {request} ) returns ( {response} )"
    options = long_form(method, indent + _STEP)
    return [f"{head} {{", *options, indent + "}"] if options else [f"{head};"]


def _message(message: MessageDescriptor, indent: str) -> list[str]:
    return [f"{indent}message {message.name} {{", *_body(message, indent + _STEP), indent + "}"]


def _body(message: MessageDescriptor, indent: str) -> list[str]:
    lines = long_form(message, indent)
    members: list[tuple[int, FieldDescriptor | OneofDescriptor]] = [
        (field.number, field) for field in message.fields if _oneof_of(field) is None
    ]
    members += [
        (min(field.number for field in oneof.fields), oneof)
        for oneof in message.oneofs
        if not oneof.is_synthetic
    ]
    for _, member in sorted(members, key=lambda pair: pair[0]):
        lines += _oneof(member, indent) if isinstance(member, OneofDescriptor) else _field(member, indent)
    groups = {field.message_type for field in [*message.fields, *message.extensions] if _is_group(field)}
    for nested in sorted(message.messages, key=lambda nested: nested.name):
        if not nested.is_map_entry and nested not in groups:
            lines += _message(nested, indent)
    for enum in sorted(message.enums, key=lambda enum: enum.name):
        lines += _enum(enum, indent)
    lines += _extension_ranges(message.extension_ranges, indent)
    lines += _extensions(message.extensions, indent)
    ranges = [(start, end - 1) for start, end in message.reserved_ranges]
    return lines + _reserved(ranges, _MAX_FIELD - 1, message.reserved_names, message.file.syntax, indent)


def _oneof_of(field: FieldDescriptor) -> OneofDescriptor | None:
    oneof = field.containing_oneof
    return None if oneof is None or oneof.is_synthetic else oneof


def _oneof(oneof: OneofDescriptor, indent: str) -> list[str]:
    lines = [f"{indent}oneof {oneof.name} {{", *long_form(oneof, indent + _STEP)]
    for field in sorted(oneof.fields, key=lambda field: field.number):
        lines += _field(field, indent + _STEP)
    return [*lines, indent + "}"]


def _is_group(field: FieldDescriptor) -> bool:
    return field.kind is Kind.GROUP and field.file.syntax == "proto2"


def _field(field: FieldDescriptor, indent: str) -> list[str]:
    options = short_form(field, indent, _not_quite_options(field))
    label = _label(field)
    if _is_group(field):
        assert field.message_type is not None
        head = f"{indent}{label}group {field.message_type.name} = {field.number}{options} {{"
        return [head, *_body(field.message_type, indent + _STEP), indent + "}"]
    return [f"{indent}{label}{_type(field)} {field.name} = {field.number}{options};"]


def _label(field: FieldDescriptor) -> str:
    if field.label is Label.REPEATED:
        return "" if field.is_map else "repeated "
    if _oneof_of(field) is not None:
        return ""
    if field.file.syntax == "proto2":
        return "required " if field.label is Label.REQUIRED else "optional "
    return "optional " if field.proto3_optional else ""


def _type(field: FieldDescriptor) -> str:
    if field.is_map:
        assert field.message_type is not None
        key, value = field.message_type.fields
        return f"map<{_type(key)}, {_type(value)}>"
    declared = field.message_type or field.enum_type
    return "." + declared.full_name if declared is not None else field.kind.value


def _not_quite_options(field: FieldDescriptor) -> list[Option]:
    """Default and JSON name, where they were chosen."""
    extra: list[Option] = []
    if field.default_text is not None:
        text = field.default_text
        if field.kind is Kind.STRING:
            text = quoted(text)
        elif field.kind is Kind.BYTES:
            text = f'"{text}"'  # escaped already
        extra.append(("default", text))
    if not field.is_extension and field.json_name != json_name(field.name):
        extra.append(("json_name", quoted(field.json_name)))
    return extra


def _enum(enum: EnumDescriptor, indent: str) -> list[str]:
    inner = indent + _STEP
    lines = [f"{indent}enum {enum.name} {{", *long_form(enum, inner)]
    # An open enum has to begin with zero.
    for value in sorted(enum.values, key=lambda v: (not enum.is_closed and v.number != 0, v.number, v.name)):
        lines += _enum_value(value, inner)
    lines += _reserved(enum.reserved_ranges, _MAX_ENUM, enum.reserved_names, enum.file.syntax, inner)
    return [*lines, indent + "}"]


def _enum_value(value: EnumValueDescriptor, indent: str) -> list[str]:
    return [f"{indent}{value.name} = {value.number}{short_form(value, indent)};"]


def _extensions(extensions: Iterable[FieldDescriptor], indent: str) -> list[str]:
    lines: list[str] = []
    by_extendee: Callable[[FieldDescriptor], str] = lambda field: field.containing_type.full_name  # noqa: E731
    for extendee, fields in groupby(sorted(extensions, key=by_extendee), by_extendee):
        lines.append(f"{indent}extend .{extendee} {{")
        for field in sorted(fields, key=lambda field: field.number):
            lines += _field(field, indent + _STEP)
        lines.append(indent + "}")
    return lines


def _extension_ranges(ranges: Iterable[ExtensionRange], indent: str) -> list[str]:
    lines: list[str] = []
    in_order = sorted(ranges, key=lambda one: one.start)
    for _, group in groupby(in_order, lambda one: one.option_bytes):  # declared together, or might have been
        together = list(group)
        text = _ranges([(one.start, one.end - 1) for one in together], _MAX_FIELD - 1)
        lines.append(f"{indent}extensions {text}{short_form(together[0], indent)};")
    return lines


def _reserved(
    ranges: Iterable[tuple[int, int]], maximum: int, names: Iterable[str], syntax: str, indent: str
) -> list[str]:
    lines: list[str] = []
    if text := _ranges(sorted(ranges), maximum):
        lines.append(f"{indent}reserved {text};")
    written = sorted(names) if syntax == "editions" else [quoted(name) for name in sorted(names)]
    if written:
        lines.append(f"{indent}reserved {', '.join(written)};")
    return lines


def _ranges(ranges: Iterable[tuple[int, int]], maximum: int) -> str:
    """Ranges with inclusive ends."""
    return ", ".join(
        str(start) if start == end else f"{start} to {'max' if end == maximum else end}"
        for start, end in ranges
    )


def _field_or_extension(field: FieldDescriptor, indent: str) -> list[str]:
    return _extensions([field], indent) if field.is_extension else _field(field, indent)


_PRINTERS: dict[type[Symbol], Callable[..., list[str]]] = {
    ServiceDescriptor: _service,
    MethodDescriptor: _method,
    MessageDescriptor: _message,
    FieldDescriptor: _field_or_extension,
    OneofDescriptor: _oneof,
    EnumDescriptor: _enum,
    EnumValueDescriptor: _enum_value,
}
