"""Descriptors of google.protobuf, taken by what they can do and not by their type: nothing is imported for them."""

from __future__ import annotations

from typing import Any

from .errors import SchemaError
from .loaded import Schema
from .registry import Registry


def load_descriptors(*descriptors: Any, registry: Registry | None = None) -> Schema:
    """Load what google.protobuf knows: the messages keep their names and their bytes, and need no `.proto` file.

    Each of `descriptors` is a generated module (`bookstore_pb2`), a generated message class, a FileDescriptor or the
    descriptor of anything in a file, a FileDescriptorSet or a FileDescriptorProto. What a FileDescriptor imports
    comes with it. The Schema's names are those of the last file named.

    Raises SchemaError if a file is broken or lacks an import, TypeError for anything else.
    """
    from .from_descriptor_proto import load as load_files

    files: dict[str, bytes] = {}
    for descriptor in descriptors:
        _collect(descriptor, files)
    if not files:
        raise SchemaError("the descriptors hold no file")
    registry = registry if registry is not None else Registry()
    loaded = load_files(list(files.values()), registry.files)
    registry.add(*loaded)
    return Schema(registry, loaded[-1])


def _collect(item: Any, files: dict[str, bytes]) -> None:
    """Adds the files that `item` stands for, each after those that it imports."""
    descriptor = getattr(item, "DESCRIPTOR", None)
    full_name = getattr(descriptor, "full_name", None)
    if full_name == "google.protobuf.FileDescriptorSet" and hasattr(item, "file"):
        for file in item.file:
            _put(files, file.name, file.SerializeToString())
    elif full_name == "google.protobuf.FileDescriptorProto" and isinstance(getattr(item, "name", None), str):
        _put(files, item.name, item.SerializeToString())
    else:
        found = descriptor if descriptor is not None else item
        file = (
            found if hasattr(found, "serialized_pb") and hasattr(found, "dependencies") else _file_of(found)
        )
        _collect_with_imports(file, files)


def _file_of(descriptor: Any) -> Any:
    for _ in range(3):  # an enum value knows its enum, a method its service
        file = getattr(descriptor, "file", None)
        if hasattr(file, "serialized_pb"):
            return file
        descriptor = getattr(descriptor, "type", None) or getattr(descriptor, "containing_service", None)
    raise TypeError(
        "this is no module with a DESCRIPTOR, no descriptor, no FileDescriptorSet or FileDescriptorProto"
    )


def _collect_with_imports(file: Any, files: dict[str, bytes]) -> None:
    # A stack of our own: a chain of imports may be longer than Python's stack is deep.
    stack = [(file, False)]
    entered: set[str] = set()
    while stack:
        one, done = stack.pop()
        if done:
            _put(files, one.name, one.serialized_pb)
        elif one.name not in entered:
            entered.add(one.name)
            stack.append((one, True))
            stack += [(dependency, False) for dependency in one.dependencies]


def _put(files: dict[str, bytes], name: str, data: bytes) -> None:
    files.pop(name, None)  # the file that was named last comes last
    files[name] = data
