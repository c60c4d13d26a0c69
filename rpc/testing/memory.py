"""Connections in memory: two asyncio transports back to back, without a socket between them."""

from __future__ import annotations

import asyncio
from collections import deque

from ..arguments import SECONDS_OR_ZERO, check

_HIGH_WATER = 64 * 1024  # bytes on their way at which the writer is told to pause, as asyncio's sockets do


class MemoryConnection:
    """Two protocols that talk to each other, with `latency` seconds from one to the other.

    `client` and `server` are the transports. `sever` cuts both off from each other, `stall` lets nothing through until
    `resume`; what is sent meanwhile is kept, as a network would.
    """

    def __init__(
        self,
        client: asyncio.Protocol,
        server: asyncio.Protocol,
        *,
        latency: float = 0.0,
    ) -> None:
        check("latency", latency, SECONDS_OR_ZERO)
        self.latency = latency
        self.stalled = False
        self.client = MemoryTransport(self, client, "memory:client", "memory:server")
        self.server = MemoryTransport(self, server, "memory:server", "memory:client")
        self.client.other, self.server.other = self.server, self.client
        server.connection_made(self.server)
        client.connection_made(self.client)

    def stall(self) -> None:
        """Let no byte through from now on: a cable that nobody notices to be cut."""
        self.stalled = True

    def resume(self) -> None:
        """Let bytes through again, those kept first."""
        self.stalled = False
        for transport in (self.client, self.server):
            transport.deliver()

    def sever(self, reason: str = "connection reset by peer") -> None:
        """End the connection for both sides at once, as a reset does."""
        for transport in (self.client, self.server):
            transport.lose(ConnectionResetError(reason))

    @property
    def is_closed(self) -> bool:
        return self.client.is_closing() and self.server.is_closing()


class MemoryTransport(asyncio.Transport):
    """One end. Bytes reach the other end's protocol in a later turn of the loop, in order."""

    other: MemoryTransport

    def __init__(
        self, connection: MemoryConnection, protocol: asyncio.BaseProtocol, address: str, peer: str
    ) -> None:
        super().__init__({"sockname": address, "peername": peer})
        self._connection = connection
        self._protocol: asyncio.BaseProtocol | None = protocol
        self._loop = asyncio.get_running_loop()
        self._on_its_way: deque[bytes] = deque()  # written here, not yet taken there; empty: the end
        self._arrived = 0  # how many of them have come far enough to be taken
        self._size = 0
        self._closing = False
        self._reading = True
        self._paused = False

    # -- writing --------------------------------------------------------------------------------------------------

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if data and not self._closing:
            self._send(bytes(data))

    def _send(self, data: bytes) -> None:
        self._on_its_way.append(data)
        self._size += len(data)
        if self._size > _HIGH_WATER and not self._paused and isinstance(self._protocol, asyncio.Protocol):
            self._paused = True
            self._protocol.pause_writing()
        if self._connection.latency:
            self._loop.call_later(self._connection.latency, self._arrive)
        else:
            self._loop.call_soon(self._arrive)

    def _arrive(self) -> None:
        self._arrived += 1
        self.deliver()

    def deliver(self) -> None:
        """Give the other end what has come to it, unless it has paused or the connection stalls."""
        while self._arrived and self.other._reading and not self._connection.stalled:
            self._arrived -= 1
            if not self._on_its_way:  # it was lost
                continue
            data = self._on_its_way.popleft()
            self._size -= len(data)
            if not data:
                self.other.close()
                return
            receiver = self.other._protocol
            if isinstance(receiver, asyncio.Protocol):
                receiver.data_received(data)
        if self._paused and self._size <= _HIGH_WATER // 4:
            self._paused = False
            if isinstance(self._protocol, asyncio.Protocol):
                self._protocol.resume_writing()

    def get_write_buffer_size(self) -> int:
        return self._size

    def can_write_eof(self) -> bool:
        return False

    # -- reading --------------------------------------------------------------------------------------------------

    def pause_reading(self) -> None:
        self._reading = False

    def resume_reading(self) -> None:
        self._reading = True
        self._loop.call_soon(self.other.deliver)

    def is_reading(self) -> bool:
        return self._reading

    # -- ending ---------------------------------------------------------------------------------------------------

    def is_closing(self) -> bool:
        return self._closing

    def close(self) -> None:
        """Close this end; the other sees it after all that has been written."""
        if not self._closing:
            self._send(b"")
            self._closing = True
            self._loop.call_soon(self._lost, None)

    def abort(self) -> None:
        """Close this end at once; what is on its way is lost."""
        self._on_its_way.clear()
        self.close()

    def lose(self, error: Exception) -> None:
        """The connection is gone."""
        self._on_its_way.clear()
        if not self._closing:
            self._closing = True
            self._loop.call_soon(self._lost, error)

    def _lost(self, error: Exception | None) -> None:
        protocol, self._protocol = self._protocol, None
        if protocol is not None:
            protocol.connection_lost(error)

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._protocol = protocol

    def get_protocol(self) -> asyncio.BaseProtocol:
        assert self._protocol is not None
        return self._protocol

    def __repr__(self) -> str:
        state = "closed" if self._closing else "open"
        return f"<MemoryTransport {self.get_extra_info('sockname')} {state}>"
