"""Descriptors → google.protobuf.FileDescriptorProto, as protoc writes it."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ..wire.plan import Kind
from .descriptor import FieldDescriptor, FileDescriptor, HasOptions, Label
from .language_features import merge_language_features
from .wkt.shared import well_known_class

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..wire.message import Message
    from .descriptor import EnumDescriptor, MessageDescriptor, MethodDescriptor, ServiceDescriptor

TYPE_NUMBERS = {kind: number for number, kind in enumerate(Kind, 1)}  # Kind has descriptor.proto's order
EDITIONS = {"2023": 1000, "2024": 1001}
VISIBILITIES = {"local": 1, "export": 2}


def file_descriptor_proto(file: FileDescriptor, *, source_info: bool = False) -> Message:
    """The FileDescriptorProto of `file`: an instance of `schema.wkt.FileDescriptorProto`.

    With `source_info`, it has the places and comments, if the file was compiled with them.
    """
    proto = _new(
        "FileDescriptorProto",
        name=file.name,
        package=file.package or None,
        dependency=[dependency.name for dependency in file.dependencies],
        public_dependency=list(file.public_dependency),
        weak_dependency=list(file.weak_dependency),
        option_dependency=list(file.option_dependency),
        message_type=[_message(message) for message in file.messages],
        enum_type=[_enum(enum) for enum in file.enums],
        service=[_service(service) for service in file.services],
        extension=[_field(extension) for extension in file.extensions],
        options=_options(file),
    )
    if file.syntax != "proto2":
        proto.syntax = file.syntax
    if file.edition:
        proto.edition = EDITIONS[file.edition]
    if source_info and file.source_info is not None:
        built: Any = well_known_class("google.protobuf.SourceCodeInfo")
        proto.source_code_info = built.decode(file.source_info)
    return proto


def _new(type_name: str, /, **fields: Any) -> Any:
    built = well_known_class(f"google.protobuf.{type_name}")
    assert built is not None
    return built(**fields)


def _options(descriptor: HasOptions) -> Any:
    """The options with what this process's descriptor.proto knows; custom options are unknown fields in them."""
    if descriptor.option_bytes is None:
        return None
    built: Any = well_known_class(f"google.protobuf.{descriptor.OPTIONS}")
    options = built.decode(descriptor.option_bytes)
    features: Any = options.features
    if features is not None and features.unknown_fields:
        options.features = features.decode(merge_language_features(features.encode()))
    return options


def _message(message: MessageDescriptor) -> Any:
    oneofs = {id(oneof): index for index, oneof in enumerate(message.oneofs)}
    nested = "DescriptorProto"
    return _new(
        "DescriptorProto",
        name=message.name,
        field=[_field(field, oneofs) for field in message.fields],
        extension=[_field(extension) for extension in message.extensions],
        nested_type=[_message(inner) for inner in message.messages],
        enum_type=[_enum(enum) for enum in message.enums],
        extension_range=[
            _nested(nested, "ExtensionRange", start=r.start, end=r.end, options=_options(r))
            for r in message.extension_ranges
        ],
        oneof_decl=[
            _new("OneofDescriptorProto", name=oneof.name, options=_options(oneof)) for oneof in message.oneofs
        ],
        reserved_range=[
            _nested(nested, "ReservedRange", start=start, end=end) for start, end in message.reserved_ranges
        ],
        reserved_name=list(message.reserved_names),
        visibility=VISIBILITIES.get(message.visibility),
        options=_options(message),
    )


def _nested(outer: str, inner: str, /, **fields: Any) -> Any:
    return getattr(well_known_class(f"google.protobuf.{outer}"), inner)(**fields)


def _field(field: FieldDescriptor, oneofs: Mapping[int, int] = MappingProxyType({})) -> Any:
    """`oneofs` are the numbers of its message's oneofs, by their ids."""
    editions = field.file.syntax == "editions"
    kind, label = field.kind, field.label
    if editions:
        # There, features say what keywords said before.
        kind = Kind.MESSAGE if kind is Kind.GROUP else kind
        label = Label.OPTIONAL if label is Label.REQUIRED else label
    named = field.message_type or field.enum_type
    oneof = field.containing_oneof
    return _new(
        "FieldDescriptorProto",
        name=field.name,
        number=field.number,
        label=label.value,
        type=TYPE_NUMBERS[kind],
        type_name="." + named.full_name if named else None,
        extendee="." + field.containing_type.full_name if field.is_extension else None,
        default_value=field.default_text,
        oneof_index=oneofs[id(oneof)] if oneof else None,
        json_name=field.json_name,
        proto3_optional=True if field.proto3_optional else None,
        options=_options(field),
    )


def _enum(enum: EnumDescriptor) -> Any:
    return _new(
        "EnumDescriptorProto",
        name=enum.name,
        value=[
            _new("EnumValueDescriptorProto", name=value.name, number=value.number, options=_options(value))
            for value in enum.values
        ],
        reserved_range=[
            _nested("EnumDescriptorProto", "EnumReservedRange", start=start, end=end)
            for start, end in enum.reserved_ranges
        ],
        reserved_name=list(enum.reserved_names),
        visibility=VISIBILITIES.get(enum.visibility),
        options=_options(enum),
    )


def _service(service: ServiceDescriptor) -> Any:
    return _new(
        "ServiceDescriptorProto",
        name=service.name,
        method=[_method(method) for method in service.methods],
        options=_options(service),
    )


def _method(method: MethodDescriptor) -> Any:
    return _new(
        "MethodDescriptorProto",
        name=method.name,
        input_type="." + method.input_type.full_name,
        output_type="." + method.output_type.full_name,
        client_streaming=True if method.client_streaming else None,
        server_streaming=True if method.server_streaming else None,
        options=_options(method),
    )
