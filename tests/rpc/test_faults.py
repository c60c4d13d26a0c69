"""Servers that break: what a call ends with, and that the next call works. In memory, and over sockets with both
shells."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable
from typing import Any

import pytest

from barewire import rpc
from barewire.rpc import BackoffPolicy, Keepalive, StatusCode
from tests.support.processes import Child
from tests.support.rpc_blocking import eventually as blocking_eventually
from tests.support.rpc_fault_table import FAULTS, HARMLESS, PHASES, RESET_CODES, Fault, Frames
from tests.support.rpc_raw_peer import HEAD, RawServer
from tests.support.rpc_scripted_server import CLOSE, SILENCE, ScriptedServer
from tests.support.rpc_service import PATIENCE, Item, Stub, eventually

EMPTY = Item()
QUICK = BackoffPolicy(initial=0.02, jitter=0, maximum=0.05)

each_shell = pytest.mark.parametrize("shell", ["aio", "sync"])
each_fault = pytest.mark.parametrize(
    "fault", [pytest.param(fault, id=fault.name, marks=pytest.mark.rule(fault.rule)) for fault in FAULTS]
)


# -- in memory ----------------------------------------------------------------------------------------------------


@pytest.mark.rule(41)
@pytest.mark.rule(42)
@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("code", RESET_CODES, ids=lambda code: getattr(code, "name", hex(code)))
def test_r41_r42_resets(phase: str, code: int) -> None:
    server = RawServer()
    call = server.call(b"x")
    server.send(*PHASES[phase](server, call.stream_id), server.reset(call.stream_id, code))
    status = server.status()
    assert status.code.name == RESET_CODES[code]
    assert status.from_peer
    assert status.reached_server is (code != 7)
    assert getattr(code, "name", hex(code)) in status.message
    assert server.core.accepts_calls
    assert server.core.open_calls == 0
    assert server.core.incomplete.size == 0


@each_fault
def test_fault(fault: Fault) -> None:
    server = RawServer()
    call = server.call(b"x")
    for frame in fault.frames(server, call.stream_id):
        if frame is CLOSE:
            server.core.peer_closed("closed by the peer")
            server.take()
        else:
            server.send(frame)
    status = server.status()
    if fault.rule == 46:  # the number of messages is for the layer above to check
        assert status.code is StatusCode.OK
    else:
        assert status.code.name == fault.code
        assert fault.says in status.message
    assert server.core.open_calls == 0
    assert server.core.incomplete.size == 0


@pytest.mark.parametrize("name", HARMLESS)
def test_harmless(name: str) -> None:
    server = RawServer()
    call = server.call(b"x")
    for frame in HARMLESS[name](server, call.stream_id):
        server.send(frame)
    assert server.status().code is StatusCode.OK
    assert len(server.messages()) == 1
    assert server.core.accepts_calls is ("GOAWAY" not in name)


@pytest.mark.rule(36)
def test_r36_headers_that_never_end() -> None:
    server = RawServer()
    call = server.call(b"x", timeout=5.0)
    frame = server.headers(call.stream_id, HEAD)
    frame.flags.discard("END_HEADERS")
    server.send(frame)
    server.pass_time(5)
    assert server.status().code is StatusCode.DEADLINE_EXCEEDED


# -- over sockets -------------------------------------------------------------------------------------------------


Outcome = rpc.RpcError | None


def two_calls(
    shell: str,
    target: str,
    *,
    prepare: Callable[[Any], object] = lambda channel: None,
    between: Callable[[Any], object] = lambda channel: None,
    request: Any = EMPTY,
    second: bool = True,
    **options: Any,
) -> tuple[Outcome, Outcome]:
    """How a call ended, and how the next one did, on one channel without retries."""
    options = {"backoff": QUICK, "retries": False, **options}
    if shell == "sync":
        with rpc.sync.Channel(target, **options) as blocking:
            prepare(blocking)
            unary = Stub(blocking).Unary
            first = outcome(lambda: unary(request, timeout=PATIENCE / 2))
            between(blocking)
            return first, outcome(lambda: unary(Item(), timeout=PATIENCE / 2)) if second else None

    async def both() -> tuple[Outcome, Outcome]:
        async with asyncio.timeout(PATIENCE), rpc.Channel(target, **options) as channel:
            prepare(channel)
            unary = Stub(channel).Unary
            first = await outcome_of(unary(request, timeout=PATIENCE / 2))
            between(channel)
            return first, await outcome_of(unary(Item(), timeout=PATIENCE / 2)) if second else None

    return asyncio.run(both())


def outcome(call: Callable[[], Any]) -> Outcome:
    try:
        call()
    except rpc.RpcError as error:
        return error
    return None


async def outcome_of(call: Any) -> Outcome:
    try:
        await call
    except rpc.RpcError as error:
        return error
    return None


def short_keepalive(channel: Any) -> None:
    """Below ten seconds is for tests: it is set past the constructor."""
    channel.keepalive = Keepalive(time=0.05, timeout=0.1)


def no_keepalive(channel: Any) -> None:
    """A connection that has to live does so however slow the machine is."""
    channel.keepalive = Keepalive()


@each_shell
@each_fault
def test_fault_over_sockets(shell: str, fault: Fault) -> None:
    with ScriptedServer(fault.frames) as server:
        error, following = two_calls(shell, server.target)
    assert error is not None
    assert error.code.name == fault.code
    assert fault.says in error.message
    assert following is None


@each_shell
@pytest.mark.rule(41)
@pytest.mark.rule(42)
@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("code", [2, 7, 8, 11])
def test_r41_r42_resets_over_sockets(shell: str, phase: str, code: int) -> None:
    def script(peer: Any, stream: int) -> list[Any]:
        return [*PHASES[phase](peer, stream), peer.reset(stream, code)]

    with ScriptedServer(script) as server:
        error, following = two_calls(shell, server.target)
    assert error is not None
    assert error.code.name == RESET_CODES[code]
    assert following is None


@each_shell
@pytest.mark.parametrize("name", HARMLESS)
def test_harmless_over_sockets(shell: str, name: str) -> None:
    frames: Frames = HARMLESS[name]
    with ScriptedServer(frames) as server:
        assert two_calls(shell, server.target) == (None, None)


@each_shell
@pytest.mark.rule(64)
@pytest.mark.rule(66)
def test_r66_a_server_that_falls_silent(shell: str) -> None:
    with ScriptedServer(lambda peer, stream: [SILENCE]) as server:
        error, following = two_calls(shell, server.target, prepare=short_keepalive, between=no_keepalive)
    assert error is not None
    assert error.code is StatusCode.UNAVAILABLE
    assert "nothing came for 0.1 s after a keepalive PING" in error.message
    assert following is None


@each_shell
@pytest.mark.rule(78)
def test_r78_a_handshake_that_never_ends(shell: str) -> None:
    with ScriptedServer(lambda peer, stream: [], handshake=False) as server:
        error, _ = two_calls(shell, server.target, connect_timeout=0.2, second=False)
    assert error is not None
    assert error.code is StatusCode.UNAVAILABLE
    assert "connect_timeout" in error.message


@each_shell
@pytest.mark.rule(75)
def test_r75_a_server_that_never_opens_its_window(shell: str) -> None:
    with ScriptedServer(lambda peer, stream: [], settings={4: 0}) as server:
        error, _ = two_calls(shell, server.target, stall_timeout=0.2, second=False, request=Item(text="x"))
    assert error is not None
    assert error.code is StatusCode.UNAVAILABLE
    assert "stall_timeout" in error.message


@each_shell
@pytest.mark.rule(67)
def test_r67_too_many_pings(shell: str, caplog: pytest.LogCaptureFixture) -> None:
    channels: list[Any] = []

    def script(peer: Any, stream: int) -> list[Any]:
        return [peer.goaway(stream, 11, b"too_many_pings"), CLOSE]

    with ScriptedServer(script) as server:
        error, following = two_calls(
            shell, server.target, keepalive=Keepalive(time=60), prepare=channels.append
        )
    assert error is not None
    assert error.code is StatusCode.UNAVAILABLE
    assert following is None
    assert channels[0].keepalive == Keepalive(time=120)
    assert server.target in caplog.text
    assert "too_many_pings" in caplog.text


# -- servers in processes of their own ----------------------------------------------------------------------------


@each_shell
@pytest.mark.rule(64)
@pytest.mark.rule(66)
def test_r66_a_frozen_server(shell: str) -> None:
    """Its kernel goes on acknowledging, so that TCP has nothing to complain of."""
    with Child("tests.support.rpc_child_server") as child:
        target = f"127.0.0.1:{child.line()}"
        try:
            error, _ = two_calls(
                shell, target, prepare=short_keepalive, request=Item(text="freeze"), second=False
            )
        finally:
            child.interrupt(signal.SIGCONT)
    assert error is not None
    assert error.code is StatusCode.UNAVAILABLE
    assert "keepalive" in error.message


LOAD = 20  # calls


@pytest.mark.rule(44)
def test_r44_a_server_that_is_killed_under_load() -> None:
    async def read(stub: Any, begun: set[int], number: int) -> rpc.RpcError:
        try:
            async for _ in stub.Down(Item(), timeout=PATIENCE):
                begun.add(number)
        except rpc.RpcError as error:
            return error
        raise AssertionError("an endless stream has ended well")

    async def load(target: str) -> list[rpc.RpcError]:
        async with asyncio.timeout(PATIENCE), rpc.Channel(target, retries=False) as channel:
            stub, begun = Stub(channel), set[int]()
            readers = [asyncio.create_task(read(stub, begun, number)) for number in range(LOAD)]
            await eventually(lambda: len(begun) == LOAD)
            killing = await outcome_of(stub.Unary(Item(text="die")))
            assert killing is not None
            return [killing, *await asyncio.gather(*readers)]

    with Child("tests.support.rpc_child_server") as child:
        errors = asyncio.run(load(f"127.0.0.1:{child.line()}"))
    assert {error.code for error in errors} == {StatusCode.UNAVAILABLE}
    assert all("was lost" in error.message for error in errors)


@pytest.mark.rule(44)
def test_r44_a_server_that_is_killed_under_load_of_threads() -> None:
    errors: list[rpc.RpcError] = []
    begun: set[int] = set()

    def read(stub: Any, number: int) -> None:
        try:
            for _ in stub.Down(Item(), timeout=PATIENCE):
                begun.add(number)
        except rpc.RpcError as error:
            errors.append(error)

    with Child("tests.support.rpc_child_server") as child:
        with rpc.sync.Channel(f"127.0.0.1:{child.line()}", retries=False) as channel:
            stub = Stub(channel)
            threads = [threading.Thread(target=read, args=(stub, number)) for number in range(LOAD)]
            for thread in threads:
                thread.start()
            blocking_eventually(lambda: len(begun) == LOAD)
            killing = outcome(lambda: stub.Unary(Item(text="die"), timeout=PATIENCE))
            for thread in threads:
                thread.join(PATIENCE)
        assert killing is not None
    assert len(errors) == LOAD
    assert {error.code for error in [killing, *errors]} == {StatusCode.UNAVAILABLE}
    assert all("was lost" in error.message for error in errors)
