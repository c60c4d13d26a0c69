"""grpc.channelz.v1.Channelz: the channels, servers and connections of a process, with what they have counted (R100)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from ...schema import wkt
from ..channelz import (
    ChannelNode,
    Channelz,
    Node,
    ServerNode,
    SocketNode,
    SubchannelNode,
    Trace,
    TraceEvent,
)
from ..client_connection import ClientConnection
from ..connection import Connection
from ..counters import CallCounters
from ..errors import RpcError
from ..status import StatusCode
from .bundled import bundled
from .channelz_sockets import addresses, options, security

_pb: Any = bundled("grpc/channelz/v1/channelz.proto")
_Base: Any = _pb.ChannelzServicer

_PAGE = 100
_LARGEST_PAGE = 1000

N = TypeVar("N", bound=Node)


class ChannelzServicer(_Base):
    """Shows what is registered with a Channelz. It tells addresses and certificates of peers: not for everybody."""

    def __init__(self, channelz: Channelz) -> None:
        self._channelz = channelz

    async def GetTopChannels(self, request: Any, context: Any) -> Any:
        """A page of the channels."""
        channels, end = _page(self._channelz.all(ChannelNode), request.start_channel_id, request.max_results)
        return _pb.GetTopChannelsResponse(channel=[self._channel(node) for node in channels], end=end)

    async def GetServers(self, request: Any, context: Any) -> Any:
        """A page of the servers."""
        servers, end = _page(self._channelz.all(ServerNode), request.start_server_id, request.max_results)
        return _pb.GetServersResponse(server=[self._server(node) for node in servers], end=end)

    async def GetServer(self, request: Any, context: Any) -> Any:
        """One server."""
        return _pb.GetServerResponse(server=self._server(self._find(ServerNode, request.server_id)))

    async def GetServerSockets(self, request: Any, context: Any) -> Any:
        """A page of the connections of a server."""
        server = self._find(ServerNode, request.server_id)
        sockets, end = _page(_children(server.sockets), request.start_socket_id, request.max_results)
        return _pb.GetServerSocketsResponse(socket_ref=map(_socket_ref, sockets), end=end)

    async def GetChannel(self, request: Any, context: Any) -> Any:
        """One channel."""
        return _pb.GetChannelResponse(channel=self._channel(self._find(ChannelNode, request.channel_id)))

    async def GetSubchannel(self, request: Any, context: Any) -> Any:
        """One subchannel."""
        node = self._find(SubchannelNode, request.subchannel_id)
        subchannel = _pb.Subchannel(
            ref=_subchannel_ref(node),
            data=self._channel_data(node),
            socket_ref=map(_socket_ref, _children(node.sockets)),
        )
        return _pb.GetSubchannelResponse(subchannel=subchannel)

    async def GetSocket(self, request: Any, context: Any) -> Any:
        """One connection, or a socket that listens; its options unless a summary is wanted."""
        node = self._find(SocketNode, request.socket_id)
        local, remote = addresses(node)
        data = self._socket_data(node)
        if not request.summary:
            data.option = list(options(node.sock))
        socket = _pb.Socket(
            ref=_socket_ref(node),
            data=data,
            local=local,
            remote=remote,
            security=security(node.tls),
        )
        return _pb.GetSocketResponse(socket=socket)

    def _find(self, kind: type[N], node_id: int) -> N:
        node = self._channelz.find(kind, node_id)
        if node is None:
            what = kind.__name__.removesuffix("Node").lower()
            raise RpcError(StatusCode.NOT_FOUND, f"there is no {what} {node_id}")
        return node

    # -- messages -------------------------------------------------------------------------------------------------

    def _timestamp(self, moment: float | None, now: Callable[[], float]) -> Any:
        """A time of a shell's clock, by the wall clock."""
        return None if moment is None else _wall(self._channelz.clock() - max(0.0, now() - moment))

    def _call_data(self, node: ServerNode | ChannelNode | SubchannelNode) -> dict[str, Any]:
        calls: CallCounters = node.calls
        return {
            "trace": _trace(node.trace),
            "calls_started": calls.started,
            "calls_succeeded": calls.succeeded,
            "calls_failed": calls.failed,
            "last_call_started_timestamp": self._timestamp(calls.last_started, node.now),
        }

    def _server(self, node: ServerNode) -> Any:
        return _pb.Server(
            ref=_pb.ServerRef(server_id=node.id, name=node.name),
            data=_pb.ServerData(**self._call_data(node)),
            listen_socket=map(_socket_ref, _children(node.listeners)),
        )

    def _channel(self, node: ChannelNode) -> Any:
        return _pb.Channel(
            ref=_pb.ChannelRef(channel_id=node.id, name=node.name),
            data=self._channel_data(node),
            subchannel_ref=map(_subchannel_ref, _children(node.subchannels)),
            socket_ref=map(_socket_ref, _children(node.sockets)),
        )

    def _channel_data(self, node: ChannelNode | SubchannelNode) -> Any:
        state = _pb.ChannelConnectivityState(state=int(node.state()))
        return _pb.ChannelData(
            state=state,
            target=node.name,
            max_connections_per_subchannel=node.max_connections if isinstance(node, ChannelNode) else 0,
            **self._call_data(node),
        )

    def _socket_data(self, node: SocketNode) -> Any:
        core = node.core
        if core is None:
            return _pb.SocketData()
        streams = core.streams
        started = "local" if isinstance(core, ClientConnection) else "remote"
        times = {
            f"last_{started}_stream_created": streams.last_started,
            "last_message_sent": streams.last_message_sent,
            "last_message_received": streams.last_message_received,
        }
        return _pb.SocketData(
            streams_started=streams.started,
            streams_succeeded=streams.succeeded,
            streams_failed=streams.failed,
            messages_sent=streams.messages_sent,
            messages_received=streams.messages_received,
            keep_alives_sent=streams.keepalives_sent,
            **{f"{name}_timestamp": self._timestamp(moment, node.now) for name, moment in times.items()},
            **_flow(core),
        )


