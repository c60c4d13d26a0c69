"""Broken descriptor sets. That good ones lead to the same descriptors is shown by the parity cases."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf import descriptor_pb2

from barewire.schema.descriptor import FileDescriptor
from barewire.schema.errors import SchemaError
from barewire.schema.from_descriptor_proto import load

FileProto: Any = descriptor_pb2.FileDescriptorProto
FieldProto: Any = descriptor_pb2.FieldDescriptorProto


def file(name: str = "a.proto", **fields: object) -> bytes:
    return FileProto(name=name, syntax="proto3", **fields).SerializeToString()


def entry(*numbers: int, label: int = 1) -> Any:
    fields = [FieldProto(name=f"f{n}", number=n, type=9, label=label) for n in numbers]
    options = descriptor_pb2.MessageOptions(map_entry=True)
    return descriptor_pb2.DescriptorProto(name="M", field=fields, options=options)


def test_in_any_order() -> None:
    a, b = load([file("a.proto", dependency=["b.proto"]), file("b.proto")])
    assert a.dependencies == [b]


def test_well_known_files_may_be_left_out() -> None:
    (a,) = load([file(dependency=["google/protobuf/empty.proto"])])
    assert a.dependencies[0].messages[0].full_name == "google.protobuf.Empty"


def test_a_set_of_files_in_the_pool() -> None:
    pool: dict[str, FileDescriptor] = {}
    (first,) = load([file()], pool)
    (again,) = load(
        descriptor_pb2.FileDescriptorSet(file=[FileProto(name="a.proto")]).SerializeToString(), pool
    )
    assert again is first


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\xff", "no descriptor set"),
        ([b"\x0a\x05a"], "no descriptor set"),
        ([file(dependency=["nope.proto"])], "imports nope.proto, which is not in the descriptor set"),
        ([file("a", dependency=["b"]), file("b", dependency=["a"])], "circle"),
        ([FileProto(name="a", syntax="proto9").SerializeToString()], "unknown syntax 'proto9'"),
        (
            [FileProto(name="a", syntax="editions", edition=99999).SerializeToString()],
            "unknown edition 99999",
        ),
        (
            [
                file(
                    message_type=[
                        descriptor_pb2.DescriptorProto(
                            name="M",
                            field=[FieldProto(name="x", number=1, type=11, type_name=".No")],
                        )
                    ]
                )
            ],
            "'.No' is not defined",
        ),
        ([file(message_type=[entry(1)])], "M is no map entry"),
        ([file(message_type=[entry(2, 1)])], "M is no map entry"),
        ([file(message_type=[entry(1, 2, label=3)])], "M is no map entry"),
    ],
)
def test_broken(data: bytes | list[bytes], message: str) -> None:
    with pytest.raises(SchemaError, match=message) as caught:
        load(data)
    assert caught.value.diagnostics
