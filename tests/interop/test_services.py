"""The services that every server brings along, asked by grpcio's own clients: health and reflection."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from google.protobuf import descriptor_pb2
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

from tests.support.peers import missing
from tests.support.protos import DESCRIPTORS, generated_folder

from .conftest import Servers

# Their type stubs lag behind them.
health: Any = health_pb2
HealthStub: Any = health_pb2_grpc.HealthStub
ServerReflectionStub: Any = reflection_pb2_grpc.ServerReflectionStub

SERVING = health.HealthCheckResponse.SERVING
SERVICE_UNKNOWN = health.HealthCheckResponse.SERVICE_UNKNOWN


@pytest.fixture
def channel(server: Servers) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(server("barewire").target) as channel:
        yield channel


def check(channel: grpc.Channel, service: str) -> Any:
    stub = HealthStub(channel)
    return stub.Check(health.HealthCheckRequest(service=service), timeout=30).status


@pytest.mark.rule(98)
def test_r98_check(channel: grpc.Channel) -> None:
    assert check(channel, "") == SERVING
    assert check(channel, "bookstore.Bookstore") == SERVING
    with pytest.raises(grpc.RpcError) as caught:
        check(channel, "nobody.Knows")
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND


@pytest.mark.rule(98)
@pytest.mark.parametrize(("service", "status"), [("", SERVING), ("nobody.Knows", SERVICE_UNKNOWN)])
def test_r98_watch_answers_and_stays_open(channel: grpc.Channel, service: str, status: int) -> None:
    for timeout in (0.5, 2, 8, 30):  # until the answer comes in time: that takes a loaded machine longer
        seen = watched(channel, service, timeout)
        if seen:
            break
    assert seen == [status]


def watched(channel: grpc.Channel, service: str, timeout: float) -> list[int]:
    """What comes until the deadline, which is the only end that a watch may have."""
    seen: list[int] = []
    try:
        for answer in HealthStub(channel).Watch(health.HealthCheckRequest(service=service), timeout=timeout):
            seen.append(answer.status)
    except grpc.RpcError as error:
        ended: Any = error
        assert ended.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        return seen
    pytest.fail("the watch ended by itself")


@pytest.mark.rule(98)
def test_r98_list(channel: grpc.Channel) -> None:
    stub = HealthStub(channel)
    if not hasattr(stub, "List"):
        missing("this grpcio-health-checking has no List yet")
    statuses = stub.List(health.HealthListRequest(), timeout=30).statuses
    assert statuses["bookstore.Bookstore"].status == SERVING


@pytest.mark.rule(99)
def test_r99_services_are_listed(channel: grpc.Channel) -> None:
    names = set(ProtoReflectionDescriptorDatabase(channel).get_services())
    assert names >= {
        "bookstore.Bookstore",
        "interop.Interop",
        "grpc.health.v1.Health",
        "grpc.reflection.v1.ServerReflection",
        "grpc.reflection.v1alpha.ServerReflection",
    }


@pytest.mark.rule(99)
def test_r99_a_client_that_knows_no_proto_can_call(channel: grpc.Channel) -> None:
    pool = DescriptorPool(ProtoReflectionDescriptorDatabase(channel))
    method = pool.FindServiceByName("bookstore.Bookstore").FindMethodByName("GetBook")
    request: Any = GetMessageClass(method.input_type)
    response: Any = GetMessageClass(method.output_type)
    get_book = channel.unary_unary(
        "/bookstore.Bookstore/GetBook",
        request_serializer=request.SerializeToString,
        response_deserializer=response.FromString,
    )
    assert get_book(request(id="1"), timeout=30).title == "gRPC Fundamentals"


@pytest.mark.rule(99)
def test_r99_descriptors_are_those_of_protoc(channel: grpc.Channel) -> None:
    """Ours are made by our own compiler: the same as protoc's, down to the last field."""
    protocs = descriptor_pb2.FileDescriptorSet.FromString((generated_folder() / DESCRIPTORS).read_bytes())
    (expected,) = (file for file in protocs.file if file.package == "interop")
    found = ProtoReflectionDescriptorDatabase(channel).FindFileContainingSymbol("interop.Interop")
    expected.name = found.name  # each was named by its own include path
    assert found == expected


@pytest.mark.rule(99)
def test_r99_unknown_names_are_not_found_and_the_stream_goes_on(channel: grpc.Channel) -> None:
    stub = ServerReflectionStub(channel)
    requests = [
        reflection_pb2.ServerReflectionRequest(file_containing_symbol="no.Such"),
        reflection_pb2.ServerReflectionRequest(file_by_filename="no_such.proto"),
        reflection_pb2.ServerReflectionRequest(file_containing_symbol="bookstore.Book"),
    ]
    answers = list(stub.ServerReflectionInfo(iter(requests), timeout=30))
    assert [answer.WhichOneof("message_response") for answer in answers] == [
        "error_response",
        "error_response",
        "file_descriptor_response",
    ]
    assert [answers[n].error_response.error_code for n in (0, 1)] == [5, 5]
    assert answers[2].original_request == requests[2]
