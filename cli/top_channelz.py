"""What channelz tells `barewire top`, with any peer that has it: servers and their connections, without methods."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..rpc import Channel, Metadata, RpcError, StatusCode
from ..rpc.services.bundled import bundled
from .top_view import Row, Table, View

_MAX_SOCKETS = 200  # each costs a call
_SERVER_COLUMNS = {
    "server": "SERVER",
    "calls_per_second": "CALLS/S",
    "errors_per_second": "ERR/S",
    "active": "ACTIVE",
    "calls": "CALLS",
    "errors": "ERRORS",
}
_SOCKET_COLUMNS = {
    "socket": "CONNECTION",
    "streams_per_second": "STREAMS/S",
    "received_per_second": "IN/S",
    "sent_per_second": "OUT/S",
    "active": "ACTIVE",
    "streams": "STREAMS",
    "failed": "FAILED",
}

Counts = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class _Sample:
    """What was counted at one time, by id and name."""

    time: float
    servers: Mapping[tuple[int, str], Counts]
    sockets: Mapping[tuple[int, str], Counts]


async def views_of_channelz(
    channel: Channel, metadata: Metadata, interval: float
) -> AsyncGenerator[View, None]:
    """A view for each interval. Raises RpcError; UNIMPLEMENTED if the server has no channelz."""
    reader = _Reader(channel, metadata)
    last = await reader.sample()
    while True:
        await asyncio.sleep(interval)
        sample = await reader.sample()
        yield _between(last, sample)
        last = sample


class _Reader:
    def __init__(self, channel: Channel, metadata: Metadata) -> None:
        self._pb: Any = bundled("grpc/channelz/v1/channelz.proto")
        self._stub: Any = self._pb.ChannelzStub(channel)
        self._metadata = metadata

    async def sample(self) -> _Sample:
        """Everything, as it is now."""
        servers = [server async for server in self._servers()]
        refs = [ref for server in servers async for ref in self._socket_refs(server.ref.server_id)]
        sockets = [socket for ref in refs[:_MAX_SOCKETS] if (socket := await self._socket(ref)) is not None]
        return _Sample(
            asyncio.get_running_loop().time(),
            {
                (server.ref.server_id, _name_of_server(server)): _counts_of_server(server)
                for server in servers
            },
            {
                (socket.ref.socket_id, _name_of_socket(socket)): _counts_of_socket(socket)
                for socket in sockets
            },
        )

    async def _servers(self) -> AsyncIterator[Any]:
        start, end = 0, False
        while not end:
            request = self._pb.GetServersRequest(start_server_id=start)
            page = await self._stub.GetServers(request, metadata=self._metadata)
            for server in page.server:
                yield server
                start = max(start, server.ref.server_id + 1)
            end = page.end or not page.server

    async def _socket_refs(self, server_id: int) -> AsyncIterator[Any]:
        start, end, count = 0, False, 0
        while not end and count < _MAX_SOCKETS:
            request = self._pb.GetServerSocketsRequest(server_id=server_id, start_socket_id=start)
            try:
                page = await self._stub.GetServerSockets(request, metadata=self._metadata)
            except RpcError as error:
                if error.code is StatusCode.NOT_FOUND:  # it has stopped meanwhile
                    return
                raise
            for ref in page.socket_ref:
                yield ref
                start = max(start, ref.socket_id + 1)
            count += len(page.socket_ref)
            end = page.end or not page.socket_ref

    async def _socket(self, ref: Any) -> Any:
        """One connection, None if it has ended meanwhile."""
        request = self._pb.GetSocketRequest(socket_id=ref.socket_id, summary=True)
        try:
            return (await self._stub.GetSocket(request, metadata=self._metadata)).socket
        except RpcError as error:
            if error.code is StatusCode.NOT_FOUND:
                return None
            raise


def _name_of_server(server: Any) -> str:
    listening = " ".join(ref.name for ref in server.listen_socket)
    return server.ref.name or listening or f"server {server.ref.server_id}"


def _name_of_socket(socket: Any) -> str:
    return socket.ref.name or f"socket {socket.ref.socket_id}"


def _counts_of_server(server: Any) -> Counts:
    data = server.data
    if data is None:
        return {"calls": 0, "succeeded": 0, "errors": 0}
    return {"calls": data.calls_started, "succeeded": data.calls_succeeded, "errors": data.calls_failed}


def _counts_of_socket(socket: Any) -> Counts:
    data = socket.data
    names = {
        "streams": "streams_started",
        "succeeded": "streams_succeeded",
        "failed": "streams_failed",
        "received": "messages_received",
        "sent": "messages_sent",
    }
    return {name: 0 if data is None else getattr(data, field) for name, field in names.items()}


def _between(before: _Sample, after: _Sample) -> View:
    seconds = max(after.time - before.time, 1e-9)
    servers = [_server_row(key, before.servers.get(key), now, seconds) for key, now in after.servers.items()]
    sockets = [_socket_row(key, before.sockets.get(key), now, seconds) for key, now in after.sockets.items()]
    sockets.sort(key=lambda row: -row["streams_per_second"])
    tables = [Table("servers", _SERVER_COLUMNS, servers), Table("sockets", _SOCKET_COLUMNS, sockets)]
    return View("grpc.channelz.v1", seconds, tables)


def _rates(names: Iterable[str], before: Counts | None, after: Counts, seconds: float) -> dict[str, float]:
    earlier = before or {}
    return {f"{name}_per_second": round((after[name] - earlier.get(name, 0)) / seconds, 2) for name in names}


def _server_row(key: tuple[int, str], before: Counts | None, after: Counts, seconds: float) -> Row:
    return {
        "id": key[0],
        "server": key[1],
        **_rates(("calls", "errors"), before, after, seconds),
        "active": after["calls"] - after["succeeded"] - after["errors"],
        "calls": after["calls"],
        "errors": after["errors"],
    }


def _socket_row(key: tuple[int, str], before: Counts | None, after: Counts, seconds: float) -> Row:
    return {
        "id": key[0],
        "socket": key[1],
        **_rates(("streams", "received", "sent"), before, after, seconds),
        "active": after["streams"] - after["succeeded"] - after["failed"],
        "streams": after["streams"],
        "failed": after["failed"],
    }
