"""Where declarations stand, by the source info of a descriptor set (protoc's --include_source_info)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .descriptor import EnumDescriptor, FileDescriptor, HasOptions, MessageDescriptor
from .findings import Where
from .wkt.shared import well_known_class

Path = tuple[int, ...]  # field numbers and indexes in FileDescriptorProto, as in SourceCodeInfo.Location
_NAME = 1  # in every declaration


def places_of(file: FileDescriptor) -> dict[HasOptions, Where]:
    """The place of the name of everything in a file; nothing without source info."""
    if file.source_info is None:
        return {}
    info_class: Any = well_known_class("google.protobuf.SourceCodeInfo")
    spans: dict[Path, list[int]] = {
        tuple(location.path): location.span for location in info_class.decode(file.source_info).location
    }
    places: dict[HasOptions, Where] = {}
    for declared, path in _paths(file):
        span = spans.get((*path, _NAME)) or spans.get(path)
        if span:
            places[declared] = Where(file.name, span[0] + 1, span[1] + 1)
    package = spans.get((2,))
    places[file] = Where(file.name, package[0] + 1, package[1] + 1) if package else Where(file.name, 1, 1)
    return places


def _paths(file: FileDescriptor) -> Iterator[tuple[HasOptions, Path]]:
    for at, service in enumerate(file.services):
        yield service, (6, at)
        yield from ((method, (6, at, 2, index)) for index, method in enumerate(service.methods))
    yield from ((extension, (7, at)) for at, extension in enumerate(file.extensions))
    for at, enum in enumerate(file.enums):
        yield from _enum(enum, (5, at))
    pending: list[tuple[MessageDescriptor, Path]] = [
        (message, (4, at)) for at, message in enumerate(file.messages)
    ]
    while pending:
        message, path = pending.pop()
        yield message, path
        yield from ((field, (*path, 2, at)) for at, field in enumerate(message.fields))
        yield from ((one, (*path, 5, at)) for at, one in enumerate(message.extension_ranges))
        yield from ((extension, (*path, 6, at)) for at, extension in enumerate(message.extensions))
        yield from ((oneof, (*path, 8, at)) for at, oneof in enumerate(message.oneofs))
        for at, enum in enumerate(message.enums):
            yield from _enum(enum, (*path, 4, at))
        pending += [(nested, (*path, 3, at)) for at, nested in enumerate(message.messages)]


def _enum(enum: EnumDescriptor, path: Path) -> Iterator[tuple[HasOptions, Path]]:
    yield enum, path
    yield from ((value, (*path, 2, at)) for at, value in enumerate(enum.values))
