"""Servicers and stubs: what the runtime finds on them."""

from __future__ import annotations

from typing import Any

import pytest

from barewire import schema
from tests.support.schemas import PROTOS

CLASH = schema.load(PROTOS / "clash.proto")
KITCHEN = schema.load(PROTOS / "kitchen.proto")


class FakeChannel:
    """Notes what it is asked to make."""

    def __init__(self) -> None:
        self.made: list[tuple[str, str]] = []

    def __getattr__(self, shape: str) -> Any:
        def make(path: str, *, request_serializer: Any, response_deserializer: Any) -> Any:
            self.made.append((shape, path))
            return request_serializer, response_deserializer

        return make


def test_a_spec_says_what_a_runtime_must_know() -> None:
    boil, imported = KITCHEN.Cook.methods
    assert (boil.name, boil.path, boil.attribute, boil.shape) == (
        "Boil",
        "/kitchen.Cook/Boil",
        "Boil",
        "unary_unary",
    )
    assert (imported.name, imported.path) == ("import", "/kitchen.Cook/import")
    assert (imported.attribute, imported.shape) == ("import_", "stream_stream")
    assert boil.request_class is KITCHEN.Sink
    assert boil.response_class is KITCHEN.Spices
    sink = KITCHEN.Sink(an_int32=5)
    assert boil.request_serializer(sink) == sink.encode()
    assert boil.request_deserializer(sink.encode()) == sink
    assert boil.response_deserializer(boil.response_serializer(KITCHEN.Spices())) == KITCHEN.Spices()
    assert KITCHEN.Cook.descriptor.file is KITCHEN.file


def test_a_servicer_has_every_method_marked_until_it_is_implemented() -> None:
    class Cook(KITCHEN.CookServicer):
        def Boil(self, request: Any, context: Any) -> Any:
            return KITCHEN.Spices()

    assert Cook.__service__ is KITCHEN.Cook
    assert not hasattr(Cook().Boil, "__unimplemented__")
    assert Cook().import_.__unimplemented__
    assert Cook.import_.__doc__ == "rpc import(stream kitchen.Sink) returns (stream google.protobuf.Empty)"
    with pytest.raises(NotImplementedError, match=r"Cook does not implement /kitchen\.Cook/import"):
        Cook().import_(None, None)
    assert issubclass(Cook, schema.Servicer)
    assert KITCHEN.CookServicer is KITCHEN.CookServicer


def test_a_stub_makes_a_method_when_it_is_first_used() -> None:
    channel = FakeChannel()
    stub = KITCHEN.CookStub(channel)
    assert channel.made == []
    serialize, deserialize = stub.Boil
    assert stub.Boil[0] is serialize
    assert vars(stub)["Boil"] == (serialize, deserialize)
    assert channel.made == [("unary_unary", "/kitchen.Cook/Boil")]
    stub.import_
    assert channel.made[1:] == [("stream_stream", "/kitchen.Cook/import")]
    assert deserialize(KITCHEN.Spices().encode()) == KITCHEN.Spices()


def test_names_that_a_message_took() -> None:
    assert CLASH.EchoStub_.__service__ is CLASH.Echo
    assert CLASH.EchoServicer.lambda_.__unimplemented__


def test_serializers_refuse_messages_of_another_class() -> None:
    text = (
        'syntax = "proto3"; package t; message A { string id = 1; } message B { string id = 1; }'
        " service S { rpc Do(A) returns (B); }"
    )
    texts: Any = schema.loads(text, name="t.proto")
    again: Any = schema.loads(text, name="t.proto")
    (method,) = texts.SServicer.__service__.methods
    assert again.A is not texts.A
    for message in (texts.A(id="x"), again.A(id="x")):  # the schema may have been loaded twice
        assert method.request_serializer(message) == message.encode()
    with pytest.raises(TypeError, match=r"^a t\.A is expected, not a t\.B$"):
        method.request_serializer(texts.B(id="x"))
    with pytest.raises(TypeError, match=r"^a t\.A is expected, not str 'x'$"):
        method.request_serializer("x")
    with pytest.raises(TypeError, match=r"^a t\.B is expected, not NoneType None$"):
        method.response_serializer(None)
