"""FileDescriptorProto bytes → descriptors.

A FileDescriptorProto is turned into the syntax tree of a file that would say the same (`tree_from_descriptor_proto`),
and then goes through the passes of the compiler. So a descriptor set is checked as strictly as a source file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .compile import run_passes
from .descriptor import FileDescriptor
from .errors import Report, SchemaError
from .source import Source
from .tree_from_descriptor_proto import TreeBuilder
from .unit import Unit
from .wkt.shared import well_known_class

if TYPE_CHECKING:
    from collections.abc import Sequence


def load(
    data: bytes | Sequence[bytes], pool: dict[str, FileDescriptor] | None = None
) -> list[FileDescriptor]:
    """Loads an encoded FileDescriptorSet, or a sequence of encoded FileDescriptorProtos in any order.

    Files that are in `pool` already are taken from there; the others are added to it. Well-known files may be left
    out. Returns the files in the order given. Raises SchemaError.
    """
    pool = {} if pool is None else pool
    protos = _decode(data)
    report = Report()
    names = [proto.name or "" for proto in protos]
    by_name: dict[str, Any] = {}
    for proto in protos:
        by_name.setdefault(proto.name or "", proto)
    units: list[Unit] = []
    done: dict[str, FileDescriptor] = {}
    for name in _in_order(by_name, pool, report):
        builder = TreeBuilder(by_name[name])
        file = FileDescriptor(name=name, syntax=builder.tree.syntax, edition=builder.tree.edition)
        info = by_name[name].source_code_info
        file.source_info = info.encode() if info is not None else None
        unit = Unit(Source(name, ""), builder.tree, file, report, encoded_options=builder.options)
        _link(unit, by_name[name], pool, done)
        done[name] = file
        units.append(unit)
    run_passes(units, pool, report)
    return [pool[name] for name in names]


def _decode(data: bytes | Sequence[bytes]) -> list[Any]:
    file_set: Any = well_known_class("google.protobuf.FileDescriptorSet")
    file_proto: Any = well_known_class("google.protobuf.FileDescriptorProto")
    try:
        if isinstance(data, bytes | bytearray | memoryview):
            return list(file_set.decode(bytes(data)).file)
        return [file_proto.decode(bytes(item)) for item in data]
    except ValueError as error:
        raise SchemaError(f"this is no descriptor set: {error}") from error


def _in_order(protos: dict[str, Any], pool: dict[str, FileDescriptor], report: Report) -> list[str]:
    """The names that are not in the pool, each after what it imports. The walk keeps its own stack."""
    order: list[str] = []
    state: dict[str, int] = {}  # 1: being walked, 2: done
    stack: list[tuple[str, bool]] = [(name, False) for name in reversed(protos)]
    while stack:
        name, finished = stack.pop()
        if finished:
            state[name] = 2
            order.append(name)
        elif name not in state and name not in pool:
            state[name] = 1
            stack.append((name, True))
            for dependency in protos[name].dependency:
                if dependency in protos and dependency not in pool:
                    if state.get(dependency) == 1:
                        report.file_error(
                            name, f"files import each other in a circle: {name} and {dependency}"
                        )
                    stack.append((dependency, False))
                elif _find(dependency, pool) is None:
                    report.file_error(name, f"imports {dependency}, which is not in the descriptor set")
    return order


def _find(name: str, pool: dict[str, FileDescriptor]) -> FileDescriptor | None:
    from .wkt.shared import well_known_file

    return pool.get(name) or well_known_file(name)


def _link(unit: Unit, proto: Any, pool: dict[str, FileDescriptor], done: dict[str, FileDescriptor]) -> None:
    file = unit.file
    position: dict[int, int] = {}
    for index, name in enumerate(proto.dependency):
        dependency = done.get(name) or _find(name, pool)
        if dependency is None:
            unit.incomplete = True
            continue
        position[index] = len(file.dependencies)
        file.dependencies.append(dependency)
    file.public_dependency += [position[index] for index in proto.public_dependency if index in position]
    file.weak_dependency += [position[index] for index in proto.weak_dependency if index in position]
    file.option_dependency += proto.option_dependency
