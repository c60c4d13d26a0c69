"""Channels: connecting, failing to, connecting again; TLS and unix sockets; servers that are no gRPC servers."""

from __future__ import annotations

import asyncio
import contextlib
import os
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from barewire import rpc
from barewire.rpc import BackoffPolicy, Channel, ConnectivityState, RpcConfigurationError, StatusCode
from tests.support.processes import reserved_port
from tests.support.rpc_service import PATIENCE, Item, Stub, eventually, failure_of, servicer, serving

QUICK = BackoffPolicy(initial=0.02, jitter=0, maximum=0.05)


async def echo(request: Any, context: Any) -> Any:
    return Item(text=context.peer())


ECHO = servicer(Unary=echo)


@contextlib.asynccontextmanager
async def without_server() -> AsyncIterator[tuple[int, Channel]]:
    """A port on which nobody listens yet, and a channel to it."""
    with reserved_port() as port:
        async with asyncio.timeout(PATIENCE), Channel(f"127.0.0.1:{port}", backoff=QUICK) as channel:
            yield port, channel


@contextlib.asynccontextmanager
async def tcp_server(answer: bytes, *, close: bool = False) -> AsyncIterator[int]:
    """A server that says one thing, to everybody."""
    transports: list[asyncio.Transport] = []

    class Says(asyncio.Protocol):
        def connection_made(self, transport: Any) -> None:
            transports.append(transport)
            transport.write(answer)
            if close:
                transport.close()

    listener = await asyncio.get_running_loop().create_server(Says, "127.0.0.1", 0)
    try:
        yield listener.sockets[0].getsockname()[1]
    finally:
        listener.close()
        for transport in transports:
            transport.abort()
        await asyncio.sleep(0)


# -- no server ----------------------------------------------------------------------------------------------------


@pytest.mark.rule(79)
async def test_r79_a_dead_port_names_host_port_and_cause() -> None:
    async with without_server() as (port, channel):
        for _ in range(2):  # the second fails at once, with the same words
            error = await failure_of(Stub(channel).Unary(Item()))
            assert error.code is StatusCode.UNAVAILABLE
            assert f"127.0.0.1:{port}" in error.message
            assert "refused" in error.message
            assert not error.from_peer


@pytest.mark.parametrize(
    "target",
    ["unix:/nowhere/at/all.sock", "a" * 70 + ".invalid:1", "host..name:1", "ex\u00e4mple..:1", "x\0y:1"],
)
async def test_targets_that_cannot_be_connected_to(target: str) -> None:
    async with asyncio.timeout(PATIENCE), Channel(target) as channel:
        error = await failure_of(Stub(channel).Unary(Item(), timeout=10))
        assert error.code is StatusCode.UNAVAILABLE


@pytest.mark.rule(79)
@pytest.mark.rule(38)
async def test_r38_r79_wait_for_ready() -> None:
    async with without_server() as (port, channel):
        stub = Stub(channel)
        await failure_of(stub.Unary(Item()))  # the channel has tried once
        error = await failure_of(stub.Unary(Item(), timeout=0.05, wait_for_ready=True))
        assert error.code is StatusCode.DEADLINE_EXCEEDED
        assert "last attempt" in error.message
        waiting = stub.Unary(Item(), wait_for_ready=True)
        abandoned = stub.Unary(Item(), wait_for_ready=True)
        ready = asyncio.ensure_future(channel.channel_ready())
        await asyncio.sleep(0.05)
        abandoned.cancel()
        async with rpc.Server([ECHO]) as server:
            await server.start(f"127.0.0.1:{port}")
            assert (await waiting).text
            await ready
            assert await abandoned.code() is StatusCode.CANCELLED


async def test_a_server_that_says_nothing() -> None:
    async with tcp_server(b"") as port, Channel(f"127.0.0.1:{port}", connect_timeout=0.1) as channel:
        error = await failure_of(Stub(channel).Unary(Item()))
        assert error.code is StatusCode.UNAVAILABLE
        assert "connect_timeout" in error.message


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "HTTP/1.1 400 Bad Request"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "SETTINGS"),
        (b"\0\0\0\4\0\0\0\0", "127.0.0.1"),
    ],
)
async def test_servers_that_are_none(answer: bytes, says: str) -> None:
    async with tcp_server(answer, close=True) as port, Channel(f"127.0.0.1:{port}") as channel:
        error = await failure_of(Stub(channel).Unary(Item()))
        assert error.code is StatusCode.UNAVAILABLE
        assert says in error.message


