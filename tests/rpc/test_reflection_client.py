"""The client of server reflection against servers that answer less than ours does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from barewire import rpc, schema
from barewire.rpc.services.bundled import bundled
from barewire.rpc.services.reflection_client import ReflectionClient

SOURCES = {
    "base.proto": 'syntax = "proto3"; package p; message Base { int32 x = 1; }',
    "middle.proto": 'syntax = "proto3"; package p; import public "base.proto"; message Middle { Base base = 1; }',
    "top.proto": 'syntax = "proto2"; package p; import "middle.proto"; import "google/protobuf/empty.proto";'
    " message Top { extensions 100 to max; optional Base base = 1; } extend Top { optional int32 more = 100; }"
    " service Svc { rpc Do(Middle) returns (google.protobuf.Empty); }",
}
LOADED = schema.loads(SOURCES["top.proto"], name="top.proto", sources=SOURCES)
v1alpha: Any = bundled("grpc/reflection/v1alpha/reflection.proto")


class OneFileAtATime(v1alpha.ServerReflectionServicer):
    """v1alpha only, and never a file that was not asked for."""

    async def ServerReflectionInfo(self, requests: AsyncIterator[Any], context: Any) -> AsyncIterator[Any]:
        registry = LOADED.registry
        async for request in requests:
            match request.which("message_request"):
                case "file_containing_symbol":
                    file = registry.file_containing_symbol(request.file_containing_symbol)
                case "file_containing_extension":
                    asked = request.file_containing_extension
                    file = registry.file_containing_extension(asked.containing_type, asked.extension_number)
                case "file_by_filename":
                    file = registry.find_file(request.file_by_filename)
                case _:
                    listed = v1alpha.ListServiceResponse(service=[v1alpha.ServiceResponse(name="p.Svc")])
                    yield v1alpha.ServerReflectionResponse(list_services_response=listed)
                    continue
            if file is None:
                error = v1alpha.ErrorResponse(error_code=5, error_message="not here")
                yield v1alpha.ServerReflectionResponse(error_response=error)
            else:
                data = registry.file_descriptor_proto(file)
                answer = v1alpha.FileDescriptorResponse(file_descriptor_proto=[data])
                yield v1alpha.ServerReflectionResponse(file_descriptor_response=answer)


class Junk(v1alpha.ServerReflectionServicer):
    async def ServerReflectionInfo(self, requests: AsyncIterator[Any], context: Any) -> AsyncIterator[Any]:
        answers = [[b"\xff"], [], [b"\x0a\x01a\x1a\x01b"]]  # the last imports "b", which is never there
        async for _ in requests:
            answer = v1alpha.FileDescriptorResponse(file_descriptor_proto=answers.pop(0) if answers else [])
            yield v1alpha.ServerReflectionResponse(file_descriptor_response=answer)


async def test_a_server_of_v1alpha_that_sends_one_file_at_a_time() -> None:
    async with rpc.Server([OneFileAtATime()], reflection=False) as server:
        port = await server.start("127.0.0.1:0")
        async with rpc.Channel(f"127.0.0.1:{port}") as channel, ReflectionClient(channel) as client:
            assert await client.services() == ["p.Svc"]
            await client.load_symbol("p.Svc")
            (method,) = client.registry.service("p.Svc").methods
            assert method.request_class.from_json('{"base": {"x": 1}}').encode() == b"\x0a\x02\x08\x01"
            assert method.response_class is schema.wkt.Empty
            with pytest.raises(LookupError, match="not here"):
                await client.load_symbol("p.Nope")
            await client.load_symbol("p.Top")  # is there already


async def test_an_extension() -> None:
    async with rpc.Server([OneFileAtATime()], reflection=False) as server:
        port = await server.start("127.0.0.1:0")
        async with rpc.Channel(f"127.0.0.1:{port}") as channel, ReflectionClient(channel) as client:
            await client.load_extension("p.Top", 100)
            assert client.registry.extension_numbers("p.Top") == [100]


async def test_a_server_without_reflection() -> None:
    async with rpc.Server([], reflection=False) as server:
        port = await server.start("127.0.0.1:0")
        async with rpc.Channel(f"127.0.0.1:{port}") as channel, ReflectionClient(channel) as client:
            assert not client.refused
            with pytest.raises(rpc.RpcError) as raised:
                await client.services()
            assert raised.value.code is rpc.StatusCode.UNIMPLEMENTED
            assert client.refused


async def test_answers_that_make_no_sense() -> None:
    async with rpc.Server([Junk()], reflection=False) as server:
        port = await server.start("127.0.0.1:0")
        async with rpc.Channel(f"127.0.0.1:{port}") as channel, ReflectionClient(channel) as client:
            for reason in ("broken file descriptor", "without any file", "without any file"):
                with pytest.raises(rpc.RpcError, match=reason) as raised:
                    await client.load_symbol("p.Svc")
                assert raised.value.code is rpc.StatusCode.INTERNAL
