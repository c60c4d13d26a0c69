"""The bundled texts declare what Google's do, as google.protobuf itself knows it.

descriptor.proto gains fields with each release of protobuf; the parity tests compare ours with protoc's own.
"""

from __future__ import annotations

import importlib

import pytest
from google.protobuf import descriptor_pb2

from barewire.schema.compile import compile_files
from barewire.schema.to_descriptor_proto import file_descriptor_proto

STEMS = [
    "any",
    "api",
    "duration",
    "empty",
    "field_mask",
    "source_context",
    "struct",
    "timestamp",
    "type",
    "wrappers",
]


@pytest.mark.parametrize("stem", STEMS)
def test_same_declarations(stem: str) -> None:
    (file,) = compile_files([f"google/protobuf/{stem}.proto"])
    ours = descriptor_pb2.FileDescriptorProto.FromString(file_descriptor_proto(file).encode())
    module = importlib.import_module(f"google.protobuf.{stem}_pb2")
    reference = descriptor_pb2.FileDescriptorProto.FromString(module.DESCRIPTOR.serialized_pb)
    for proto in (ours, reference):
        for message in proto.message_type:
            _strip(message)
    assert [m.name for m in ours.message_type] == [m.name for m in reference.message_type]
    assert ours == reference


def _strip(message: descriptor_pb2.DescriptorProto) -> None:
    """Leaves out what generated modules leave out: JSON names, and options that are kept in the source only."""
    for field in message.field:
        field.ClearField("json_name")
    for extension_range in message.extension_range:
        extension_range.ClearField("options")
    for nested in message.nested_type:
        _strip(nested)