# -- connections come and go --------------------------------------------------------------------------------------


@pytest.mark.rule(60)
async def test_r60_a_channel_connects_again() -> None:
    async with without_server() as (port, channel):
        stub = Stub(channel)
        for _ in range(3):
            async with rpc.Server([ECHO]) as server:
                await server.start(f"127.0.0.1:{port}")
                await stub.Unary(Item(), wait_for_ready=True)
                await stub.Unary(Item())
            await eventually(lambda: channel.get_state() is not ConnectivityState.READY)


@contextlib.asynccontextmanager
async def counting_listener(answer: bytes = b"", port: int = 0) -> AsyncIterator[tuple[int, list[float]]]:
    """(port, when connections came); each gets the answer, and is closed."""
    times: list[float] = []
    loop = asyncio.get_running_loop()

    class Counts(asyncio.Protocol):
        def connection_made(self, transport: Any) -> None:
            times.append(loop.time())
            transport.write(answer)
            transport.close()

    listener = await loop.create_server(Counts, "127.0.0.1", port)
    try:
        yield listener.sockets[0].getsockname()[1], times
    finally:
        listener.close()


@pytest.mark.rule(62)
@pytest.mark.rule(77)
async def test_r62_no_connection_without_calls() -> None:
    async with without_server() as (port, channel):
        async with rpc.Server([ECHO]) as server:
            await server.start(f"127.0.0.1:{port}")
            assert server.links == set()
            assert channel.get_state() is ConnectivityState.IDLE
            await Stub(channel).Unary(Item())
        await eventually(lambda: channel.get_state() is ConnectivityState.IDLE)  # GOAWAY
        async with counting_listener(port=port) as (_, times):
            await asyncio.sleep(0.2)
            assert channel.get_state() is ConnectivityState.IDLE
            assert not times


@pytest.mark.rule(62)
@pytest.mark.rule(78)
async def test_r62_a_server_that_hangs_up_at_once_is_not_called_in_a_loop() -> None:
    settings, goaway = b"\0\0\0\4\0\0\0\0\0", b"\0\0\x08\7\0\0\0\0\0" + bytes(8)
    for answer in (settings + goaway, settings):
        async with (
            asyncio.timeout(PATIENCE),
            counting_listener(answer) as (port, times),
            Channel(f"127.0.0.1:{port}", backoff=BackoffPolicy(initial=60)) as channel,
        ):
            error = await failure_of(Stub(channel).Unary(Item(), timeout=5))
            assert error.code is StatusCode.UNAVAILABLE
            error = await failure_of(Stub(channel).Unary(Item(), timeout=0.2, wait_for_ready=True))
            assert error.code in (StatusCode.DEADLINE_EXCEEDED, StatusCode.UNAVAILABLE)
            assert len(times) <= 2


@pytest.mark.rule(44)
async def test_r44_calls_end_with_their_connection() -> None:
    async def hang(request: Any, context: Any) -> Any:
        await asyncio.Event().wait()

    async with serving(servicer(Unary=hang)) as (stub, _channel, server):
        call = stub.Unary(Item())
        await eventually(lambda: any(link.core.open_calls for link in server.links))
        for link in list(server.links):
            link.abort()
        error = await failure_of(call)
        assert error.code is StatusCode.UNAVAILABLE
        assert server.address in error.message


async def test_closing() -> None:
    async def hang(request: Any, context: Any) -> Any:
        await asyncio.sleep(0.05)
        return request

    async with serving(servicer(Unary=hang)) as (stub, channel, _):
        call = stub.Unary(Item(number=1))
        await channel.channel_ready()
        await channel.close(grace=10)
        assert (await call).number == 1
        await channel.close()
        with pytest.raises(RuntimeError, match="is closed"):
            stub.Unary(Item())
        with pytest.raises(RuntimeError, match="is closed"):
            await channel.channel_ready()


async def test_closing_while_connecting() -> None:
    async with tcp_server(b"") as port:
        channel = Channel(f"127.0.0.1:{port}")
        call = Stub(channel).Unary(Item())
        ready = asyncio.ensure_future(channel.channel_ready())
        await asyncio.sleep(0.02)
        await channel.close()
        assert (await failure_of(call)).code is StatusCode.CANCELLED
        with pytest.raises(RuntimeError, match="is closed"):
            await asyncio.wait_for(ready, 5)


