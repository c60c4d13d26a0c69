"""The blocking channel's connection: none, new ones, lost ones, TLS, unix sockets, forks, closing."""

from __future__ import annotations

import asyncio
import math
import os
import socket
import ssl
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import trustme

from barewire import rpc
from barewire.rpc import BackoffPolicy, ConnectivityState, RpcConfigurationError, StatusCode
from tests.support.processes import reserved_port
from tests.support.rpc_blocking import ServerThread, eventually, failure_of, serving
from tests.support.rpc_service import PATIENCE, Item, Stub, servicer

QUICK = BackoffPolicy(initial=0.02, jitter=0, maximum=0.05)


async def echo(request: Any, context: Any) -> Any:
    if request.text == "slow":
        await asyncio.sleep(0.2)
    return Item(text=context.peer(), data=request.data, number=request.number)


async def endless(request: Any, context: Any) -> Any:
    while True:
        yield Item()
        await asyncio.sleep(0.01)


ECHO = servicer(Unary=echo, Down=endless)


# -- no server ----------------------------------------------------------------------------------------------------


@pytest.mark.rule(79)
def test_r79_a_dead_port_names_host_port_and_cause() -> None:
    with reserved_port() as port, rpc.sync.Channel(f"127.0.0.1:{port}") as channel:
        for _ in range(2):  # the second fails at once, with the same words
            error = failure_of(Stub(channel).Unary, Item())
            assert error.code is StatusCode.UNAVAILABLE
            assert f"127.0.0.1:{port}" in error.message
            assert "refused" in error.message


@pytest.mark.parametrize(
    "target", ["unix:/nowhere/at/all.sock", "a" * 70 + ".invalid:1", "host..name:1", "x\0y:1"]
)
def test_targets_that_cannot_be_connected_to(target: str) -> None:
    with rpc.sync.Channel(target) as channel:
        assert failure_of(Stub(channel).Unary, Item(), timeout=10).code is StatusCode.UNAVAILABLE


@pytest.mark.rule(38)
@pytest.mark.rule(79)
def test_r38_r79_wait_for_ready() -> None:
    with (
        reserved_port() as port,
        rpc.sync.Channel(f"127.0.0.1:{port}", backoff=QUICK) as channel,
        ThreadPoolExecutor(3) as pool,
    ):
        stub = Stub(channel)
        failure_of(stub.Unary, Item())  # the channel has tried once
        error = failure_of(stub.Unary, Item(), timeout=0.05, wait_for_ready=True)
        assert error.code is StatusCode.DEADLINE_EXCEEDED
        assert "last attempt" in error.message
        with pytest.raises(TimeoutError, match="refused"):
            channel.channel_ready(timeout=0.05)
        ready = pool.submit(channel.channel_ready)
        waiting = [pool.submit(stub.Unary, Item(), wait_for_ready=True) for _ in range(2)]
        abandoned = stub.Unary.start(Item(), wait_for_ready=True)
        abandoned.cancel()
        time.sleep(0.05)
        server = ServerThread(ECHO, address=f"127.0.0.1:{port}")
        try:
            assert all(call.result(PATIENCE).text for call in waiting)
            ready.result(PATIENCE)
            assert abandoned.code() is StatusCode.CANCELLED
        finally:
            channel.close()
            server.close()


