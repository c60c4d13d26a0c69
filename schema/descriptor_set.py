"""Compiled files → a FileDescriptorSet, and a rule for make: what protoc writes for --descriptor_set_out and
--dependency_out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..wire.varint import encode_varint
from .retention import SourceOptions
from .to_descriptor_proto import file_descriptor_proto

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from .descriptor import FileDescriptor


def descriptor_set(
    files: Sequence[FileDescriptor],
    *,
    imports: bool = False,
    source_info: bool = False,
    retain_options: bool = False,
    known: Iterable[FileDescriptor] = (),
) -> bytes:
    """The encoded FileDescriptorSet of `files`, each after what it imports.

    With `imports`, the files that these import are in it too; with `source_info`, places and comments, if the files
    were compiled with them. Options that are meant for the source only are left out, unless `retain_options` says
    otherwise. `known` are further files that were compiled with these.
    """
    listed = in_order(files, None if imports else {file.name for file in files}, known)
    protos = [file_descriptor_proto(file, source_info=source_info) for file in listed]
    if not retain_options:
        options = SourceOptions({file.name: file for file in (*listed, *known)}.values())
        protos = [options.strip(proto) for proto in protos]
    data = [proto.encode() for proto in protos]
    return b"".join(b"\x0a" + encode_varint(len(item)) + item for item in data)


def in_order(
    files: Sequence[FileDescriptor], wanted: Collection[str] | None, known: Iterable[FileDescriptor] = ()
) -> list[FileDescriptor]:
    """The files and all that they import, each once and after its own imports; only those `wanted`, if that is given.

    What files import for options only comes first, and is found among `known`.
    """
    by_name = {file.name: file for file in known}
    seen: set[str] = set()
    ordered: list[FileDescriptor] = []

    def visit(root: FileDescriptor) -> None:
        stack: list[tuple[FileDescriptor, bool]] = [(root, False)]
        while stack:
            file, finished = stack.pop()
            if finished:
                if wanted is None or file.name in wanted:
                    ordered.append(file)
            elif file.name not in seen:
                seen.add(file.name)
                stack.append((file, True))
                stack += [(dependency, False) for dependency in reversed(file.dependencies)]

    for file in files:
        for name in file.option_dependency if file.name not in seen else ():
            if name in by_name:
                visit(by_name[name])
        visit(file)
    return ordered


def dependency_rule(outputs: Sequence[str], files: Iterable[FileDescriptor]) -> str:
    """A rule for make, laid out as protoc does: the outputs depend on the files, except those that come with this
    package. Empty without outputs."""
    if not outputs:
        return ""
    return " \\\n".join(outputs) + ":" + "\\\n".join(f" {file.path}" for file in files if file.path)
