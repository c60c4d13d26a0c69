"""channelz: what servers show, in which pages, and that it adds up."""

from __future__ import annotations

import asyncio
import ssl
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from barewire import rpc
from barewire.rpc.channelz import ChannelNode, Node, ServerNode, Severity, SocketNode, SubchannelNode, Trace
from barewire.rpc.connectivity import SHUTDOWN
from barewire.rpc.counters import CallCounters
from barewire.rpc.services.bundled import bundled
from barewire.rpc.services.channelz import ChannelzServicer
from tests.support.rpc_service import Item, Stub, eventually, failure_of, servicer, serving

pytestmark = pytest.mark.rule(100)

pb: Any = bundled("grpc/channelz/v1/channelz.proto")
DAY = timedelta(days=1)


async def echo(request: Any, context: Any) -> Any:
    if request.text:
        raise rpc.RpcError(rpc.StatusCode[request.text], "as you wish")
    return request


async def count_up(request: Any, context: Any) -> AsyncIterator[Any]:
    for number in range(request.number):
        yield Item(number=number)


async def forever(request: Any, context: Any) -> Any:
    await asyncio.Event().wait()


async def the_server(stub: Any) -> Any:
    (server,) = (await stub.GetServers(pb.GetServersRequest())).server
    return server


async def sockets_of(stub: Any, server: Any) -> list[Any]:
    request = pb.GetServerSocketsRequest(server_id=server.ref.server_id)
    refs = (await stub.GetServerSockets(request)).socket_ref
    return [(await stub.GetSocket(pb.GetSocketRequest(socket_id=ref.socket_id))).socket for ref in refs]


# -- a server that shows itself ---------------------------------------------------------------------------------------


async def test_a_server_with_a_channelz_of_its_own() -> None:
    async with serving(servicer(Unary=echo, Down=count_up), channelz=True) as (stub, channel, server):
        channelz = pb.ChannelzStub(channel)
        before = datetime.now(UTC)
        await stub.Unary(Item())
        await failure_of(stub.Unary(Item(text="NOT_FOUND")))
        assert [item.number async for item in stub.Down(Item(number=3))] == [0, 1, 2]

        shown = await the_server(channelz)
        data = shown.data
        assert (data.calls_started, data.calls_succeeded, data.calls_failed) == (4, 2, 1)  # this one is open
        assert before - DAY < data.last_call_started_timestamp.to_datetime() < before + DAY
        assert [event.description for event in data.trace.events] == [f"listening on ipv4:{server.address}"]

        (socket,) = await sockets_of(channelz, shown)
        counted = socket.data
        assert (counted.streams_started, counted.streams_succeeded, counted.streams_failed) == (6, 5, 0)
        assert (counted.messages_received, counted.messages_sent) == (6, 1 + 3 + 2)
        assert counted.last_local_stream_created_timestamp is None  # servers open none
        for moment in (
            counted.last_remote_stream_created_timestamp,
            counted.last_message_sent_timestamp,
            counted.last_message_received_timestamp,
        ):
            assert before - DAY < moment.to_datetime() < before + DAY
        assert 0 < counted.local_flow_control_window.value < 2**31
        assert 0 < counted.remote_flow_control_window.value < 2**31
        assert socket.local.tcpip_address.ip_address == b"\x7f\0\0\1"
        assert socket.local.tcpip_address.port == int(server.address.rpartition(":")[2])
        assert socket.remote.tcpip_address.port > 0
        assert socket.ref.name == f"ipv4:127.0.0.1:{socket.remote.tcpip_address.port}"
        assert socket.security is None


