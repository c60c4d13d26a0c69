"""Channels and several real servers, ours and grpcio's, in both shells: balanced, killed, restarted, checked."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections import Counter
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health as grpc_health
from grpc_health.v1 import health_pb2, health_pb2_grpc

from barewire import rpc
from barewire.rpc import (
    BackoffPolicy,
    ConnectivityState,
    Endpoint,
    StatusCode,
    polling_resolver,
    static_resolver,
)
from tests.support.peers import missing
from tests.support.rpc_blocking import ServerThread
from tests.support.rpc_service import PATIENCE, Item, Stub, servicer, unused_port

QUICK = BackoffPolicy(initial=0.02, jitter=0, maximum=0.05)


def named(name: str) -> Any:
    """A service that says who it is."""

    async def unary(request: Any, context: Any) -> Any:
        return Item(text=name)

    return servicer(Unary=unary)


class GrpcioServer:
    """The same on grpcio, with its health service."""

    def __init__(self, name: str) -> None:
        self.health = grpc_health.HealthServicer()
        self._server = grpc.server(ThreadPoolExecutor(4))
        payload = Item(text=name).encode()
        handler = grpc.unary_unary_rpc_method_handler(lambda request, context: payload)
        self._server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler("shapes.Shapes", {"Unary": handler}),)
        )
        health_pb2_grpc.add_HealthServicer_to_server(self.health, self._server)
        self.port = self._server.add_insecure_port("127.0.0.1:0")
        self.target = f"127.0.0.1:{self.port}"
        self._server.start()

    def set(self, status: str) -> None:
        self.health.set("shop", health_pb2.HealthCheckResponse.ServingStatus.Value(status))

    def close(self) -> None:
        self._server.stop(None).wait(PATIENCE)


class Client:
    """One way to call: `Client.call()` gives the name of the server that answered, or the error."""

    def __init__(self, kind: str, target: str, **options: Any) -> None:
        self._loop = asyncio.new_event_loop() if kind == "aio" else None
        if self._loop is not None:
            self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
            self._thread.start()
        self.channel: Any = (
            rpc.Channel(target, **options) if self._loop else rpc.sync.Channel(target, **options)
        )

    def _run(self, action: Callable[[], Any]) -> Any:
        if self._loop is None:
            return action()

        async def run() -> Any:
            return await action()

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(PATIENCE)

    def call(self, **options: Any) -> str:
        options.setdefault("timeout", PATIENCE)
        return self._run(lambda: Stub(self.channel).Unary(Item(), **options)).text

    def failure(self, **options: Any) -> rpc.RpcError:
        try:
            self.call(**options)
        except rpc.RpcError as error:
            return error
        raise AssertionError("the call did not fail")

    def calls(self, count: int) -> Counter[str]:
        return Counter(self.call(wait_for_ready=True) for _ in range(count))

    def reaches(self, *names: str) -> None:
        """Call until exactly these servers answer. Calls that meet the end of one fail, and rightly."""
        for _ in range(2000):
            with contextlib.suppress(rpc.RpcError):
                if set(self.calls(4)) == set(names):
                    return
            self.idle(0.005)
        raise AssertionError(f"the calls do not reach {names} alone")

    def idle(self, seconds: float) -> None:
        """Let time pass; the blocking channel sees what happens meanwhile only if somebody waits."""
        if self._loop is None:
            self.channel.wait_for_state_change(self.channel.get_state(), seconds)
        else:
            threading.Event().wait(seconds)

    def close(self) -> None:
        self._run(self.channel.close)
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(PATIENCE)
            self._loop.close()


@pytest.fixture(params=["aio", "sync"])
def client(request: pytest.FixtureRequest) -> Generator[Callable[..., Client]]:
    made: list[Client] = []

    def make(target: str, **options: Any) -> Client:
        made.append(Client(request.param, target, **options))
        return made[-1]

    yield make
    for each in made:
        each.close()


@contextlib.contextmanager
def closing(*servers: Any) -> Generator[tuple[Any, ...]]:
    try:
        yield servers
    finally:
        for server in servers:
            kill(server)


def kill(server: Any) -> None:
    """Close a server without waiting for clients that do not look."""
    if isinstance(server, ServerThread) and not server.loop.is_closed():
        server.abort_connections()
    server.close()


Make = Callable[..., Client]


@pytest.mark.rule(83)
def test_r83_round_robin_over_ours_and_grpcio(client: Make) -> None:
    with closing(ServerThread(named("a")), ServerThread(named("b")), GrpcioServer("c")) as servers:
        addresses = ",".join(server.target for server in servers)
        ours = client(f"ipv4:{addresses}", load_balancing="round_robin", backoff=QUICK)
        ours.reaches("a", "b", "c")
        assert ours.calls(30) == {"a": 10, "b": 10, "c": 10}


@pytest.mark.rule(82)
def test_r82_pick_first_unary_stays_with_one(client: Make) -> None:
    with closing(ServerThread(named("a")), GrpcioServer("b")) as servers:
        ours = client("ipv4:" + ",".join(server.target for server in servers))
        assert ours.calls(20) == {"a": 20}


@pytest.mark.rule(83)
@pytest.mark.rule(79)
def test_r83_a_server_is_killed_and_comes_back(client: Make) -> None:
    first, second = ServerThread(named("a")), ServerThread(named("b"))
    with closing(second):
        target = f"ipv4:{first.target},{second.target}"
        ours = client(target, load_balancing="round_robin", backoff=QUICK)
        ours.reaches("a", "b")
        kill(first)
        ours.reaches("b")
        assert ours.calls(10) == {"b": 10}
        with closing(ServerThread(named("a again"), address=first.target)):
            ours.reaches("a again", "b")


@pytest.mark.rule(60)
@pytest.mark.rule(82)
def test_r60_pick_first_goes_on_with_the_next(client: Make) -> None:
    first = ServerThread(named("a"))
    with closing(ServerThread(named("b"))) as (second,):
        ours = client(f"ipv4:{first.target},{second.target}", backoff=QUICK)
        assert ours.call() == "a"
        kill(first)
        ours.reaches("b")


@pytest.mark.rule(79)
def test_r79_all_addresses_are_named(client: Make) -> None:
    first, second = unused_port(), unused_port()
    ours = client(f"ipv4:127.0.0.1:{first},127.0.0.1:{second}")
    for _ in range(2):
        error = ours.failure()
        assert error.code is StatusCode.UNAVAILABLE
        assert (
            f"127.0.0.1:{first}: Connection refused; 127.0.0.1:{second}: Connection refused" in error.message
        )


@pytest.mark.rule(82)
@pytest.mark.parametrize("silent", ["says nothing", "black hole"])
def test_r82_ipv6_and_ipv4_race(client: Make, silent: str) -> None:
    with contextlib.ExitStack() as stack:
        try:
            listener = stack.enter_context(
                socket.create_server(("::1", 0), family=socket.AF_INET6, backlog=0)
            )
        except OSError:
            missing("this machine has no IPv6")
        if silent == "black hole":  # its queue is full: further connections get no answer
            for _ in range(3):
                filler = stack.enter_context(socket.socket(socket.AF_INET6))
                filler.setblocking(False)
                filler.connect_ex(listener.getsockname()[:2])
        stack.enter_context(closing(server := ServerThread(named("a"))))
        endpoint = Endpoint(f"[::1]:{listener.getsockname()[1]}", server.target)
        ours = client("both:x", resolvers={"both": static_resolver([endpoint])}, connection_attempt_delay=0.1)
        assert ours.call() == "a"


@pytest.mark.rule(81)
def test_r81_names_are_looked_up_again(client: Make) -> None:
    first, second = ServerThread(named("a")), ServerThread(named("b"))
    with closing(second):
        where = [first.target]
        resolver = polling_resolver(lambda _: list(where), interval=0)
        ours = client("moving:x", resolvers={"moving": resolver}, backoff=QUICK)
        assert ours.call() == "a"
        where[:] = [second.target]
        kill(first)
        ours.reaches("b")


@pytest.mark.rule(81)
def test_r81_dns(client: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = ServerThread(named("a")), ServerThread(named("b"))
    real, where = socket.getaddrinfo, [first.port, second.port]

    def getaddrinfo(host: Any, port: Any, *args: Any, **options: Any) -> Any:
        if host != "books.test":
            return real(host, port, *args, **options)
        assert port == 50051
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", each)) for each in where]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    with closing(first, second):
        ours = client(
            "dns:///books.test:50051", load_balancing="round_robin", backoff=QUICK, resolve_interval=0
        )
        ours.reaches("a", "b")
        del where[0]
        first.abort_connections()
        ours.reaches("b")
        assert ours.calls(10) == {"b": 10}


@pytest.mark.rule(87)
def test_r87_health_of_grpcio_servers(client: Make) -> None:
    config = {"healthCheckConfig": {"serviceName": "shop"}, "loadBalancingConfig": [{"round_robin": {}}]}
    with closing(GrpcioServer("a"), GrpcioServer("b")) as (a, b):
        a.set("SERVING")
        b.set("NOT_SERVING")
        ours = client(f"ipv4:{a.target},{b.target}", service_config=config, backoff=QUICK)
        assert ours.calls(10) == {"a": 10}
        b.set("SERVING")
        ours.reaches("a", "b")
        a.set("NOT_SERVING")
        ours.reaches("b")
        b.set("SERVICE_UNKNOWN")
        for _ in range(2000):
            ours.idle(0.005)
            if ours.channel.get_state() is ConnectivityState.TRANSIENT_FAILURE:
                break
        assert "the server reports" in ours.failure().message


@pytest.mark.rule(87)
def test_r87_our_server_without_health_gets_calls(client: Make) -> None:
    config = {"healthCheckConfig": {"serviceName": "shop"}, "loadBalancingConfig": [{"round_robin": {}}]}
    with closing(ServerThread(named("a"), health=False)) as (server,):
        assert client(server.target, service_config=config).call() == "a"


@pytest.mark.rule(71)
def test_r71_connections_are_added_when_streams_run_out() -> None:
    release = threading.Event()

    async def slow(request: Any, context: Any) -> Any:
        await asyncio.to_thread(release.wait, PATIENCE)
        return Item(text=context.peer())

    with closing(ServerThread(servicer(Unary=slow), max_concurrent_streams=2)) as (server,):
        options = {"max_connections_per_subchannel": 3, "timeout": PATIENCE}
        timeout = options.pop("timeout")
        with rpc.sync.Channel(server.target, **options) as channel, ThreadPoolExecutor(6) as pool:  # type: ignore[arg-type]
            stub = Stub(channel)
            calls = [pool.submit(stub.Unary, Item(), timeout=timeout) for _ in range(6)]
            while len(server.server.links) < 3:
                threading.Event().wait(0.005)
            release.set()
            peers = Counter(call.result(PATIENCE).text for call in calls)
        assert sorted(peers.values()) == [2, 2, 2]


@pytest.mark.rule(76)
def test_r76_the_state_can_be_watched(client: Make) -> None:
    """The blocking shell, and (by `_run`) the asyncio one."""
    with closing(ServerThread(named("a"))) as (server,):
        ours = client(server.target)
        channel = ours.channel
        assert channel.get_state() is ConnectivityState.IDLE

        def follow() -> Any:
            if isinstance(channel, rpc.Channel):
                return _follow(channel)
            seen = [channel.get_state(try_to_connect=True)]
            while seen[-1] is not ConnectivityState.READY:
                assert channel.wait_for_state_change(seen[-1], PATIENCE)
                seen.append(channel.get_state())
            return seen

        seen = ours._run(follow)
        assert seen[0] is ConnectivityState.CONNECTING
        assert seen[-1] is ConnectivityState.READY
        if isinstance(channel, rpc.sync.Channel):
            assert not channel.wait_for_state_change(ConnectivityState.READY, 0.01)


async def _follow(channel: rpc.Channel) -> list[ConnectivityState]:
    async with asyncio.timeout(PATIENCE):
        seen = [channel.get_state(try_to_connect=True)]
        while seen[-1] is not ConnectivityState.READY:
            await channel.wait_for_state_change(seen[-1])
            seen.append(channel.get_state())
    return seen
