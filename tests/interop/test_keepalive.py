"""Keepalive, connection age and bandwidth samples between us and grpcio."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event
from typing import Any

import grpc
import pytest

from barewire import rpc
from barewire.rpc import Keepalive, PingPolicy, StatusCode
from tests.support.rpc_blocking import ServerThread
from tests.support.rpc_service import PATIENCE, Item, servicer

HOLD, DOWN = "/shapes.Shapes/Unary", "/shapes.Shapes/Down"
CHUNK = Item(data=bytes(1_000_000)).encode()
CHUNKS = 40


@contextmanager
def grpcio_server(hold: Callable[..., bytes], *options: tuple[str, int]) -> Iterator[str]:
    """A grpcio server with the two methods; yields its target."""
    server = grpc.server(ThreadPoolExecutor(4), options=options)
    handlers = {
        "Unary": grpc.unary_unary_rpc_method_handler(hold),
        "Down": grpc.unary_stream_rpc_method_handler(lambda request, context: iter([CHUNK] * CHUNKS)),
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("shapes.Shapes", handlers),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(0).wait(PATIENCE)


def until_over(request: bytes, context: Any) -> bytes:
    """A handler that waits for the end of its call."""
    over = Event()
    context.add_callback(over.set)
    over.wait(PATIENCE)
    return b""


@pytest.mark.rule(67)
@pytest.mark.rule(68)
@pytest.mark.parametrize("shell", ["aio", "sync"])
def test_r67_grpcio_has_enough_of_our_pings(shell: str, caplog: pytest.LogCaptureFixture) -> None:
    quick = Keepalive(time=0.05, timeout=PATIENCE)

    async def call(target: str) -> tuple[rpc.RpcError, Keepalive]:
        async with rpc.Channel(target, retries=False) as channel:
            channel.keepalive = quick  # less than a user may have
            with pytest.raises(rpc.RpcError) as caught:
                await channel.unary_unary(HOLD)(b"", timeout=PATIENCE)
            return caught.value, channel.keepalive

    with grpcio_server(until_over) as target:
        if shell == "aio":
            error, after = asyncio.run(call(target))
        else:
            with rpc.sync.Channel(target, retries=False) as channel:
                channel.keepalive = quick
                with pytest.raises(rpc.RpcError) as caught:
                    channel.unary_unary(HOLD)(b"", timeout=PATIENCE)
                error, after = caught.value, channel.keepalive
    assert error.code is StatusCode.UNAVAILABLE
    assert after == Keepalive(time=0.1, timeout=PATIENCE)
    assert "too_many_pings" in caplog.text


@pytest.mark.rule(68)
def test_r68_grpcio_pings_too_often() -> None:
    async def hold(request: Any, context: Any) -> Any:
        await asyncio.sleep(PATIENCE)
        return Item()

    server = ServerThread(servicer(Unary=hold), ping_policy=PingPolicy(min_interval=3600))
    options = [
        ("grpc.keepalive_time_ms", 100),
        ("grpc.http2.max_pings_without_data", 0),
        ("grpc.enable_retries", 0),
    ]
    try:
        with (
            grpc.insecure_channel(server.target, options=options) as channel,
            pytest.raises(grpc.RpcError) as caught,
        ):
            channel.unary_unary(HOLD)(b"", timeout=PATIENCE)
    finally:
        server.close(0)
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    assert "too_many_pings" in str(caught.value.details())


@pytest.mark.rule(68)
@pytest.mark.rule(72)
@pytest.mark.parametrize("shell", ["aio", "sync"])
def test_r68_samples_of_the_bandwidth_are_no_strikes(shell: str, caplog: pytest.LogCaptureFixture) -> None:
    """grpcio permits a PING every five minutes; the samples come behind its own DATA."""
    options = [("grpc.http2.max_ping_strikes", 1)]

    async def read(target: str) -> int:
        async with rpc.Channel(target, retries=False) as channel:
            return sum([len(chunk) async for chunk in channel.unary_stream(DOWN)(b"", timeout=PATIENCE)])

    with grpcio_server(until_over, *options) as target:
        if shell == "aio":
            size = asyncio.run(read(target))
        else:
            with rpc.sync.Channel(target, retries=False) as channel:
                size = sum(len(chunk) for chunk in channel.unary_stream(DOWN)(b"", timeout=PATIENCE))
    assert size == CHUNKS * len(CHUNK)
    assert "too_many_pings" not in caplog.text


@pytest.mark.rule(69)
@pytest.mark.parametrize("client", ["grpcio", "aio", "sync"])
def test_r69_clients_do_not_notice_that_connections_grow_old(client: str) -> None:
    seen: set[str] = set()

    async def peer(request: Any, context: Any) -> Any:
        seen.add(context.peer())
        await asyncio.sleep(0.01)
        return Item()

    async def call_ours(target: str) -> None:
        async with asyncio.timeout(PATIENCE), rpc.Channel(target) as channel:
            while len(seen) < 4:
                await channel.unary_unary(HOLD)(b"")

    server = ServerThread(servicer(Unary=peer), max_connection_age=0.1, max_connection_age_grace=PATIENCE)
    try:
        if client == "aio":
            asyncio.run(call_ours(server.target))
        else:
            channel: Any = (
                rpc.sync.Channel(server.target)
                if client == "sync"
                else grpc.insecure_channel(server.target, [("grpc.use_local_subchannel_pool", 1)])
            )
            with channel:
                while len(seen) < 4:
                    channel.unary_unary(HOLD)(b"", timeout=PATIENCE)
    finally:
        server.close(0)
