"""The one build of the well-known types in this process.

This is the only state in the package that is not an object of the user's: what is compiled here never changes and
depends on no input, so sharing it cannot be noticed except by its speed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING

from . import FILES, TYPE_FILES

if TYPE_CHECKING:
    from ...wire.enum import Enum
    from ..build import Builder
    from ..descriptor import EnumDescriptor, FileDescriptor, MessageDescriptor
    from ..message import Message

DESCRIPTOR_FILE = "google/protobuf/descriptor.proto"

# What the files are compiled to, one a line, in the order of FILES: so nobody waits for descriptor.proto, whose options
# nearly every schema sets, to be compiled from its text.
_COMPILED = Path(__file__).with_name("compiled.jsonl")

_lock = RLock()
_files: dict[str, FileDescriptor] = {}
_builder: Builder | None = None


def well_known_file(name: str) -> FileDescriptor | None:
    """The descriptor of a well-known file, or None when `name` is not one."""
    file = _files.get(name)
    if file is None and name in FILES:
        with _lock:
            if name not in _files:
                _add(name)
            file = _files[name]
    return file


def _add(name: str) -> None:
    from ..frozen import FAULTS, thaw

    try:
        text = _COMPILED.read_bytes().splitlines()[FILES.index(name)]
        _files[name] = thaw(text, FilePool())
    except (OSError, *FAULTS):  # while `generate_wkt` writes it anew
        from ..compile import compile_files

        compile_files([name], pool=_files)


def shared_builder() -> Builder:
    """The builder of the well-known types, to be given to other builders as `shared`."""
    global _builder
    if _builder is None:
        from ..build import Builder

        with _lock:
            if _builder is None:
                _builder = Builder(shared_files=_SharedFiles())
    return _builder


def well_known_class(full_name: str) -> type[Message] | type[Enum] | None:
    """The class of a top-level well-known type, or None when there is none of that name."""
    descriptor = well_known_descriptor(full_name)
    if descriptor is None:
        return None
    from ..descriptor import MessageDescriptor

    if isinstance(descriptor, MessageDescriptor):
        return shared_builder().message_class(descriptor)
    return shared_builder().enum_class(descriptor)


def well_known_descriptor(full_name: str) -> MessageDescriptor | EnumDescriptor | None:
    """The descriptor of a top-level well-known type, or None when there is none of that name."""
    package, _, name = full_name.rpartition(".")
    file = well_known_file(TYPE_FILES.get(name, "")) if package == "google.protobuf" else None
    if file is None:
        return None
    return next(declared for declared in [*file.messages, *file.enums] if declared.name == name)


class FilePool(dict[str, "FileDescriptor"]):
    """Files by name, in which the well-known files always are, compiled when they are first looked at.

    Iterating shows only what has been added or looked at.
    """

    def __missing__(self, name: str) -> FileDescriptor:
        file = well_known_file(name)
        if file is None:
            raise KeyError(name)
        for dependency in file.dependencies:
            self.setdefault(dependency.name, dependency)
        self[name] = file
        return file

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or name in FILES

    def get(self, name: str, default: FileDescriptor | None = None) -> FileDescriptor | None:  # type: ignore[override]
        return self[name] if name in self else default  # noqa: SIM401  # this is the method it would call


class _SharedFiles(Mapping[str, "FileDescriptor"]):
    """The files whose classes are shared: all but descriptor.proto, whose options each registry extends."""

    def __getitem__(self, name: str) -> FileDescriptor:
        file = None if name == DESCRIPTOR_FILE else _files.get(name)
        if file is None:
            raise KeyError(name)
        return file

    def __iter__(self) -> Iterator[str]:
        return (name for name in _files if name != DESCRIPTOR_FILE)

    def __len__(self) -> int:
        return len(list(iter(self)))
