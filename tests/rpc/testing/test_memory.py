"""Transports in memory behave as asyncio's sockets do."""

from __future__ import annotations

import asyncio

from barewire.rpc import testing


class Peer(asyncio.Protocol):
    """Keeps what happens to it, with the time."""

    def __init__(self) -> None:
        self.received = b""
        self.log: list[tuple[str, float]] = []
        self.error: Exception | None = None

    def _note(self, what: str) -> None:
        self.log.append((what, round(asyncio.get_running_loop().time(), 3)))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._note("made")

    def data_received(self, data: bytes) -> None:
        self.received += data
        self._note("data")

    def connection_lost(self, exc: Exception | None) -> None:
        self.error = exc
        self._note("lost")

    def pause_writing(self) -> None:
        self._note("pause")

    def resume_writing(self) -> None:
        self._note("resume")


def connect(latency: float = 0.0) -> tuple[Peer, Peer, testing.MemoryConnection]:
    client, server = Peer(), Peer()
    return client, server, testing.MemoryConnection(client, server, latency=latency)


@testing.virtual_time
async def test_bytes_arrive_in_order_after_the_latency() -> None:
    client, server, connection = connect(latency=2)
    connection.client.write(b"a")
    await asyncio.sleep(1)
    connection.client.write(b"b")
    await asyncio.sleep(1.5)
    assert server.received == b"a"
    await asyncio.sleep(1)
    assert server.received == b"ab"
    assert server.log == [("made", 0), ("data", 2), ("data", 3)]
    assert client.log == [("made", 0)]


@testing.virtual_time
async def test_the_other_end_sees_a_close_after_what_was_written() -> None:
    client, server, connection = connect(latency=1)
    connection.client.write(b"last words")
    connection.client.close()
    connection.client.write(b"too late")
    await asyncio.sleep(10)
    assert server.received == b"last words"
    assert [what for what, _ in server.log] == ["made", "data", "lost"]
    assert client.log == [("made", 0), ("lost", 0)]
    assert client.error is None
    assert server.error is None
    assert connection.is_closed


@testing.virtual_time
async def test_abort_loses_what_is_on_its_way() -> None:
    _, server, connection = connect(latency=1)
    connection.client.write(b"lost")
    connection.client.abort()
    await asyncio.sleep(10)
    assert server.received == b""
    assert server.log[-1][0] == "lost"


@testing.virtual_time
async def test_a_severed_connection_is_lost_on_both_sides_with_the_reason() -> None:
    client, server, connection = connect(latency=1)
    connection.client.write(b"lost")
    connection.sever("cable cut")
    await asyncio.sleep(10)
    assert server.received == b""
    assert str(client.error) == str(server.error) == "cable cut"


@testing.virtual_time
async def test_a_stalled_connection_keeps_what_is_sent() -> None:
    client, server, connection = connect()
    connection.stall()
    connection.client.write(b"a")
    connection.server.write(b"b")
    await asyncio.sleep(100)
    assert (client.received, server.received) == (b"", b"")
    connection.resume()
    await asyncio.sleep(0)
    assert (client.received, server.received) == (b"b", b"a")


@testing.virtual_time
async def test_back_pressure() -> None:
    client, server, connection = connect()
    connection.server.pause_reading()
    assert not connection.server.is_reading()
    connection.client.write(bytes(100_000))
    await asyncio.sleep(1)
    assert connection.client.get_write_buffer_size() == 100_000
    assert client.log == [("made", 0), ("pause", 0)]
    connection.server.resume_reading()
    await asyncio.sleep(1)
    assert len(server.received) == 100_000
    assert client.log[-1] == ("resume", 1)
