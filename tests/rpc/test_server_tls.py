"""TLS on servers: who the client is, certificates that are renewed, clients that want something else."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from pathlib import Path
from typing import Any

import grpc
import pytest
import trustme
from hyperframe import frame as hf

from barewire import rpc
from barewire.rpc.status import Http2Error
from tests.support.rpc_raw_peer import PREFACE, REQUEST, RawClient
from tests.support.rpc_service import PATIENCE, Item, Stub, eventually, failure_of, servicer, serving


async def echo(request: Any, context: Any) -> Any:
    return request


class Files:
    """PEM files in a folder, as a deployment has them."""

    def __init__(self, folder: Path) -> None:
        self.authority = trustme.CA()
        self.certificate, self.key, self.ca = folder / "cert.pem", folder / "key.pem", folder / "ca.pem"
        self.authority.cert_pem.write_to_path(str(self.ca))
        self.renew()

    def renew(self) -> None:
        issued = self.authority.issue_cert("localhost")
        issued.private_key_pem.write_to_path(str(self.key))
        issued.cert_chain_pems[0].write_to_path(str(self.certificate))

    def client(self, identity: trustme.LeafCert | None = None) -> ssl.SSLContext:
        context = ssl.create_default_context()
        self.authority.configure_trust(context)
        if identity is not None:
            identity.configure_cert(context)
        return context


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def serial_of(port: int, client: ssl.SSLContext) -> str:
    with (
        socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as plain,
        client.wrap_socket(plain, server_hostname="localhost") as tls,
    ):
        certificate = tls.getpeercert()
        assert certificate is not None
        return str(certificate["serialNumber"])


@pytest.mark.rule(74)
@pytest.mark.parametrize("peer", ["barewire", "grpcio"])
async def test_r74_who_the_client_is(files: Files, peer: str) -> None:
    seen: list[Any] = []

    async def handler(request: Any, context: Any) -> Any:
        seen.append((context.peer_identity_key(), context.peer_identities(), context.auth_context()))
        return request

    identity = files.authority.issue_cert("client.example", "other.example", common_name="client")
    tls = rpc.TlsFiles(files.certificate, files.key, client_ca=files.ca)
    options = {"tls": files.client(identity), "authority": "localhost"}
    async with serving(servicer(Unary=handler), tls=tls, channel=options) as (stub, _, server):
        if peer == "barewire":
            await stub.Unary(Item())
        else:
            credentials = grpc.ssl_channel_credentials(
                files.ca.read_bytes(),
                identity.private_key_pem.bytes(),
                b"".join(pem.bytes() for pem in identity.cert_chain_pems),
            )
            target = server.address.replace("127.0.0.1", "localhost")
            async with grpc.aio.secure_channel(target, credentials) as channel:
                await channel.unary_unary("/shapes.Shapes/Unary")(b"")
    key, identities, context = seen[0]
    assert (key, identities) == ("x509_subject_alternative_name", [b"client.example", b"other.example"])
    assert context["transport_security_type"] == [b"ssl"]
    assert context["x509_common_name"] == [b"client"]
    assert context["peer_dns"] == identities
    assert context["x509_pem_cert"] == [identity.cert_chain_pems[0].bytes()]


@pytest.mark.rule(74)
async def test_r74_a_client_without_a_certificate(files: Files) -> None:
    tls = rpc.TlsFiles(files.certificate, files.key, client_ca=files.ca)
    options = {"tls": files.client(), "authority": "localhost"}
    async with serving(servicer(Unary=echo), tls=tls, channel=options) as (stub, _, server):
        error = await failure_of(stub.Unary(Item()))
        assert error.code is rpc.StatusCode.UNAVAILABLE
        await eventually(lambda: not server.links)


async def test_a_renewed_certificate_is_used_without_a_restart(files: Files, caplog: Any) -> None:
    tls = rpc.TlsFiles(files.certificate, files.key)
    async with rpc.Server([servicer(Unary=echo)]) as server:
        port = await server.start("127.0.0.1:0", tls=tls)
        client = files.client()
        first = await asyncio.to_thread(serial_of, port, client)
        assert await asyncio.to_thread(serial_of, port, client) == first
        key = files.key.read_bytes()
        files.key.write_text("half of it")
        assert await asyncio.to_thread(serial_of, port, client) == first
        assert "keeping the old certificate" in caplog.text
        files.key.write_bytes(key)
        files.renew()
        os.utime(files.key, ns=(1, 1))  # a clock that is too coarse to tell is not tested here
        assert await asyncio.to_thread(serial_of, port, client) != first


async def test_a_client_that_offers_http1_only_is_told(files: Files) -> None:
    async with rpc.Server([servicer(Unary=echo)]) as server:
        port = await server.start("127.0.0.1:0", tls=rpc.TlsFiles(files.certificate, files.key))
        client = files.client()
        client.set_alpn_protocols(["http/1.1"])
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", port, ssl=client, server_hostname="localhost"
        )
        assert writer.get_extra_info("ssl_object").selected_alpn_protocol() is None
        writer.write(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        assert (await reader.read()).startswith(b"HTTP/1.1 505")
        writer.close()


@pytest.mark.rule(74)
@pytest.mark.parametrize("offered", [[], ["h2"]])
@pytest.mark.parametrize("by_function", [False, True])
async def test_r74_http2_over_tls_has_to_be_negotiated(
    files: Files, offered: list[str], by_function: bool
) -> None:
    """gRPC's document leaves TLS to HTTP/2's, and RFC 9113 section 3.3 has a MUST; grpc-go refuses such clients too.
    The server offers h2 itself, whatever context it is given."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.certificate, files.key)
    asked: list[Any] = []

    async with asyncio.timeout(PATIENCE), rpc.Server(generic_handlers=[asked.append]) as server:
        port = await server.start("127.0.0.1:0", tls=(lambda: context) if by_function else context)
        client = files.client()
        if offered:
            client.set_alpn_protocols(offered)
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", port, ssl=client, server_hostname="localhost"
        )
        peer = RawClient()
        writer.write(
            PREFACE + hf.SettingsFrame(0).serialize() + peer.headers(1, REQUEST, end=True).serialize()
        )
        if offered:
            await eventually(lambda: asked)
        else:
            answer = await reader.read()
            goaway = hf.GoAwayFrame(0, last_stream_id=1, error_code=Http2Error.INADEQUATE_SECURITY)
            assert goaway.serialize() in answer
            assert not asked
        writer.close()