def test_a_channel_belongs_to_one_loop() -> None:
    channel = Channel("127.0.0.1:1")

    async def use() -> None:
        channel.check_open()

    with pytest.raises(RuntimeError, match=r"there is rpc\.sync\.Channel"):
        channel.check_open()
    asyncio.run(use())
    with pytest.raises(RuntimeError, match="another event loop"):
        asyncio.run(use())


def test_configuration_errors() -> None:
    with pytest.raises(RpcConfigurationError, match="unknown option nonsense; the limits are max_receive"):
        Channel("a:1", nonsense=1)
    with pytest.raises(RpcConfigurationError, match="stream_window"):
        rpc.Server(stream_window=5)
    with pytest.raises(ValueError, match="snappy"):
        Channel("a:1", compression="snappy")
    with pytest.raises(RpcConfigurationError, match="not a servicer"):
        rpc.Server([object()])
    with pytest.raises(RpcConfigurationError, match="two servicers"):
        rpc.Server([ECHO, servicer(Unary=echo)])

    async def yields(request: Any, context: Any) -> Any:
        yield request

    with pytest.raises(RpcConfigurationError, match="return it, not yield"):
        rpc.Server([servicer(Unary=yields)])


# -- other transports ---------------------------------------------------------------------------------------------


@pytest.mark.rule(80)
async def test_unix_sockets(tmp_path: Path) -> None:
    path = tmp_path / "x.sock"
    async with serving(ECHO, address=f"unix:{path}") as (stub, _, _):
        assert (await stub.Unary(Item())).text == "unix:"
        assert path.exists()
    assert not path.exists()


async def test_abstract_unix_sockets() -> None:
    async with serving(ECHO, address=f"unix-abstract:barewire-{os.getpid()}") as (stub, _, _):
        assert (await stub.Unary(Item())).text == "unix:"


async def test_the_peer_is_named() -> None:
    async with serving(ECHO) as (stub, _, _):
        assert (await stub.Unary(Item())).text.startswith("ipv4:127.0.0.1:")


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def server_context(authority: trustme.CA, name: str = "localhost") -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


def client_context(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


@pytest.mark.rule(74)
async def test_r74_tls(authority: trustme.CA) -> None:
    seen: list[Any] = []

    async def handler(request: Any, context: Any) -> Any:
        seen.append(context.auth_context())
        return request

    service = servicer(Unary=handler)
    options = {"tls": client_context(authority), "authority": "localhost"}
    async with serving(service, tls=server_context(authority), channel=options) as (stub, channel, _):
        assert await stub.Unary(Item(data=bytes(100_000))) == Item(data=bytes(100_000))
        assert channel.scheme == "https"
        (link,) = channel.links
        tls = link.transport.get_extra_info("ssl_object")
        assert tls.selected_alpn_protocol() == "h2"
        assert tls.version() in ("TLSv1.2", "TLSv1.3")
    assert seen == [{"transport_security_type": [b"ssl"]}]


@pytest.mark.rule(74)
async def test_r74_certificates_are_checked(authority: trustme.CA) -> None:
    wrong_authority = {"tls": client_context(trustme.CA()), "authority": "localhost"}
    wrong_name = {"tls": client_context(authority), "authority": "example.com"}
    for options in (wrong_authority, wrong_name, {"tls": True, "authority": "localhost"}):
        async with serving(ECHO, tls=server_context(authority), channel=options) as (stub, _, _):
            error = await failure_of(stub.Unary(Item()))
            assert error.code is StatusCode.UNAVAILABLE
            assert "certificate" in error.message


@pytest.mark.rule(74)
async def test_r74_a_server_without_h2(authority: trustme.CA) -> None:
    context = server_context(authority)
    listener = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0, ssl=context)
    port = listener.sockets[0].getsockname()[1]
    options: dict[str, Any] = {"tls": client_context(authority), "authority": "localhost"}
    async with asyncio.timeout(PATIENCE), Channel(f"127.0.0.1:{port}", **options) as channel:
        error = await failure_of(Stub(channel).Unary(Item()))
        assert error.code is StatusCode.UNAVAILABLE
        assert "ALPN" in error.message
    listener.close()


async def test_plain_text_to_a_tls_port_and_the_reverse(authority: trustme.CA) -> None:
    async with serving(ECHO, tls=server_context(authority)) as (stub, _, _):
        assert (await failure_of(stub.Unary(Item(), timeout=10))).code is StatusCode.UNAVAILABLE
    options = {"tls": client_context(authority), "authority": "localhost"}
    async with serving(ECHO, channel=options) as (stub, _, _):
        assert (await failure_of(stub.Unary(Item(), timeout=10))).code is StatusCode.UNAVAILABLE