@pytest.fixture
def silent() -> Any:
    """The port of a server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def test_a_server_that_says_nothing(silent: int) -> None:
    with rpc.sync.Channel(f"127.0.0.1:{silent}", connect_timeout=0.1) as channel:
        error = failure_of(Stub(channel).Unary, Item())
        assert error.code is StatusCode.UNAVAILABLE
        assert "connect_timeout" in error.message


def test_a_deadline_while_connecting(silent: int) -> None:
    with rpc.sync.Channel(f"127.0.0.1:{silent}") as channel:
        error = failure_of(Stub(channel).Unary, Item(), timeout=0.1)
        assert error.code is StatusCode.DEADLINE_EXCEEDED
        assert "waiting for a connection" in error.message
        assert channel.state is ConnectivityState.IDLE  # nobody waits
        assert not channel._dials
        assert not channel.links


# -- connections come and go --------------------------------------------------------------------------------------


@pytest.mark.rule(60)
def test_r60_a_channel_connects_again() -> None:
    with reserved_port() as port, rpc.sync.Channel(f"127.0.0.1:{port}", backoff=QUICK) as channel:
        stub = Stub(channel)
        for _ in range(3):
            server = ServerThread(ECHO, address=f"127.0.0.1:{port}")
            # The channel has not looked at its connection since the last server left.
            stub.Unary(Item(), wait_for_ready=True, timeout=PATIENCE)
            stub.Unary(Item(), timeout=PATIENCE)
            server.abort_connections()
            server.close()


@pytest.mark.parametrize("idle_timeout", [math.inf, 1e9], ids=str)
def test_timers_that_no_system_can_wait_for(idle_timeout: float) -> None:
    with serving(ECHO, channel={"idle_timeout": idle_timeout}) as (stub, _, _):
        assert stub.Unary(Item(text="slow", number=5)).number == 5


@pytest.mark.rule(60)
def test_r60_goaway_lets_calls_in_flight_end() -> None:
    with serving(ECHO) as (stub, _, server):
        call = stub.Unary.start(Item(text="slow", number=5))
        with ThreadPoolExecutor(1) as pool:
            eventually(lambda: _read(call) or any(link.core.open_calls for link in server.server.links))
            closing = pool.submit(server.close, 10.0)
            assert call.result().number == 5
            assert call.code() is StatusCode.OK
            closing.result(PATIENCE)
        assert failure_of(stub.Unary, Item()).code is StatusCode.UNAVAILABLE


def _read(call: Any) -> bool:
    """Let the channel go on connecting without waiting for the call's end."""
    driver = call._state.channel.driver
    with call._state.channel.entered():
        driver.wait(object(), lambda: False, time.monotonic() + 0.01)
    return False


@pytest.mark.rule(44)
def test_r44_calls_end_with_their_connection() -> None:
    with serving(ECHO) as (stub, _, server):
        call = stub.Down(Item())
        next(call)
        server.abort_connections()
        error = failure_of(list, call)
        assert error.code is StatusCode.UNAVAILABLE
        assert server.target in error.message
        assert stub.Unary(Item(number=3), timeout=PATIENCE, wait_for_ready=True).number == 3


def test_closing_ends_the_calls_of_other_threads() -> None:
    with serving(ECHO) as (stub, channel, _), ThreadPoolExecutor(3) as pool:
        calls = [pool.submit(failure_of, list, stub.Down(Item())) for _ in range(3)]
        eventually(lambda: sum(link.core.open_calls for link in channel.links) == 3)
        channel.close()
        assert {call.result(PATIENCE).code for call in calls} == {StatusCode.CANCELLED}
        channel.close()
        with pytest.raises(RuntimeError, match="is closed"):
            stub.Unary(Item())
        with pytest.raises(RuntimeError, match="is closed"):
            channel.channel_ready()


def test_closing_with_grace() -> None:
    with serving(ECHO) as (stub, channel, _), ThreadPoolExecutor(1) as pool:
        channel.channel_ready(PATIENCE)
        call = stub.Unary.start(Item(text="slow", number=2))
        result = pool.submit(call.result)
        channel.close(grace=PATIENCE)
        assert result.result(PATIENCE).number == 2


def test_closing_while_connecting(silent: int) -> None:
    with rpc.sync.Channel(f"127.0.0.1:{silent}") as channel, ThreadPoolExecutor(1) as pool:
        call = pool.submit(failure_of, Stub(channel).Unary, Item())
        eventually(lambda: channel._dials or channel.links)
        channel.close()
        assert call.result(PATIENCE).code is StatusCode.CANCELLED


def test_configuration_errors() -> None:
    with pytest.raises(RpcConfigurationError, match="unknown option nonsense"):
        rpc.sync.Channel("a:1", nonsense=1)
    with pytest.raises(ValueError, match="snappy"):
        rpc.sync.Channel("a:1", compression="snappy")
    assert repr(rpc.sync.Channel("a:1")) == "<Channel a:1>"


# -- other transports ---------------------------------------------------------------------------------------------


