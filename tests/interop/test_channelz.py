"""channelz between barewire and grpcio: grpcio's client reads our server, ours reads grpcio's."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest
from google.protobuf import descriptor_pb2
from grpc_channelz.v1 import channelz, channelz_pb2, channelz_pb2_grpc

from barewire import rpc
from barewire.rpc.services.bundled import bundled
from barewire.schema import Registry
from tests.support.rpc_service import Item, servicer, serving

pytestmark = pytest.mark.rule(100)

ours: Any = bundled("grpc/channelz/v1/channelz.proto")
theirs: Any = channelz_pb2
TheirStub: Any = channelz_pb2_grpc.ChannelzStub


def test_the_schema_is_theirs() -> None:
    expected, file = descriptor_pb2.FileDescriptorProto(), ours.ChannelzServicer.__service__.descriptor.file
    theirs.DESCRIPTOR.CopyToProto(expected)
    registry = Registry()
    registry.add(file)
    found = descriptor_pb2.FileDescriptorProto.FromString(registry.file_descriptor_proto(file))
    assert normal(found) == normal(expected)


def normal(file: Any) -> Any:
    """Without names of JSON, which generated code leaves out, and the name of the file, which is the packager's."""
    file.name = ""

    def clear(message: Any) -> None:
        for field in message.field:
            field.ClearField("json_name")
        for nested in message.nested_type:
            clear(nested)

    for message in file.message_type:
        clear(message)
    return file


async def fail(request: Any, context: Any) -> Any:
    raise rpc.RpcError(rpc.StatusCode.ABORTED, "as always")


async def test_their_client_reads_our_server() -> None:
    async with serving(servicer(Unary=fail), channelz=True) as (stub, _, server):
        for _ in range(3):
            with pytest.raises(rpc.RpcError):
                await stub.Unary(Item())
        async with grpc.aio.insecure_channel(server.address) as channel:
            await their_client_sees_it(TheirStub(channel))


async def their_client_sees_it(stub: Any) -> None:
    response = await stub.GetServers(theirs.GetServersRequest())
    assert response.end
    (server,) = response.server
    assert (server.data.calls_started, server.data.calls_failed) == (4, 3)
    again = (await stub.GetServer(theirs.GetServerRequest(server_id=server.ref.server_id))).server
    assert (again.ref, again.data.trace) == (server.ref, server.data.trace)
    assert (again.data.calls_started, again.data.calls_succeeded) == (5, 1)
    request = theirs.GetServerSocketsRequest(server_id=server.ref.server_id, max_results=1)
    first = await stub.GetServerSockets(request)
    assert len(first.socket_ref) == 1
    assert not first.end
    request.start_socket_id = first.socket_ref[0].socket_id + 1
    second = await stub.GetServerSockets(request)
    assert second.end
    (ref,) = second.socket_ref
    socket = (await stub.GetSocket(theirs.GetSocketRequest(socket_id=ref.socket_id))).socket
    assert socket.data.streams_started >= 4
    options = {option.name: option for option in socket.data.option}
    linger = theirs.SocketOptionLinger()
    assert options["SO_LINGER"].additional.Unpack(linger)
    with pytest.raises(grpc.RpcError) as caught:
        await stub.GetSubchannel(theirs.GetSubchannelRequest(subchannel_id=1))
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND
    assert not (await stub.GetTopChannels(theirs.GetTopChannelsRequest())).channel


@pytest.fixture
def their_server() -> Iterator[str]:
    handler = grpc.unary_unary_rpc_method_handler(lambda request, context: request)
    server = grpc.server(ThreadPoolExecutor(4), options=[("grpc.enable_channelz", 1)])
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("x.X", {"Echo": handler}),))
    channelz.add_channelz_servicer(server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"127.0.0.1:{port}"
    server.stop(0).wait()


async def test_our_client_reads_their_server(their_server: str) -> None:
    async with rpc.Channel(their_server) as channel:
        echo = channel.unary_unary("/x.X/Echo")
        for _ in range(5):
            assert await echo(b"hello", timeout=20) == b"hello"
        stub = ours.ChannelzStub(channel)
        servers = (await stub.GetServers(ours.GetServersRequest(), timeout=20)).server
        server = next(server for server in servers if server.data.calls_started >= 5)
        assert server.data.calls_succeeded >= 5
        request = ours.GetServerSocketsRequest(server_id=server.ref.server_id)
        (ref,) = (await stub.GetServerSockets(request, timeout=20)).socket_ref
        socket = (await stub.GetSocket(ours.GetSocketRequest(socket_id=ref.socket_id), timeout=20)).socket
        assert socket.data.streams_started >= 5
        assert socket.data.messages_received >= 5
        assert socket.remote.tcpip_address is not None