def _flow(core: Connection) -> dict[str, Any]:
    """What the other side allows: windows, streams, and whether it has said good-bye."""
    ours, theirs = core.http2.windows
    goaway = core.goaway_error
    return {
        "local_flow_control_window": wkt.Int64Value(value=ours),
        "remote_flow_control_window": wkt.Int64Value(value=theirs),
        "received_goaway_error": None if goaway is None else wkt.UInt32Value(value=goaway),
        "peer_max_concurrent_streams": min(core.http2.peer_max_concurrent_streams, 2**32 - 1),
    }


def _page(nodes: Sequence[N], start: int, limit: int) -> tuple[list[N], bool]:
    """Those from the id `start` on, at most `limit` (0: as many as we like), and whether these are all."""
    size = min(limit, _LARGEST_PAGE) if limit > 0 else _PAGE
    rest = [node for node in nodes if node.id >= start]
    return rest[:size], len(rest) <= size


def _children(nodes: dict[int, N]) -> list[N]:
    return sorted(nodes.copy().values(), key=lambda node: node.id)  # other threads change it meanwhile


def _socket_ref(node: SocketNode) -> Any:
    return _pb.SocketRef(socket_id=node.id, name=node.name)


def _subchannel_ref(node: Node) -> Any:
    return _pb.SubchannelRef(subchannel_id=node.id, name=node.name)


def _wall(moment: float) -> Any:
    return wkt.Timestamp.from_nanoseconds(int(moment * 1e9))


def _trace(trace: Trace) -> Any:
    events: Iterable[TraceEvent] = list(trace.events)
    return _pb.ChannelTrace(
        num_events_logged=trace.logged,
        creation_timestamp=_wall(trace.created),
        events=[_event(event) for event in events],
    )


def _event(event: TraceEvent) -> Any:
    child = event.subchannel
    return _pb.ChannelTraceEvent(
        description=event.description,
        severity=event.severity,
        timestamp=_wall(event.when),
        subchannel_ref=_pb.SubchannelRef(subchannel_id=child[0], name=child[1]) if child else None,
    )
