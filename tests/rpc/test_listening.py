"""Sockets to listen on: what addresses stand for, sockets passed by another process, files that dead servers left."""

from __future__ import annotations

import asyncio
import errno
import gc
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from barewire import rpc
from barewire.rpc import RpcConfigurationError, listening
from barewire.rpc.listening import listen_fds, open_listening
from tests.support.processes import ROOT
from tests.support.rpc_service import PATIENCE, Item, Stub, servicer, serving


async def tell_peer(request: Any, context: Any) -> Any:
    return Item(text=context.peer())


TELL_PEER = servicer(Unary=tell_peer)


async def peer_through(server: rpc.Server, target: str) -> str:
    async with rpc.Channel(target) as channel:
        return (await Stub(channel).Unary(Item())).text


ADDRESSES = [
    ("127.0.0.1:0", "127.0.0.1", "ipv4:127.0.0.1:"),
    ("[::1]:0", "[::1]", "ipv6:[::1]:"),
    ("[::]:0", "127.0.0.1", "ipv4:127.0.0.1:"),
    ("[::]:0", "[::1]", "ipv6:[::1]:"),
    ("*:0", "127.0.0.1", "ipv4:127.0.0.1:"),
    ("0.0.0.0:0", "127.0.0.1", "ipv4:127.0.0.1:"),
    ("localhost:0", "127.0.0.1", "ipv4:127.0.0.1:"),
]


@pytest.mark.rule(80)
@pytest.mark.parametrize(("address", "reached_by", "peer"), ADDRESSES)
async def test_r80_tcp(address: str, reached_by: str, peer: str) -> None:
    async with rpc.Server([TELL_PEER]) as server:
        port = await server.start(address)
        assert (await peer_through(server, f"{reached_by}:{port}")).startswith(peer)


@pytest.mark.rule(80)
async def test_r80_unix_and_abstract(tmp_path: Path) -> None:
    for address in (f"unix:{tmp_path}/s", f"unix-abstract:barewire-{os.getpid()}"):
        async with rpc.Server([TELL_PEER]) as server:
            assert await server.start(address) == 0
            assert (await peer_through(server, address)).startswith("unix:")
    assert not list(tmp_path.iterdir())


async def test_several_at_once(tmp_path: Path) -> None:
    async with rpc.Server([TELL_PEER]) as server:
        first, second = await server.start("127.0.0.1:0"), await server.start("[::1]:0")
        await server.start(f"unix:{tmp_path}/s")
        for target in (f"127.0.0.1:{first}", f"[::1]:{second}", f"unix:{tmp_path}/s"):
            assert await peer_through(server, target)


