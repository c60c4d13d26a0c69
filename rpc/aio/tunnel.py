"""Connecting through an HTTP CONNECT proxy on asyncio."""

from __future__ import annotations

import asyncio
import socket

from ..proxy import ConnectHandshake, Proxy
from ..target import Target


async def open_tunnel(loop: asyncio.AbstractEventLoop, address: Target, proxy: Proxy) -> socket.socket:
    """A socket that leads, through the proxy at `address`, to the target. Raises what prevents it."""
    found = await loop.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    family, kind, protocol, _, socket_address = found[0]
    sock = socket.socket(family, kind, protocol)
    try:
        sock.setblocking(False)
        await loop.sock_connect(sock, socket_address)
        handshake = ConnectHandshake(proxy)
        await loop.sock_sendall(sock, handshake.request)
        # Byte by byte, so that nothing of what follows is taken from whoever reads the socket next.
        while handshake.receive(await loop.sock_recv(sock, 1)) is None:
            pass
    except BaseException:
        sock.close()
        raise
    return sock
