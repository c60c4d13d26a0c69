"""`schema.from_reflection` against our server and grpcio's, over our channel and grpc.aio's."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection as grpcio_reflection

from barewire import rpc, schema
from barewire.rpc.services.bundled import bundled
from barewire.schema.reflection import ReflectedFiles, TooManyFiles

TEXT = """syntax = "proto3"; package p; import "google/protobuf/empty.proto";
message M { int32 x = 1; }
service Svc { rpc Do(M) returns (M); rpc Nothing(google.protobuf.Empty) returns (M); }"""
OTHER = 'syntax = "proto3"; package a; message N {} service Zoo { rpc Do(N) returns (N); }'
loaded = schema.loads(TEXT, name="p.proto")
other = schema.loads(OTHER, name="a.proto")
v1alpha: Any = bundled("grpc/reflection/v1alpha/reflection.proto")


class Svc(loaded.SvcServicer):
    async def Do(self, request: Any, context: Any) -> Any:
        return type(request)(x=request.x + 1)


class Zoo(other.ZooServicer):
    pass


@asynccontextmanager
async def serving(*servicers: Any, **options: Any) -> AsyncIterator[str]:
    async with rpc.Server(list(servicers), **options) as server:
        yield f"127.0.0.1:{await server.start('127.0.0.1:0')}"


async def test_our_server() -> None:
    async with serving(Svc()) as target, rpc.Channel(target) as channel:
        found = await schema.from_reflection(channel)
        assert found.file.name == "p.proto"
        assert (await found.SvcStub(channel).Do(found.M(x=1))).x == 2
        assert {service.full_name for service in found.registry.services()} >= {
            "p.Svc",
            "grpc.health.v1.Health",
        }


async def test_the_service_may_be_named() -> None:
    async with serving(Svc(), Zoo()) as target, rpc.Channel(target) as channel:
        assert (await schema.from_reflection(channel)).file.name == "a.proto"
        registry = schema.Registry()
        found = await schema.from_reflection(channel, service="p.Svc", registry=registry)
        assert found.file.name == "p.proto"
        assert [service.full_name for service in registry.services()] == ["p.Svc"]
        with pytest.raises(schema.SchemaError, match="reflection: "):
            await schema.from_reflection(channel, service="p.Absent")


async def test_over_a_channel_of_grpcio() -> None:
    async with serving(Svc()) as target, grpc.aio.insecure_channel(target) as channel:
        found = await schema.from_reflection(channel, metadata=(("key", "value"),))
        assert (await found.SvcStub(channel).Do(found.M(x=1))).x == 2


async def test_a_server_of_grpcio() -> None:
    """It speaks v1alpha only."""
    server = grpc.aio.server()
    untyped: Any = health  # its stubs know no aio
    health_pb2_grpc.add_HealthServicer_to_server(untyped.aio.HealthServicer(), server)
    name = health_pb2.DESCRIPTOR.services_by_name["Health"].full_name
    grpcio_reflection.enable_server_reflection([name, grpcio_reflection.SERVICE_NAME], server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with rpc.Channel(f"127.0.0.1:{port}") as channel:
            found = await schema.from_reflection(channel)
            assert found.HealthCheckRequest(service="x").encode() == b"\x0a\x01x"
    finally:
        await server.stop(None)


async def test_a_server_without_reflection() -> None:
    async with serving(Svc(), reflection=False) as target, rpc.Channel(target) as channel:
        with pytest.raises(rpc.RpcError) as raised:
            await schema.from_reflection(channel)
        assert raised.value.code is rpc.StatusCode.UNIMPLEMENTED


class Odd(v1alpha.ServerReflectionServicer):
    """Answers what it was given."""

    def __init__(self, *answers: dict[str, Any]) -> None:
        self.answers = list(answers)

    async def ServerReflectionInfo(self, requests: AsyncIterator[Any], context: Any) -> AsyncIterator[Any]:
        async for _ in requests:
            if not self.answers:
                return
            yield v1alpha.ServerReflectionResponse.from_dict(self.answers.pop(0))


LISTED = {"list_services_response": {"service": [{"name": "p.Svc"}]}}
NO_SERVICE = {"list_services_response": {}}
FILES = {"file_descriptor_response": {"file_descriptor_proto": ["/w=="]}}
NO_FILES = {"file_descriptor_response": {}}


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ([], "ended the reflection stream"),
        ([NO_SERVICE], "lists no services"),
        ([FILES], "its services with something else"),
        ([LISTED, LISTED], "a file with something else"),
        ([LISTED, FILES], "broken file descriptor"),
        ([LISTED, NO_FILES], "without any file"),
        ([LISTED, {"error_response": {"error_code": 5, "error_message": "lost"}}], "reflection: lost"),
    ],
)
async def test_answers_that_make_no_sense(answers: list[dict[str, Any]], reason: str) -> None:
    async with serving(Odd(*answers), reflection=False) as target, rpc.Channel(target) as channel:
        with pytest.raises(schema.SchemaError, match=reason):
            await schema.from_reflection(channel)


def test_files_that_never_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("barewire.schema.reflection.MAX_FILES", 10)
    files = ReflectedFiles(schema.Registry())
    proto: Any = schema.wkt.FileDescriptorProto
    for number in range(10):
        files.add([proto(name=f"{number}", dependency=[f"{number + 1}"]).encode()])
        assert files.next_missing() == f"{number + 1}"
    with pytest.raises(TooManyFiles):
        files.add([proto(name="10", dependency=["11"]).encode()], "10")
    with pytest.raises(schema.SchemaError, match="without the file 'b'"):
        files.add([proto(name="c").encode()], "b")
