"""One `.proto`, two readers: our Schema, and Google's message classes from what protoc makes of it."""

from __future__ import annotations

import functools
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc_tools
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from barewire import schema

PROTOS = Path(__file__).resolve().parents[1] / "schema" / "protos"
GOOGLE_INCLUDE = Path(grpc_tools.__file__).parent / "_proto"


def descriptor_set(name: str, folder: Path = PROTOS) -> bytes:
    """The FileDescriptorSet that protoc makes of a file, with everything that it imports."""
    with tempfile.TemporaryDirectory() as out:
        target = Path(out) / "set.bin"
        command = [sys.executable, "-m", "grpc_tools.protoc", f"-I{folder}", f"-I{GOOGLE_INCLUDE}"]
        command += ["--include_imports", f"--descriptor_set_out={target}", name]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"protoc failed:\n{done.stderr}")
        return target.read_bytes()


@dataclass
class Both:
    """`ours` is what we load; `google(full_name)` and `extension(full_name)` are Google's side."""

    ours: schema.Schema
    pool: descriptor_pool.DescriptorPool

    def google(self, full_name: str) -> Any:
        return message_factory.GetMessageClass(self.pool.FindMessageTypeByName(full_name))

    def extension(self, full_name: str) -> Any:
        return self.pool.FindExtensionByName(full_name)


@functools.cache
def both(name: str) -> Both:
    """A file of tests/schema/protos, read by both."""
    pool = descriptor_pool.DescriptorPool()
    for file in descriptor_pb2.FileDescriptorSet.FromString(descriptor_set(name)).file:
        pool.Add(file)
    # Extensions have to be known to the message classes before these decode anything.
    found = Both(schema.load(PROTOS / name), pool)
    for file in found.ours.registry.files.values():
        for message in file.messages:
            if message.extension_ranges:
                found.google(message.full_name)
                pool.FindAllExtensions(pool.FindMessageTypeByName(message.full_name))
    return found