async def test_socket_options() -> None:
    async with serving(channelz=True) as (_, channel, _server):
        channelz = pb.ChannelzStub(channel)
        (socket,) = await sockets_of(channelz, await the_server(channelz))
        options = {option.name: option for option in socket.data.option}
        assert options["TCP_NODELAY"].value == "1"
        assert options["SO_KEEPALIVE"].value in ("0", "1")
        assert options["SO_LINGER"].additional.unpack(pb.SocketOptionLinger).active is False
        assert options["SO_RCVTIMEO"].additional.is_type(pb.SocketOptionTimeout)
        if sys.platform == "linux":
            info = options["TCP_INFO"].additional.unpack(pb.SocketOptionTcpInfo)
            assert info.tcpi_state == 1  # established
            assert info.tcpi_snd_mss > 0
        request = pb.GetSocketRequest(socket_id=socket.ref.socket_id, summary=True)
        summary = (await channelz.GetSocket(request)).socket
        assert summary.data.option == []
        assert summary.data.streams_started > 0


async def test_tls() -> None:
    authority = trustme.CA()
    ours, theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("localhost").configure_cert(ours)
    authority.configure_trust(theirs)
    authority.configure_trust(ours)
    ours.verify_mode = ssl.CERT_REQUIRED
    authority.issue_cert("client@example.org").configure_cert(theirs)
    options: dict[str, Any] = {"tls": theirs, "authority": "localhost"}
    async with serving(tls=ours, channel=options, channelz=True) as (_, channel, _server):
        channelz = pb.ChannelzStub(channel)
        (socket,) = await sockets_of(channelz, await the_server(channelz))
        tls = socket.security.tls
        assert tls.which("cipher_suite") == "standard_name"
        assert tls.standard_name.startswith("TLS_")
        assert b"client@example.org" in tls.remote_certificate


async def test_tls_before_1_3_has_the_names_of_openssl() -> None:
    authority = trustme.CA()
    ours, theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    ours.maximum_version = ssl.TLSVersion.TLSv1_2
    authority.issue_cert("localhost").configure_cert(ours)
    authority.configure_trust(theirs)
    options: dict[str, Any] = {"tls": theirs, "authority": "localhost"}
    async with serving(tls=ours, channel=options, channelz=True) as (_, channel, _server):
        channelz = pb.ChannelzStub(channel)
        (socket,) = await sockets_of(channelz, await the_server(channelz))
        assert socket.security.tls.which("cipher_suite") == "other_name"
        assert socket.security.tls.remote_certificate == b""


async def test_unix_sockets(tmp_path: Any) -> None:
    address = f"unix:{tmp_path}/s"
    async with serving(address=address, channelz=True) as (_, channel, _server):
        channelz = pb.ChannelzStub(channel)
        server = await the_server(channelz)
        assert server.ref.name == address
        (socket,) = await sockets_of(channelz, server)
        assert socket.local.uds_address.filename == f"{tmp_path}/s"
        assert socket.remote is None


async def test_sockets_that_listen() -> None:
    async with serving(channelz=True) as (_, channel, server):
        await server.start("127.0.0.1:0")
        channelz = pb.ChannelzStub(channel)
        shown = await the_server(channelz)
        assert len(shown.listen_socket) == 2
        for ref in shown.listen_socket:
            socket = (await channelz.GetSocket(pb.GetSocketRequest(socket_id=ref.socket_id))).socket
            assert f"ipv4:127.0.0.1:{socket.local.tcpip_address.port}" == ref.name
            assert socket.remote is None


# -- a Channelz of several --------------------------------------------------------------------------------------------


