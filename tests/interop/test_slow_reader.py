"""A reader that sleeps while the peer sends 10,000 messages: neither side of ours holds more than its window.

What would pile up is 80 MB; the bound is far above the windows and far below that. Memory is the kernel's figure for
the process, which has nothing else to do.
"""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.support.processes import Child, memory

from .clients.outcome import PATIENCE, Client
from .conftest import Connect, Servers, start_server

COUNT = 10_000
SIZE = 8_192
BOUND = 24 << 20


def wait_until_it_stands_still(client: Client, label: str, what: str) -> int:
    """Waits until a counter of the server has stopped growing, and says where."""
    end = time.monotonic() + PATIENCE
    last = -1
    while True:
        assert time.monotonic() < end
        now: int = getattr(client.call("Count", [client.interop.Request(label=label)]).response, what)
        if now == last and now > 0:
            return now
        last = now
        time.sleep(0.5)


@pytest.mark.rule(72)
@pytest.mark.parametrize("client_name", ["grpcio-sync", "grpcio-aio", "barewire", "barewire-sync"])
def test_r72_our_server_sends_to_a_sleeping_reader(connect: Connect, client_name: str) -> None:
    with start_server("barewire") as child:
        client = connect(client_name, f"127.0.0.1:{child.line()}")
        client.call("ServerStream", [client.interop.Request(response_count=10, response_size=SIZE)])
        before = memory(child.pid)
        sent_meanwhile = 0

        def pause() -> None:
            nonlocal sent_meanwhile
            sent_meanwhile = wait_until_it_stands_still(client, "slow", "sent")

        request = client.interop.Request(response_count=COUNT, response_size=SIZE, label="slow")
        outcome = client.read_late("ServerStream", request, pause)
        assert outcome.code == "OK"
        assert len(outcome.responses) == COUNT
        assert sent_meanwhile * SIZE < BOUND
        assert memory(child.pid, "VmHWM") - before < BOUND


@pytest.mark.rule(72)
@pytest.mark.parametrize("client_name", ["grpcio-sync", "grpcio-aio", "barewire", "barewire-sync"])
def test_r72_our_handler_sleeps_while_a_client_sends(connect: Connect, client_name: str) -> None:
    with start_server("barewire") as child:
        client = connect(client_name, f"127.0.0.1:{child.line()}")
        client.call("ClientStream", [client.interop.Request(payload=bytes(SIZE))] * 10)
        before = memory(child.pid)
        request = client.interop.Request(payload=bytes(SIZE), sleep_ms=1500)
        outcome = client.call("ClientStream", [request] * COUNT)
        assert outcome.response.received_count == COUNT
        assert memory(child.pid, "VmHWM") - before < BOUND


@pytest.mark.rule(72)
@pytest.mark.parametrize("server_name", ["grpcio-sync", "grpcio-aio"])
def test_r72_our_client_sleeps_while_a_server_sends(
    connect: Connect, server: Servers, server_name: str
) -> None:
    target = server(server_name).target
    watcher = connect("grpcio-sync", target)
    label = f"slow client {time.monotonic_ns()}"
    with slow_client("read", target, label) as child:
        before = ready(child)
        assert child.line() == "paused"
        sent = wait_until_it_stands_still(watcher, label, "sent")
        assert memory(child.pid, "VmHWM") - before < BOUND
        child.tell("read on")
        assert child.line() == str(COUNT)
        assert sent < COUNT
        assert memory(child.pid, "VmHWM") - before < BOUND


@pytest.mark.rule(72)
@pytest.mark.parametrize("server_name", ["grpcio-sync", "grpcio-aio"])
def test_r72_our_client_sends_to_a_sleeping_handler(server: Servers, server_name: str) -> None:
    with slow_client("send", server(server_name).target, "sleeping handler") as child:
        before = ready(child)
        assert child.line() == str(COUNT)
        assert memory(child.pid, "VmHWM") - before < BOUND


def slow_client(what: str, target: str, label: str) -> Child:
    return Child("tests.interop.peers.barewire_slow_client", what, target, str(COUNT), str(SIZE), label)


def ready(child: Any) -> int:
    """Waits until the client is connected, and lets it go on; its memory before that."""
    assert child.line() == "ready"
    before = memory(child.pid)
    child.tell("go")
    return before
