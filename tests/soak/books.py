"""What channelz has counted on both sides, and whether it adds up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from barewire import rpc
from barewire.rpc.services.bundled import bundled

pb: Any = bundled("grpc/channelz/v1/channelz.proto")


@dataclass(frozen=True)
class Counts:
    """Calls or streams, and messages; of a server, a channel, or a connection."""

    what: str
    started: int
    succeeded: int
    failed: int
    sent: int = 0
    received: int = 0

    @property
    def adds_up(self) -> bool:
        return self.started == self.succeeded + self.failed


async def server_books(admin: rpc.Channel) -> list[Counts]:
    """The server first, then its connections."""
    stub = pb.ChannelzStub(admin)
    (server,) = (await stub.GetServers(pb.GetServersRequest())).server
    refs = (
        await stub.GetServerSockets(pb.GetServerSocketsRequest(server_id=server.ref.server_id))
    ).socket_ref
    sockets = [await _socket(stub, ref, "server's connection") for ref in refs]
    return [_calls("server", server.data), *sockets]


async def client_books(admin: rpc.Channel) -> list[Counts]:
    """Each channel, its subchannels, their connections."""
    stub = pb.ChannelzStub(admin)
    found: list[Counts] = []
    for channel in (await stub.GetTopChannels(pb.GetTopChannelsRequest())).channel:
        found.append(_calls("channel", channel.data))
        for ref in channel.subchannel_ref:
            request = pb.GetSubchannelRequest(subchannel_id=ref.subchannel_id)
            subchannel = (await stub.GetSubchannel(request)).subchannel
            found.append(_calls("subchannel", subchannel.data))
            found += [await _socket(stub, each, "client's connection") for each in subchannel.socket_ref]
    return found


def _calls(what: str, data: Any) -> Counts:
    return Counts(what, data.calls_started, data.calls_succeeded, data.calls_failed)


async def _socket(stub: Any, ref: Any, what: str) -> Counts:
    data = (await stub.GetSocket(pb.GetSocketRequest(socket_id=ref.socket_id))).socket.data
    return Counts(
        what,
        data.streams_started,
        data.streams_succeeded,
        data.streams_failed,
        data.messages_sent,
        data.messages_received,
    )


def complaints(server: list[Counts], client: list[Counts]) -> Iterator[str]:
    """What does not add up, once no call is open."""
    for counts in [*server, *client]:
        if not counts.adds_up:
            yield f"{counts}: started is not succeeded + failed"
    whole, *server_sockets = server
    client_sockets = [counts for counts in client if counts.what == "client's connection"]
    if whole.started != sum(counts.started for counts in server_sockets):
        yield "the server's calls are not the streams of its connections"
    ours, theirs = (sorted(each.started for each in side) for side in (client_sockets, server_sockets))
    if ours != theirs:
        yield f"streams begun by clients {ours}, seen by the server {theirs}"
    for what, sent, received in (
        ("requests", client_sockets, server_sockets),
        ("responses", server_sockets, client_sockets),
    ):
        out, into = sum(each.sent for each in sent), sum(each.received for each in received)
        if into > out:
            yield f"more {what} came ({into}) than were sent ({out})"
