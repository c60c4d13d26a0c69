"""google.protobuf's descriptors in every form in which people have them."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf import (
    api_pb2,
    descriptor_pb2,
    descriptor_pool,
    empty_pb2,
    message_factory,
    struct_pb2,
)
from grpc_health.v1 import health_pb2

from barewire import schema
from tests.support.protoc import protoc_sources

SOURCES = {
    "top.proto": 'syntax = "proto3"; package p; import "base.proto"; import "google/protobuf/any.proto";'
    " message Top { Base base = 1; google.protobuf.Any any = 2; enum E { Z = 0; } }"
    " service Svc { rpc Do(Top) returns (Base); }",
    "base.proto": 'syntax = "proto3"; package p; message Base { int32 x = 1; }',
}


@pytest.fixture(scope="module")
def pool() -> descriptor_pool.DescriptorPool:
    pool = descriptor_pool.DescriptorPool()
    for file in protoc_sources("top.proto", SOURCES).files.values():
        pool.Add(file)
    return pool


def test_file_descriptors_bring_their_imports(pool: descriptor_pool.DescriptorPool) -> None:
    loaded = schema.load_descriptors(pool.FindFileByName("top.proto"))
    assert loaded.file.name == "top.proto"
    assert loaded.Top(base=loaded.Base(x=5)).encode() == bytes.fromhex("0a020805")
    assert loaded.SvcStub
    twin: Any = message_factory.GetMessageClass(pool.FindMessageTypeByName("p.Top"))
    assert loaded.Top.decode(twin(base={"x": 7}).SerializeToString()).base.x == 7


def test_descriptors_of_what_is_in_a_file(pool: descriptor_pool.DescriptorPool) -> None:
    message = pool.FindMessageTypeByName("p.Top")
    service = pool.FindServiceByName("p.Svc")
    things = [
        message, message.fields[0], message.enum_types[0], message.enum_types[0].values[0],
        service, service.methods[0], message_factory.GetMessageClass(message),
    ]  # fmt: skip
    for thing in things:
        assert schema.load_descriptors(thing).file.name == "top.proto"


def test_modules_sets_and_protos(pool: descriptor_pool.DescriptorPool) -> None:
    assert schema.load_descriptors(health_pb2).HealthCheckRequest(service="x").encode() == b"\x0a\x01x"
    assert schema.load_descriptors(empty_pb2, health_pb2).file.name.endswith("health.proto")
    data = descriptor_pb2.FileDescriptorSet.FromString(protoc_sources("top.proto", SOURCES).data)
    assert schema.load_descriptors(data)["p.Top"]
    assert schema.load_descriptors(*data.file).file.name == "top.proto"
    assert schema.load_descriptors(struct_pb2.Struct())[
        "google.protobuf.Struct"
    ]  # a message stands for its class
    assert schema.load_descriptors(api_pb2).file.name == "google/protobuf/api.proto"
    assert schema.load_descriptors(descriptor_pb2).file.name == "google/protobuf/descriptor.proto"


def test_a_registry_is_shared(pool: descriptor_pool.DescriptorPool) -> None:
    registry = schema.Registry()
    first = schema.load_descriptors(pool.FindFileByName("base.proto"), registry=registry)
    second = schema.load_descriptors(pool.FindFileByName("top.proto"), registry=registry)
    assert first.Base is second.Base


def test_what_is_none() -> None:
    for wrong in (5, "top.proto", object(), b""):
        with pytest.raises(TypeError, match="no FileDescriptorSet"):
            schema.load_descriptors(wrong)
    with pytest.raises(schema.SchemaError):
        schema.load_descriptors()
    lone = descriptor_pb2.FileDescriptorProto(name="a.proto", dependency=["b.proto"])
    with pytest.raises(schema.SchemaError, match=r"imports b\.proto, which is not in the descriptor set"):
        schema.load_descriptors(lone)