def test_unix_sockets(tmp_path: Path) -> None:
    for address in (f"unix:{tmp_path}/x.sock", f"unix-abstract:barewire-sync-{os.getpid()}"):
        with serving(ECHO, address=address) as (stub, _, _):
            assert stub.Unary(Item()).text == "unix:"


def server_context(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    return context


@pytest.mark.rule(74)
def test_r74_tls() -> None:
    authority = trustme.CA()
    context = ssl.create_default_context()
    authority.configure_trust(context)
    options = {"tls": context, "authority": "localhost"}
    with serving(ECHO, tls=server_context(authority), channel=options) as (stub, channel, _):
        assert channel.scheme == "https"
        big = bytes(1 << 20)
        assert stub.Unary(Item(data=big), timeout=PATIENCE).data == big
        with ThreadPoolExecutor(8) as pool:
            sizes = list(pool.map(lambda n: len(stub.Unary(Item(data=bytes(n * 5000))).data), range(40)))
        assert sizes == [n * 5000 for n in range(40)]


@pytest.mark.rule(74)
def test_r74_certificates_are_checked() -> None:
    authority = trustme.CA()
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    wrong_name = {"tls": trusting, "authority": "example.com"}
    for options in (wrong_name, {"tls": True, "authority": "localhost"}):
        with serving(ECHO, tls=server_context(authority), channel=options) as (stub, _, _):
            error = failure_of(stub.Unary, Item(), timeout=PATIENCE)
            assert error.code is StatusCode.UNAVAILABLE
            assert "certificate" in error.message


# -- forks --------------------------------------------------------------------------------------------------------

FORK = """
import os, sys, threading
from barewire import rpc
from tests.support.rpc_service import Item, Stub

def code(action):
    try:
        action()
    except rpc.RpcError as error:
        return error.code.name
    return "OK"

with rpc.sync.Channel(sys.argv[1]) as channel:
    stub = Stub(channel)
    stub.Unary(Item())
    stream = stub.Down(Item())
    next(stream)
    # Another thread of the parent leads while the process is forked, and may hold the lock.
    busy = threading.Thread(target=lambda: [stub.Unary(Item()) for _ in range(200)], daemon=True)
    busy.start()
    child = os.fork()
    if child == 0:
        told = code(lambda: list(stream)), stub.Unary(Item(number=7), timeout=20).number
        os._exit(0 if told == ("UNAVAILABLE", 7) else 1)
    _, status = os.waitpid(child, 0)
    print("child", os.waitstatus_to_exitcode(status))
    busy.join()
    next(stream)
    print("parent", stub.Unary(Item(number=8), timeout=20).number)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_child_has_its_own_connection() -> None:
    server = ServerThread(ECHO)
    try:
        root = Path(__file__).resolve().parents[2]
        done = subprocess.run(
            [sys.executable, "-c", FORK, server.target],
            cwd=root,
            capture_output=True,
            text=True,
            timeout=2 * PATIENCE,
        )
        assert done.stdout.split() == ["child", "0", "parent", "8"], done.stderr
    finally:
        server.close()


def test_importing_rpc_does_not_import_the_blocking_channel() -> None:
    script = "import sys; from barewire import rpc; assert 'barewire.rpc.sync' not in sys.modules; rpc.sync.Channel"
    subprocess.run([sys.executable, "-c", script], check=True, timeout=PATIENCE)
    with pytest.raises(AttributeError, match="nonsense"):
        rpc.nonsense  # type: ignore[attr-defined]


def test_threads_that_come_and_go() -> None:
    """Whoever leads hands over when it leaves, whatever it leaves with."""
    with serving(ECHO) as (stub, _, _):
        results: list[Any] = []

        def work(number: int) -> None:
            if number % 3 == 0:
                results.append(failure_of(stub.Unary, Item(text="slow"), timeout=0.02).code)
            elif number % 3 == 1:
                call = stub.Down(Item())
                next(call)
                call.cancel()
                results.append(call.code())
            else:
                results.append(stub.Unary(Item(text="slow")).number)

        threads = [threading.Thread(target=work, args=(n,)) for n in range(60)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE)
        assert len(results) == 60
