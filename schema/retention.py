"""Options that are kept in the source only (retention = RETENTION_SOURCE): what protoc leaves out of a descriptor set.

Spec: https://protobuf.dev/programming-guides/proto2 (or proto3, editions), "Option Retention".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..wire.naming import attribute_name
from ..wire.plan import Kind
from .build import Builder
from .descriptor import FieldDescriptor, Label
from .raw_fields import raw_fields
from .wkt.shared import shared_builder, well_known_class

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ..wire.message import Message
    from .descriptor import FileDescriptor, MessageDescriptor

Path = tuple[int, ...]

_RETENTION, _SOURCE = 17, 2  # FieldOptions.retention = RETENTION_SOURCE
_SOURCE_INFO = "google.protobuf.SourceCodeInfo"
_FILE_PROTO = "google.protobuf.FileDescriptorProto"
_DESCRIPTOR_FILE = "google/protobuf/descriptor.proto"


class SourceOptions:
    """Finds and removes such options. `files` are those of the run: they know the custom options."""

    def __init__(self, files: Iterable[FileDescriptor]) -> None:
        self._builder = Builder(shared=shared_builder())
        self._extensions: dict[MessageDescriptor, list[FieldDescriptor]] = {}
        self._file_class: Any = well_known_class(_FILE_PROTO)
        for file in files:
            for symbol in file.symbols.values():
                if isinstance(symbol, FieldDescriptor) and symbol.is_extension:
                    self._builder.add_extension(symbol)
                    self._extensions.setdefault(symbol.containing_type, []).append(symbol)
            if file.name == _DESCRIPTOR_FILE:
                message = next(m for m in file.messages if m.full_name == _FILE_PROTO)
                self._file_class = self._builder.message_class(message)

    def strip(self, proto: Message) -> Message:
        """`proto`, a FileDescriptorProto, without the options that are kept in the source only, and without their
        locations."""
        copy = self._file_class.decode(proto.encode())
        stripped: list[Path] = []
        self._strip(copy, (), stripped)
        info = copy.source_code_info
        if info is not None and stripped:
            paths = set(stripped)
            info.location = [
                location for location in info.location if paths.isdisjoint(_beginnings(tuple(location.path)))
            ]
        return type(proto).decode(copy.encode())

    def _strip(self, message: Any, path: Path, stripped: list[Path]) -> None:
        """Walks all that is set in `message`; `stripped` collects the paths of what was taken out."""
        for field, value in list(self._set_fields(message)):
            here = (*path, field.number)
            if _is_source_only(field):
                self._clear(message, field)
                stripped.append(here)
            elif field.kind is not Kind.MESSAGE or field.is_map:
                continue
            elif field.label is Label.REPEATED:
                for index, item in enumerate(value):
                    self._strip(item, (*here, index), stripped)
            elif not _is_options(field):
                self._strip(value, here, stripped)
            elif value.encode():
                self._strip(value, here, stripped)
                if not value.encode():
                    self._clear(message, field)
                    stripped.append(here)

    def _set_fields(self, message: Any) -> Iterator[tuple[FieldDescriptor, Any]]:
        descriptor: MessageDescriptor = message.__descriptor__
        if descriptor.full_name == _SOURCE_INFO:
            return
        for field in descriptor.fields:
            name = attribute_name(field.name)
            if message.has(name):
                yield field, getattr(message, name)
        for extension in self._extensions.get(descriptor, ()):
            key = self._builder.extension(extension)
            if key in message:
                yield extension, message[key]

    def _clear(self, message: Any, field: FieldDescriptor) -> None:
        if field.is_extension:
            del message[self._builder.extension(field)]
        else:
            message.clear(attribute_name(field.name))


def _beginnings(path: Path) -> Iterator[Path]:
    return (path[:length] for length in range(1, len(path) + 1))


def _is_source_only(field: FieldDescriptor) -> bool:
    return field.option_bytes is not None and (_RETENTION, _SOURCE) in raw_fields(field.option_bytes)


def _is_options(field: FieldDescriptor) -> bool:
    held = field.message_type
    return held is not None and held.file.name == _DESCRIPTOR_FILE and held.name.endswith("Options")