async def test_servers_and_sockets_come_and_go() -> None:
    channelz = rpc.Channelz()
    async with (
        serving(servicer(Unary=echo), channelz=channelz) as (stub, channel, _one),
        serving(servicer(Unary=echo), channelz=channelz) as (_, _, two),
        serving(*rpc.admin_servicers(channelz=channelz)) as (_, admin, _admin),
    ):
        shown = pb.ChannelzStub(admin)
        unseen = await failure_of(pb.ChannelzStub(channel).GetServers(pb.GetServersRequest()))
        assert unseen.code is rpc.StatusCode.UNIMPLEMENTED  # to be shown is not to show
        await stub.Unary(Item())
        servers = (await shown.GetServers(pb.GetServersRequest())).server
        assert [server.data.calls_started for server in servers] == [2, 0]
        (socket,) = await sockets_of(shown, servers[0])
        assert socket.data.streams_started == 2

        await channel.close()
        await eventually(lambda: not channelz.all(SocketNode)[0].core)  # only those that listen are left
        gone = await failure_of(shown.GetSocket(pb.GetSocketRequest(socket_id=socket.ref.socket_id)))
        assert gone.code is rpc.StatusCode.NOT_FOUND
        await two.stop(0)
        assert len((await shown.GetServers(pb.GetServersRequest())).server) == 1
        gone = await failure_of(shown.GetServer(pb.GetServerRequest(server_id=servers[1].ref.server_id)))
        assert gone.code is rpc.StatusCode.NOT_FOUND


async def test_a_stopping_server_is_shown_until_its_last_call_has_ended() -> None:
    channelz = rpc.Channelz()
    async with serving(servicer(Unary=forever), channelz=channelz) as (stub, _, server):
        call = stub.Unary(Item())
        await eventually(lambda: server.calls.started)
        stopping = asyncio.create_task(server.stop(None))
        await eventually(lambda: not channelz.all(ServerNode)[0].listeners)
        (node,) = channelz.all(ServerNode)
        assert node.trace.events[-1].description == "stopping"
        call.cancel()
        await stopping
        assert channelz.all(ServerNode) == []
        assert channelz.all(SocketNode) == []
        assert (server.calls.started, server.calls.succeeded, server.calls.failed) == (1, 0, 1)


async def test_what_sockets_have_counted_adds_up_to_the_server() -> None:
    codes = ["", "", "ABORTED", "", "INTERNAL"]
    channelz = rpc.Channelz()
    async with (
        serving(servicer(Unary=echo, Down=count_up), channelz=channelz) as (_, one, server),
        rpc.Channel(server.address) as two,
    ):
        for channel in (one, two):
            calls = [Stub(channel).Unary(Item(text=code)) for code in codes]
            await asyncio.gather(*calls, return_exceptions=True)
        abandoned = Stub(two).Down(Item(number=1_000_000))
        await abandoned.receive()
        abandoned.cancel()
        await eventually(lambda: server.calls.failed == 5)
        (node,) = channelz.all(ServerNode)
        cores = [socket.core for socket in node.sockets.values() if socket.core]
        assert sum(core.streams.started for core in cores) == server.calls.started == 11
        assert sum(core.streams.succeeded for core in cores) == 10
        assert sum(core.streams.failed for core in cores) == 1
        assert (server.calls.succeeded, server.calls.failed) == (6, 5)


# -- ids and pages ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "request_", "what"),
    [
        ("GetServer", pb.GetServerRequest(server_id=99), "server 99"),
        ("GetServerSockets", pb.GetServerSocketsRequest(server_id=99), "server 99"),
        ("GetChannel", pb.GetChannelRequest(channel_id=1), "channel 1"),  # 1 is the server
        ("GetSubchannel", pb.GetSubchannelRequest(subchannel_id=-5), "subchannel -5"),
        ("GetSocket", pb.GetSocketRequest(), "socket 0"),
    ],
)
async def test_what_is_not_there(method: str, request_: Any, what: str) -> None:
    async with serving(channelz=True) as (_, channel, _server):
        error = await failure_of(getattr(pb.ChannelzStub(channel), method)(request_))
    assert (error.code, error.message) == (rpc.StatusCode.NOT_FOUND, f"there is no {what}")


def server_node(channelz: rpc.Channelz) -> ServerNode:
    return ServerNode("a server", channelz, CallCounters(), lambda: 0.0)


