"""The services of an admin port, in one call (proposal A38)."""

from __future__ import annotations

from .call_stats import CallStats
from .channelz import Channelz


def admin_servicers(
    *, channelz: Channelz | None = None, stats: CallStats | None = None, health: object | None = None
) -> list[object]:
    """Servicers that show what `channelz` and `stats` know, for a server on a port of its own:

    admin = rpc.Server(rpc.admin_servicers(channelz=channelz, health=server.health))

    `health` is the health service of the server that is watched over; without it the admin server has its own.
    Reflection comes with every server. They tell who is connected: listen on localhost, a unix socket, or with TLS.
    """
    # Imported here: each compiles its schema.
    servicers: list[object] = []
    if channelz is not None:
        from .services.channelz import ChannelzServicer

        servicers.append(ChannelzServicer(channelz))
    if stats is not None:
        from .services.stats import StatsServicer

        servicers.append(StatsServicer(stats))
    if health is not None:
        servicers.append(health)
    return servicers
