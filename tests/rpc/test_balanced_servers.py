"""Channels and several real servers, ours and grpcio's, in both shells: balanced, killed, restarted, checked."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections import Counter
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from barewire import rpc
from barewire.rpc import ConnectivityState, Endpoint, StatusCode, polling_resolver, static_resolver
from tests.support.peers import missing
from tests.support.processes import reserved_port
from tests.support.rpc_balanced import QUICK, GrpcioServer, Make, clients, closing, kill, named
from tests.support.rpc_blocking import ServerThread, eventually
from tests.support.rpc_service import PATIENCE, Item, Stub, servicer


@pytest.fixture(params=["aio", "sync"])
def client(request: pytest.FixtureRequest) -> Generator[Make]:
    with clients(request.param) as make:
        yield make


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
    with reserved_port() as port, closing(ServerThread(named("b"))) as (second,):
        address = f"127.0.0.1:{port}"
        first = ServerThread(named("a"), address=address)
        ours = client(f"ipv4:{address},{second.target}", load_balancing="round_robin", backoff=QUICK)
        ours.reaches("a", "b")
        kill(first)
        ours.reaches("b")
        assert ours.calls(10) == {"b": 10}
        with closing(ServerThread(named("a again"), address=address)):
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
    with reserved_port() as first, reserved_port() as second:
        ours = client(f"ipv4:127.0.0.1:{first},127.0.0.1:{second}")
        for _ in range(2):
            error = ours.failure()
            assert error.code is StatusCode.UNAVAILABLE
            assert (
                f"127.0.0.1:{first}: Connection refused; 127.0.0.1:{second}: Connection refused"
                in error.message
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
        channel = rpc.sync.Channel(server.target, max_connections_per_subchannel=3)
        with channel, ThreadPoolExecutor(6) as pool:
            calls = [pool.submit(Stub(channel).Unary, Item(), timeout=PATIENCE) for _ in range(6)]
            # Not three connections, but all calls: one that waits goes wherever a place gets free.
            eventually(lambda: len(server.server.runners) == 6)
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
