"""Our FileDescriptorProto against protoc's: equal after parsing, for every valid case and every file protoc ships."""

from __future__ import annotations

from pathlib import Path

import pytest
from google.protobuf import descriptor_pb2

from barewire.schema.compile import compile_files
from barewire.schema.from_descriptor_proto import load
from barewire.schema.to_descriptor_proto import file_descriptor_proto
from tests.support.proto_cases import MAIN, cases, sources_of
from tests.support.protoc import BUNDLED, protoc, protoc_sources

BUNDLED_NAMES = sorted(path.relative_to(BUNDLED).as_posix() for path in BUNDLED.rglob("*.proto"))


def as_google(file: object) -> descriptor_pb2.FileDescriptorProto:
    return descriptor_pb2.FileDescriptorProto.FromString(file_descriptor_proto(file).encode())  # type: ignore[arg-type]


@pytest.mark.parametrize("path", cases("valid"), ids=lambda path: path.stem)
def test_valid_case(path: Path) -> None:
    sources = sources_of(path)
    reference = protoc_sources(MAIN, sources)
    assert not reference.error
    (file,) = compile_files([MAIN], sources=sources)
    assert as_google(file) == reference.files[MAIN]
    # And back: the descriptor set that protoc wrote leads to the same descriptors.
    loaded = {file.name: file for file in load(reference.data)}
    assert {name: as_google(file) for name, file in loaded.items()} == reference.files


@pytest.mark.parametrize("include", [[BUNDLED], []], ids=["protoc's texts", "our texts"])
def test_files_that_protoc_ships(include: list[Path]) -> None:
    reference = protoc(BUNDLED_NAMES, [])
    for file in compile_files(BUNDLED_NAMES, include=include):
        assert as_google(file) == reference.files[file.name], file.name