async def walk(channelz: rpc.Channelz, size: int, meanwhile: Any = lambda: None) -> list[int]:
    """The ids of all servers, page by page."""
    ids: list[int] = []
    for _ in range(1000):
        request = pb.GetServersRequest(start_server_id=ids[-1] + 1 if ids else 0, max_results=size)
        page = await ChannelzServicer(channelz).GetServers(request, None)
        assert len(page.server) <= size
        ids += [server.ref.server_id for server in page.server]
        if page.end:
            return ids
        assert page.server
        meanwhile()
    raise AssertionError("it never ends")


@given(count=st.integers(0, 12), size=st.integers(1, 5))
def test_pages_show_everything_once(count: int, size: int) -> None:
    channelz = rpc.Channelz()
    nodes = [server_node(channelz) for _ in range(count)]
    assert asyncio.run(walk(channelz, size)) == [node.id for node in nodes]


@given(st.data())
def test_pages_while_servers_come_and_go(data: st.DataObject) -> None:
    """Those that are there all the time are seen, once each."""
    channelz = rpc.Channelz()
    nodes = [server_node(channelz) for _ in range(8)]
    staying = {node.id for node in nodes[::2]}

    def meanwhile() -> None:
        if data.draw(st.booleans()):
            nodes.append(server_node(channelz))
        leaving = [node for node in nodes if node.id not in staying]
        if leaving and data.draw(st.booleans()):
            gone = data.draw(st.sampled_from(leaving))
            nodes.remove(gone)
            gone.close()

    seen = asyncio.run(walk(channelz, 2, meanwhile))
    assert seen == sorted(set(seen))
    assert staying <= set(seen)


def test_a_page_has_a_hundred_unless_asked_for_less() -> None:
    channelz = rpc.Channelz()
    nodes = [server_node(channelz) for _ in range(1101)]

    def size(wanted: int) -> tuple[int, bool]:
        page = asyncio.run(
            ChannelzServicer(channelz).GetServers(pb.GetServersRequest(max_results=wanted), None)
        )
        return len(page.server), page.end

    assert size(0) == size(-1) == (100, False)
    assert size(2**62) == (1000, False)
    del nodes[1000:]
    assert size(2**62) == (1000, True)


def test_ids_are_not_used_again() -> None:
    channelz = rpc.Channelz()
    seen: set[int] = set()
    for _ in range(50):
        nodes = [Node("x") for _ in range(3)]
        for node in nodes:
            channelz.register(node)
            assert node.id > max(seen, default=0)
            seen.add(node.id)
        channelz.forget(nodes[0])


def test_what_is_gone_is_not_shown() -> None:
    channelz = rpc.Channelz()
    node = server_node(channelz)
    assert channelz.all(ServerNode) == [node]
    del node
    assert channelz.all(ServerNode) == []


# -- traces -----------------------------------------------------------------------------------------------------------


def test_a_trace_is_bounded_and_says_how_much_there_was() -> None:
    moments = iter(range(1000))
    trace = Trace(lambda: float(next(moments)), limit=3)
    for number in range(10):
        trace.add(f"event {number}", Severity.WARNING if number == 9 else Severity.INFO)
    assert (trace.logged, trace.created) == (10, 0.0)
    assert [(event.description, event.when) for event in trace.events] == [
        ("event 7", 8.0),
        ("event 8", 9.0),
        ("event 9", 10.0),
    ]
    assert trace.events[-1].severity is Severity.WARNING


# -- channels ---------------------------------------------------------------------------------------------------------


async def only_channel(stub: Any) -> Any:
    response = await stub.GetTopChannels(pb.GetTopChannelsRequest())
    assert response.end
    (channel,) = response.channel
    again = (await stub.GetChannel(pb.GetChannelRequest(channel_id=channel.ref.channel_id))).channel
    assert (again.ref, again.data.trace, again.subchannel_ref) == (
        channel.ref,
        channel.data.trace,
        channel.subchannel_ref,
    )
    return channel