async def test_stop_does_not_wait_for_a_handshake_longer_than_its_grace(files: Files) -> None:
    before = open_files()
    async with asyncio.timeout(PATIENCE), rpc.Server([servicer(Unary=echo)]) as server:
        port = await server.start("127.0.0.1:0", tls=rpc.TlsFiles(files.certificate, files.key))
        silent = socket.create_connection(("127.0.0.1", port))
        await eventually(lambda: server._listeners[0].handshakes)
        await server.stop(0.01)
        assert not server._listeners[0].handshakes
        silent.settimeout(PATIENCE)
        with silent:
            assert await asyncio.to_thread(silent.recv, 1) == b""
    await eventually(lambda: open_files() <= before)


async def test_nothing_is_left_over(files: Files) -> None:
    """Tasks and sockets, counted: idle and busy connections, handshakes, handlers that are cancelled."""
    tasks, descriptors = len(asyncio.all_tasks()), open_files()

    async def waits(request: Any, context: Any) -> Any:
        await asyncio.Event().wait()

    tls = rpc.TlsFiles(files.certificate, files.key)
    options: dict[str, Any] = {"tls": files.client(), "authority": "localhost"}
    async with asyncio.timeout(PATIENCE), rpc.Server([servicer(Unary=waits, Up=echo)]) as server:
        port = await server.start("127.0.0.1:0", tls=tls)
        channels = [rpc.Channel(f"127.0.0.1:{port}", **options) for _ in range(5)]
        calls = [Stub(channel).Unary(Item()) for channel in channels]
        await eventually(lambda: len(server.runners) == 5)
        silent = socket.create_connection(("127.0.0.1", port))
        await server.stop(0)
        assert (server.links, server.runners) == (set(), set())
        for call in calls:
            await failure_of(call)
        for channel in channels:
            await channel.close()
        silent.close()
    await eventually(lambda: len(asyncio.all_tasks()) <= tasks and open_files() <= descriptors)


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))