async def test_a_name_is_not_looked_up_on_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[threading.Thread] = []
    original = socket.getaddrinfo

    def getaddrinfo(*arguments: Any, **options: Any) -> Any:
        threads.append(threading.current_thread())
        return original(*arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    async with rpc.Server() as server:
        await server.start("localhost:0")
        assert threads
        assert threading.main_thread() not in threads


def no_readers(*arguments: Any) -> None:
    raise NotImplementedError


async def test_a_loop_without_readers_will_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as the Proactor loop of Windows."""

    monkeypatch.setattr(asyncio.get_running_loop(), "add_reader", no_readers)
    async with rpc.Server([TELL_PEER]) as server:
        port = await server.start("127.0.0.1:0")
        assert await peer_through(server, f"127.0.0.1:{port}")


@pytest.mark.parametrize("readers", [True, False])
async def test_accepting_goes_on_after_a_failure(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, readers: bool
) -> None:
    """A client that has gone is passed over; without file descriptors there is a pause."""
    faults: list[OSError] = [OSError(errno.EMFILE, "none left"), ConnectionAbortedError()]

    class Failing(socket.socket):
        def accept(self) -> Any:
            if faults:
                raise faults.pop()
            return super().accept()

    monkeypatch.setattr("barewire.rpc.aio.listener._PAUSE", 0.01)
    if not readers:
        monkeypatch.setattr(asyncio.get_running_loop(), "add_reader", no_readers)
    sock = Failing()
    sock.bind(("127.0.0.1", 0))
    async with rpc.Server([TELL_PEER]) as server:
        port = await server.start(sock)
        assert await peer_through(server, f"127.0.0.1:{port}")
    assert caplog.text.count("cannot accept connections") == 1


async def test_a_server_that_has_been_stopped_does_not_listen() -> None:
    server = rpc.Server()
    await server.stop()
    for address in ("127.0.0.1:0", "localhost:0"):
        with pytest.raises(RpcConfigurationError, match="has been stopped"):
            await server.start(address)


async def test_a_socket_of_ones_own() -> None:
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))  # not listening yet
    async with rpc.Server([TELL_PEER]) as server:
        port = await server.start(sock)
        assert port == sock.getsockname()[1]
        assert await peer_through(server, f"127.0.0.1:{port}")
    assert sock.fileno() == -1


async def test_two_servers_share_a_port() -> None:
    async with rpc.Server() as first, rpc.Server() as second:
        port = await first.start("127.0.0.1:0", reuse_port=True)
        assert await second.start(f"127.0.0.1:{port}", reuse_port=True) == port
        with pytest.raises(OSError, match="in use"):
            await first.start(f"127.0.0.1:{port}")


# -- files of unix sockets ----------------------------------------------------------------------------------------


def test_the_file_of_a_dead_server_is_replaced(tmp_path: Path) -> None:
    path = str(tmp_path / "s")
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(path)
    dead.close()
    (listening,) = open_listening(f"unix:{path}")
    listening.close()
    assert not os.path.exists(path)


def test_the_file_of_a_living_server_is_not(tmp_path: Path) -> None:
    (living,) = open_listening(f"unix:{tmp_path}/s")
    with pytest.raises(OSError, match="in use"):
        open_listening(f"unix:{tmp_path}/s")
    living.close()


def test_a_file_of_another_kind_stays(tmp_path: Path) -> None:
    (tmp_path / "s").write_text("precious")
    with pytest.raises(OSError, match="in use"):
        open_listening(f"unix:{tmp_path}/s")
    assert (tmp_path / "s").read_text() == "precious"


def test_a_server_removes_only_its_own_file(tmp_path: Path) -> None:
    (old,) = open_listening(f"unix:{tmp_path}/s")
    os.unlink(tmp_path / "s")
    (new,) = open_listening(f"unix:{tmp_path}/s")
    old.close()
    assert (tmp_path / "s").exists()
    new.close()


# -- passed sockets -----------------------------------------------------------------------------------------------

_PASSED = """
import asyncio, os, sys
from barewire import rpc
from tests.support.rpc_service import servicer

async def unary(request, context):
    return request

async def main():
    async with rpc.Server([servicer(Unary=unary)]) as server:
        await server.start(sys.argv[1])
        print("ready", flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)

os.environ["LISTEN_PID"] = str(os.getpid())
asyncio.run(main())
"""


@pytest.mark.parametrize("address", ["fd:3", "systemd:", "systemd:api"])
async def test_a_passed_socket(address: str) -> None:
    """The shell moves the socket to number 3, where systemd would put it."""
    sock = socket.create_server(("127.0.0.1", 0))
    sock.set_inheritable(True)
    command = f"exec {sys.executable} -c '{_PASSED}' {address} 3<&{sock.fileno()}"
    with subprocess.Popen(
        ["bash", "-c", command],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        pass_fds=[sock.fileno()],
        env={**os.environ, "LISTEN_FDS": "1", "LISTEN_FDNAMES": "api"},
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        async with rpc.Channel(f"127.0.0.1:{sock.getsockname()[1]}") as channel:
            assert (await Stub(channel).Unary(Item(number=1), timeout=PATIENCE)).number == 1
        child.stdin.close()
        assert child.wait(PATIENCE) == 0
    sock.close()


def test_names_select_passed_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LISTEN_PID", str(os.getpid()))
    monkeypatch.setenv("LISTEN_FDS", "2")
    monkeypatch.setenv("LISTEN_FDNAMES", "web:api")
    with pytest.raises(RpcConfigurationError, match="no socket named 'db'"):
        listen_fds("db")


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"LISTEN_FDS": "1"},
        {"LISTEN_FDS": "1", "LISTEN_PID": "1"},
        {"LISTEN_FDS": "x", "LISTEN_PID": str(os.getpid())},
        {"LISTEN_FDS": "0", "LISTEN_PID": str(os.getpid())},
    ],
)
def test_no_sockets_were_passed(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(RpcConfigurationError, match="no socket"):
        listen_fds()


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("fd:x", "a number"),
        ("fd:", "a number"),
        ("fd:999", "not open"),
        ("127.0.0.1", "no port"),
        ("unix:", "no path"),
        ("", "address has to be a text that is not empty, and is ''"),
        (None, "address has to be a text that is not empty, and is None"),
        ("h:99999", "not a port"),
    ],
)
def test_addresses_that_make_no_sense(address: Any, reason: str) -> None:
    with pytest.raises(RpcConfigurationError, match=reason):
        open_listening(address)


def test_a_descriptor_that_is_no_socket() -> None:
    reader, writer = os.pipe()
    with pytest.raises(RpcConfigurationError, match="no socket"):
        open_listening(f"fd:{reader}")
    for fd in (reader, writer):
        os.close(fd)


def test_an_address_that_is_taken_leaves_nothing_open() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        gc.collect()  # nothing of others is closed meanwhile
        before = len(os.listdir("/proc/self/fd"))
        with pytest.raises(OSError, match="in use"):
            open_listening(f"localhost:{taken.getsockname()[1]}")
        assert len(os.listdir("/proc/self/fd")) == before


def test_a_port_that_is_free_on_one_address_only_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """The system chooses a port for the first address of a name; on the second it may belong to somebody."""
    two = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (f"127.0.0.{n}", 0)) for n in (1, 2)]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: two)
    bind, others = listening._bind_tcp, list[socket.socket]()

    def bind_tcp(family: int, ip: str, port: int, reuse_port: bool) -> socket.socket:
        if ip == "127.0.0.2" and len(others) < 3:
            others.append(socket.create_server((ip, port)))
        return bind(family, ip, port, reuse_port)

    monkeypatch.setattr(listening, "_bind_tcp", bind_tcp)
    opened = open_listening("two.test:0")
    ports = {each.port for each in opened}
    taken = {each.getsockname()[1] for each in others}
    for each in (*opened, *others):
        each.close()
    assert len(opened) == 2
    assert len(ports) == 1
    assert len(taken) == 3
    assert not ports & taken


# -- stopping -----------------------------------------------------------------------------------------------------


async def test_nothing_is_left_after_a_stop(tmp_path: Path) -> None:
    async with serving(TELL_PEER) as (stub, _, server):
        await server.start(f"unix:{tmp_path}/s")
        await stub.Unary(Item())
        await server.stop()
        assert not server.links
        assert not server.runners
        with pytest.raises(OSError, match="refused"):
            socket.create_connection(("127.0.0.1", int(server.address.rpartition(":")[2])))
