"""Servers in processes of their own, clients in this one, and the pairs of them that every test runs with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import pytest
import trustme

from tests.support.processes import Child, Program
from tests.support.protos import generated_folder

from .clients.asynchronous import BarewireClient, BarewireWithGeneratedStubs, GrpcioAioClient, LoopThread
from .clients.barewire_sync import BarewireSyncClient
from .clients.driven import DrivenClient
from .clients.grpcio_sync import GrpcioSyncClient
from .clients.outcome import Client
from .peers.foreign import cpp, node
from .peers.go import GoServer

# The last two say that the tests are right: both ends are grpcio's.
PAIRS = (
    ("grpcio-sync", "barewire"),
    ("grpcio-aio", "barewire"),
    ("barewire", "grpcio-sync"),
    ("barewire", "grpcio-aio"),
    ("barewire", "barewire"),
    ("barewire-generated-stubs", "barewire"),
    ("barewire-sync", "grpcio-sync"),
    ("barewire-sync", "grpcio-aio"),
    ("barewire-sync", "barewire"),
    ("grpcio-sync", "grpcio-aio"),
    ("grpcio-aio", "grpcio-sync"),
)
SERVERS = {
    "barewire": "tests.interop.peers.barewire_server",
    "grpcio-sync": "tests.interop.peers.grpcio_sync_server",
    "grpcio-aio": "tests.interop.peers.grpcio_aio_server",
}
FOREIGN_SERVERS: dict[str, Callable[..., Program]] = {
    "go": GoServer,
    "node": partial(node, "server"),
    "cpp": partial(cpp, "server"),
}
DRIVEN_CLIENTS = {"node": partial(node, "client"), "cpp": partial(cpp, "client")}
MakeClient = Callable[[str, bytes | None], Client]
BLOCKING_CLIENTS: dict[str, MakeClient] = {
    "grpcio-sync": GrpcioSyncClient,
    "barewire-sync": BarewireSyncClient,
}
ASYNC_CLIENTS = {
    "grpcio-aio": GrpcioAioClient,
    "barewire": BarewireClient,
    "barewire-generated-stubs": BarewireWithGeneratedStubs,
}


def start_server(name: str, *arguments: str) -> Program:
    """Starts a test server, with an address and a certificate if given; the first line that it prints is its port."""
    if name in FOREIGN_SERVERS:
        return FOREIGN_SERVERS[name](*arguments)
    folder = [] if name == "barewire" else [str(generated_folder())]
    return Child(SERVERS[name], *folder, *arguments)


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="session")
def roots(authority: trustme.CA) -> bytes:
    """The certificate of the authority that the servers' certificates are from."""
    return authority.cert_pem.bytes()


@pytest.fixture(scope="session")
def certificate(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A file with a key and a certificate for localhost."""
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(path)
    return str(path)


@dataclass(frozen=True)
class RunningServer:
    target: str
    pid: int

    @property
    def port(self) -> int:
        return int(self.target.rpartition(":")[2])


class Servers(Protocol):
    def __call__(self, name: str, tls: bool = False) -> RunningServer: ...


@pytest.fixture(scope="session")
def server(certificate: str) -> Iterator[Servers]:
    """`server(name, tls)`: a running server of that kind, started when first asked for."""
    with ExitStack() as stack:
        running: dict[tuple[str, bool], RunningServer] = {}

        def get(name: str, tls: bool = False) -> RunningServer:
            if (name, tls) not in running:
                child = stack.enter_context(
                    start_server(name, "127.0.0.1:0", *([certificate] if tls else []))
                )
                running[name, tls] = RunningServer(f"127.0.0.1:{child.line()}", child.pid)
            return running[name, tls]

        yield get


@pytest.fixture(scope="session")
def loop_thread() -> Iterator[LoopThread]:
    loop = LoopThread()
    yield loop
    loop.close()


class Connect(Protocol):
    def __call__(self, name: str, target: str, roots: bytes | None = None) -> Client: ...


@pytest.fixture
def connect(loop_thread: LoopThread) -> Iterator[Connect]:
    """`connect(name, target)`: a client of that kind, over TLS if it gets root certificates; closed after the test."""
    with ExitStack() as stack:

        def get(name: str, target: str, roots: bytes | None = None) -> Client:
            if name in DRIVEN_CLIENTS:
                client = DrivenClient(DRIVEN_CLIENTS[name], target, roots)
            elif name in BLOCKING_CLIENTS:
                client = BLOCKING_CLIENTS[name](target, roots)
            else:
                client = ASYNC_CLIENTS[name](target, loop_thread, roots)
            stack.callback(client.close)
            return client

        yield get


@pytest.fixture(params=PAIRS, ids="-to-".join)
def client(
    request: pytest.FixtureRequest,
    server: Servers,
    connect: Connect,
) -> Client:
    """A client connected to a server; the test runs once with each pair."""
    client_name, server_name = request.param
    return connect(client_name, server(server_name).target)