async def subchannels_of(stub: Any, channel: Any) -> list[Any]:
    requests = [pb.GetSubchannelRequest(subchannel_id=ref.subchannel_id) for ref in channel.subchannel_ref]
    return [(await stub.GetSubchannel(request)).subchannel for request in requests]


def state_of(shown: Any) -> str:
    return shown.data.state.state.name


def trace_of(shown: Any) -> list[str]:
    return [event.description for event in shown.data.trace.events]


async def test_a_channel_and_what_is_under_it() -> None:
    channelz = rpc.Channelz()
    admins = rpc.admin_servicers(channelz=channelz)
    async with (
        serving(*admins) as (_, admin, _admin),
        serving(servicer(Unary=echo), channel={"channelz": channelz}) as (stub, _, server),
    ):
        shown = pb.ChannelzStub(admin)
        channel = await only_channel(shown)
        assert channel.data.target.endswith(server.address)
        assert state_of(channel) == "IDLE"
        assert channel.subchannel_ref == []
        assert channel.data.last_call_started_timestamp is None

        before = datetime.now(UTC)
        await stub.Unary(Item())
        await failure_of(stub.Unary(Item(text="ABORTED")))
        channel = await only_channel(shown)
        (subchannel,) = await subchannels_of(shown, channel)
        for each in (channel, subchannel):
            assert state_of(each) == "READY"
            data = each.data
            assert (data.calls_started, data.calls_succeeded, data.calls_failed) == (2, 1, 1)
            assert before - DAY < data.last_call_started_timestamp.to_datetime() < before + DAY
        assert trace_of(subchannel) == ["CONNECTING", "READY"]
        trace = trace_of(channel)
        assert trace[0] == "CONNECTING"
        assert f"subchannel to {subchannel.data.target} created" in trace
        assert "resolved: 1 endpoints, balanced by pick_first" in trace
        assert trace[-1] == "READY"
        created = channel.data.trace.events[trace.index(f"subchannel to {subchannel.data.target} created")]
        assert created.subchannel_ref == subchannel.ref

        (ref,) = subchannel.socket_ref
        socket = (await shown.GetSocket(pb.GetSocketRequest(socket_id=ref.socket_id))).socket
        counted = socket.data
        assert (counted.streams_started, counted.streams_succeeded, counted.streams_failed) == (2, 2, 0)
        assert (counted.messages_sent, counted.messages_received) == (2, 1)
        assert counted.last_local_stream_created_timestamp is not None
        assert counted.last_remote_stream_created_timestamp is None
        assert counted.peer_max_concurrent_streams == server.limits.max_concurrent_streams
        assert socket.remote.tcpip_address.port == int(server.address.rpartition(":")[2])


async def test_a_channel_that_cannot_connect_says_why() -> None:
    channelz = rpc.Channelz()
    async with (
        serving(*rpc.admin_servicers(channelz=channelz)) as (_, admin, _server),
        rpc.Channel("127.0.0.1:1", channelz=channelz) as channel,
    ):
        await failure_of(Stub(channel).Unary(Item()))
        shown = pb.ChannelzStub(admin)
        top = await only_channel(shown)
        assert state_of(top) == "TRANSIENT_FAILURE"
        assert (top.data.calls_started, top.data.calls_failed) == (1, 1)
        (event,) = [event for event in top.data.trace.events if "TRANSIENT_FAILURE" in event.description]
        assert "Connection refused" in event.description
        assert event.severity.name == "CT_WARNING"
        (subchannel,) = await subchannels_of(shown, top)
        assert subchannel.data.calls_started == 0
        assert subchannel.socket_ref == []


async def test_channels_subchannels_and_sockets_go() -> None:
    channelz = rpc.Channelz()
    async with serving(servicer(Unary=echo)) as (_, _, server):
        channel = rpc.Channel(server.address, channelz=channelz)
        await Stub(channel).Unary(Item())
        assert [len(channelz.all(kind)) for kind in (ChannelNode, SubchannelNode, SocketNode)] == [1, 1, 1]
        await channel.close()
        assert [len(channelz.all(kind)) for kind in (ChannelNode, SubchannelNode, SocketNode)] == [0, 0, 0]
        assert (channel.calls.started, channel.calls.succeeded) == (1, 1)


