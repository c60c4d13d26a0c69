"""Google's protoc (the one inside grpcio-tools), called in this process."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import grpc_tools
from google.protobuf import descriptor_pb2
from grpc_tools import protoc as _protoc

BUNDLED = Path(grpc_tools.__file__).parent / "_proto"


@dataclass
class Compiled:
    """What protoc made of its input: descriptors by file name, or what it complained about."""

    error: str = ""
    files: dict[str, descriptor_pb2.FileDescriptorProto] = field(default_factory=dict)
    data: bytes = b""


def protoc(names: Sequence[str], include: Sequence[Path]) -> Compiled:
    """Compiles `names` from the folders `include`; every option is kept, imports are included."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out.pb"
        arguments = ["protoc", *(f"-I{path}" for path in (*include, BUNDLED)), f"--descriptor_set_out={out}"]
        with _captured_stderr(Path(folder) / "stderr") as captured:
            status = _protoc.main([*arguments, "--include_imports", "--retain_options", *names])
        if status:
            return Compiled(error=captured.read_text(errors="replace") or f"exit status {status}")
        data = out.read_bytes()
    files = descriptor_pb2.FileDescriptorSet.FromString(data).file
    return Compiled(files={file.name: file for file in files}, data=data)


@dataclass
class Finished:
    """How a run of protoc in a process of its own ended."""

    status: int
    errors: str


def run_protoc(arguments: Sequence[str]) -> Finished:
    """Runs protoc with its own arguments. In a process of its own it may even crash."""
    command = [sys.executable, "-m", "grpc_tools.protoc", *arguments, f"-I{BUNDLED}"]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    return Finished(done.returncode, done.stderr)


def protoc_sources(name: str, sources: Mapping[str, str]) -> Compiled:
    """Compiles texts, given by the names under which they are imported."""
    with tempfile.TemporaryDirectory() as folder:
        for path, text in sources.items():
            target = Path(folder) / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(text.encode("utf-8", "surrogateescape"))
        return protoc([name], [Path(folder)])


@contextmanager
def _captured_stderr(path: Path):
    saved = os.dup(2)
    with path.open("wb") as file:
        os.dup2(file.fileno(), 2)
        try:
            yield path
        finally:
            os.dup2(saved, 2)
            os.close(saved)
