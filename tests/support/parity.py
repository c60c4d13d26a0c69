"""Our descriptor sets beside protoc's, for the cases in tests/schema and for whole folders of real files."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from google.protobuf import descriptor_pb2

from barewire.schema.compile import compile_files
from barewire.schema.descriptor import FileDescriptor
from barewire.schema.descriptor_set import descriptor_set
from tests.support.proto_cases import MAIN, cases, sources_of
from tests.support.protoc import BUNDLED, run_protoc
from tests.support.protoc_batch import Job, Result, run_batch

MODES = {
    "plain": ["--retain_options"],
    "stripped": [],
    "source info": ["--include_source_info", "--retain_options"],
    "source info, stripped": ["--include_source_info"],
}


@cache
def reference(folder: str) -> dict[tuple[str, str], Result]:
    """What protoc says to every case of a folder in every mode; it runs when first asked for."""
    modes = MODES if folder == "valid" else {"plain": MODES["plain"]}
    keys = [(path, mode) for path in cases(folder) for mode in modes]
    jobs = [
        Job(f"{path.stem}/{mode}", sources_of(path), MAIN, ["--include_imports", *MODES[mode]])
        for path, mode in keys
    ]
    results = run_batch(jobs)
    return {(path.stem, mode): results[f"{path.stem}/{mode}"] for path, mode in keys}


def parsed(data: bytes) -> dict[str, descriptor_pb2.FileDescriptorProto]:
    """The files of a descriptor set by name, in its order."""
    return {file.name: file for file in descriptor_pb2.FileDescriptorSet.FromString(data).file}


def ours(
    names: Sequence[str], include: Sequence[Path], mode: str, sources: dict[str, str] | None = None
) -> bytes:
    """The descriptor set, imports included, that we make of the files."""
    pool: dict[str, FileDescriptor] = {}
    info = "--include_source_info" in MODES[mode]
    files = compile_files(names, include=[*include, BUNDLED], sources=sources, pool=pool, source_info=info)
    retain = "--retain_options" in MODES[mode]
    return descriptor_set(files, imports=True, source_info=info, retain_options=retain, known=pool.values())


def theirs(names: Sequence[str], include: Sequence[Path], mode: str) -> bytes:
    """The same from protoc. Raises ValueError with what it complains about."""
    with tempfile.TemporaryDirectory() as folder:
        out, listed = Path(folder) / "out.pb", Path(folder) / "names"
        listed.write_text("\n".join(names))
        paths = [f"-I{path}" for path in include]
        done = run_protoc([f"-o{out}", "--include_imports", *MODES[mode], *paths, f"@{listed}"])
        if done.status:
            raise ValueError(done.errors)
        return out.read_bytes()


def differing(names: Sequence[str], include: Sequence[Path], mode: str) -> tuple[int, list[str]]:
    """How many files protoc writes, and the names of those that we write differently."""
    wanted, made = parsed(theirs(names, include, mode)), parsed(ours(names, include, mode))
    different = [name for name in wanted if made.get(name) != wanted[name]]
    if list(made) != list(wanted):
        different.append("(the order of the files)")
    return len(wanted), different