async def test_a_subchannel_is_shown_while_a_call_runs_on_it() -> None:
    channelz = rpc.Channelz()
    options = {"channelz": channelz}
    async with serving(servicer(Unary=forever), channel=options) as (stub, channel, server):
        call = stub.Unary(Item())
        await eventually(lambda: server.calls.started)
        channel.enter_idle()
        (subchannel,) = channelz.all(SubchannelNode)
        assert subchannel.state() is SHUTDOWN
        assert len(subchannel.sockets) == 1
        call.cancel()
        await eventually(lambda: not channelz.all(SubchannelNode))
        (top,) = channelz.all(ChannelNode)
        assert top.trace.events[-1].description == f"subchannel to {subchannel.name} deleted"
        assert top.subchannels == {}


async def test_attempts_are_the_subchannels() -> None:
    """A call that is tried three times is one call of the channel."""
    policy = {
        "maxAttempts": 3,
        "initialBackoff": "0.001s",
        "maxBackoff": "0.001s",
        "backoffMultiplier": 1,
        "retryableStatusCodes": ["ABORTED"],
    }
    config = {"methodConfig": [{"name": [{}], "retryPolicy": policy}]}
    channelz = rpc.Channelz()
    options = {"channelz": channelz, "service_config": config}
    async with serving(servicer(Unary=echo), channel=options) as (stub, channel, _):
        await failure_of(stub.Unary(Item(text="ABORTED")))
        (subchannel,) = channelz.all(SubchannelNode)
        assert (channel.calls.started, channel.calls.failed) == (1, 1)
        assert (subchannel.calls.started, subchannel.calls.failed) == (3, 3)


async def test_every_way_to_end_is_counted_once() -> None:
    channelz = rpc.Channelz()
    handlers = servicer(Unary=echo, Down=count_up, Both=forever)
    async with serving(handlers, channel={"channelz": channelz}) as (stub, channel, _):
        await failure_of(stub.Unary(Item(), timeout=-1))  # never begins
        await stub.Unary(Item())
        await failure_of(stub.Up([]))
        dropped = stub.Down(Item(number=100_000))
        await dropped.receive()
        dropped.cancel()
        open_call = stub.Both()
        await open_call.send(Item())
        del dropped
        await eventually(lambda: channel.calls.failed == 2)
        calls = channel.calls
        assert (calls.started, calls.succeeded, calls.failed) == (4, 1, 2)
        await channel.close()
        assert (calls.started, calls.succeeded, calls.failed) == (4, 1, 3)


async def test_a_blocking_channel() -> None:
    channelz = rpc.Channelz()

    def use(address: str) -> tuple[int, ...]:
        with rpc.sync.Channel(address, channelz=channelz) as channel:
            Stub(channel).Unary(Item(), timeout=20)
            counts = tuple(len(channelz.all(kind)) for kind in (ChannelNode, SubchannelNode, SocketNode))
            (node,) = channelz.all(SubchannelNode)
            assert node.state().name == "READY"
            socket_options = asyncio.run(
                ChannelzServicer(channelz).GetSocket(
                    pb.GetSocketRequest(socket_id=channelz.all(SocketNode)[0].id), None
                )
            ).socket.data.option
            assert {option.name: option.value for option in socket_options}["TCP_NODELAY"] == "1"
        return counts

    async with serving(servicer(Unary=echo)) as (_, _, server):
        assert await asyncio.to_thread(use, server.address) == (1, 1, 1)
    assert [len(channelz.all(kind)) for kind in (ChannelNode, SubchannelNode, SocketNode)] == [0, 0, 0]
