"""The lookups that server reflection needs."""

from __future__ import annotations

import pytest
from google.protobuf import descriptor_pb2

from barewire import schema
from barewire.schema import wkt
from barewire.schema.registry import with_dependencies
from tests.support.protos import BOOKSTORE
from tests.support.schemas import PROTOS, descriptor_set

KITCHEN = schema.load(PROTOS / "kitchen.proto")
REGISTRY = KITCHEN.registry


@pytest.mark.parametrize(
    ("symbol", "file"),
    [
        ("kitchen.Sink", "kitchen.proto"),
        ("kitchen.Sink.Drain", "kitchen.proto"),
        ("kitchen.Sink.Drain.name", "kitchen.proto"),
        ("kitchen.Sink.choice", "kitchen.proto"),
        ("kitchen.Sink.Tap", "kitchen.proto"),
        ("kitchen.Sink.LUKEWARM", "kitchen.proto"),
        ("kitchen.Cook", "kitchen.proto"),
        ("kitchen.Cook.Boil", "kitchen.proto"),
        ("pantry.Crate.inventory", "pantry.proto"),
        ("pantry.note", "pantry.proto"),
        ("pantry.SHUT", "pantry.proto"),
        ("google.protobuf.Duration", "google/protobuf/duration.proto"),
        ("google.protobuf.Duration.seconds", "google/protobuf/duration.proto"),
        ("google.protobuf.FieldOptions.CType", "google/protobuf/descriptor.proto"),
    ],
)
def test_the_file_that_declares_a_symbol(symbol: str, file: str) -> None:
    found = REGISTRY.file_containing_symbol(symbol)
    assert found is not None
    assert found.name == file
    assert found is REGISTRY.find_file(file)


@pytest.mark.parametrize(
    "symbol", ["", "kitchen", "kitchen.Nothing", "kitchen.Cook.boil", ".kitchen.Sink", "Sink"]
)
def test_no_such_symbol(symbol: str) -> None:
    assert REGISTRY.file_containing_symbol(symbol) is None
    with pytest.raises(LookupError):
        REGISTRY.message_class(symbol)


def test_extensions() -> None:
    assert REGISTRY.extension_numbers("pantry.Shelf") == [100, 101, 1000, 1001, 1002, 1003]
    assert REGISTRY.extension_numbers("pantry.Crate") == []
    found = REGISTRY.file_containing_extension("pantry.Shelf", 101)
    assert found is not None
    assert found.name == "pantry.proto"
    assert REGISTRY.file_containing_extension("pantry.Shelf", 102) is None
    extension = KITCHEN["pantry.note"]
    assert extension is REGISTRY.extension("pantry.note")
    assert KITCHEN["pantry.Crate"].inventory is REGISTRY.extension("pantry.Crate.inventory")


def test_extensions_are_decoded_without_having_been_asked_for() -> None:
    loaded = schema.load(PROTOS / "pantry.proto")
    shelf = loaded.Shelf.decode(b"\xc2\x3e\x02hi")
    assert shelf.unknown_fields == ()
    assert shelf[loaded.note] == "hi"


def test_custom_options_belong_to_their_registry() -> None:
    text = """syntax = "proto3"; import "google/protobuf/descriptor.proto";
    extend google.protobuf.MessageOptions { %s mark = 50000; }
    message M { option (mark) = %s; }"""
    one = schema.loads(text % ("string", '"one"'))
    two = schema.loads(text % ("int32", "2"))
    assert one.M.__descriptor__.options[one.mark] == "one"
    assert two.M.__descriptor__.options[two.mark] == 2


def test_services() -> None:
    assert [service.full_name for service in REGISTRY.services()] == ["kitchen.Cook"]


def test_the_bytes_of_a_file_are_those_of_protoc() -> None:
    expected = {
        file.name: file
        for file in descriptor_pb2.FileDescriptorSet.FromString(descriptor_set("kitchen.proto")).file
    }
    for name in ("kitchen.proto", "pantry.proto", "google/protobuf/duration.proto"):
        file = REGISTRY.find_file(name)
        assert file is not None
        proto = descriptor_pb2.FileDescriptorProto.FromString(REGISTRY.file_descriptor_proto(file))
        for described in (proto, expected[name]):
            described.ClearField("options")  # of the well-known files, which are our own text
        assert proto == expected[name]
        assert REGISTRY.file_descriptor_proto(file) is REGISTRY.file_descriptor_proto(file)


def test_files_follow_what_they_import() -> None:
    names = [file.name for file in with_dependencies([KITCHEN.file])]
    assert names[-2:] == ["pantry.proto", "kitchen.proto"]
    assert names.index("google/protobuf/descriptor.proto") < names.index("pantry.proto")
    assert len(names) == len(set(names)) == 10


def test_a_registry_of_files_that_were_loaded_elsewhere() -> None:
    books = schema.load(BOOKSTORE)
    registry = schema.Registry()
    registry.add(books.file, KITCHEN.file)
    assert {service.name for service in registry.services()} == {"Bookstore", "Cook"}
    assert registry.message_class("google.protobuf.Empty") is wkt.Empty
