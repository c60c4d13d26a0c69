"""Calls of a blocking channel: the four shapes, their objects, deadlines, cancelling, flow control."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from barewire import rpc
from barewire.rpc import RpcError, StatusCode
from barewire.rpc.deadline import current_deadline
from tests.support.rpc_blocking import ServerThread, eventually, failure_of, serving
from tests.support.rpc_service import PATIENCE, Item, Stub, servicer

MEBIBYTE = 1 << 20


async def unary(request: Any, context: Any) -> Any:
    if request.text == "fail":
        raise RpcError(StatusCode.NOT_FOUND, "no such thing", details=[], metadata=[("why-bin", b"\0\xff")])
    if request.text == "hang":
        await asyncio.Event().wait()
    await context.send_initial_metadata([("initial", str(context.invocation_metadata().get("sent", "")))])
    context.set_trailing_metadata([("trailing-bin", b"\1\2")])
    return Item(number=request.number + 1, data=request.data)


async def down(request: Any, context: Any) -> Any:
    for number in range(request.number):
        yield Item(number=number, data=request.data)
    if request.text == "fail":
        raise RpcError(StatusCode.DATA_LOSS, "half way")
    if request.text == "hang":
        await asyncio.Event().wait()


async def up(requests: Any, context: Any) -> Any:
    total = size = 0
    async for request in requests:
        total += request.number
        size += len(request.data)
        if request.text == "fail":
            raise RpcError(StatusCode.ABORTED, "enough")
    return Item(number=total, text=str(size))


async def both(requests: Any, context: Any) -> Any:
    async for request in requests:
        yield request


SERVICE = servicer(Unary=unary, Down=down, Up=up, Both=both)


@pytest.fixture(scope="module")
def server() -> Iterator[ServerThread]:
    thread = ServerThread(SERVICE)
    yield thread
    thread.close()


@pytest.fixture
def stub(server: ServerThread) -> Iterator[Any]:
    with rpc.sync.Channel(server.target) as channel:
        yield Stub(channel)


def test_unary(stub: Any) -> None:
    assert stub.Unary(Item(number=1), timeout=PATIENCE).number == 2
    response, call = stub.Unary.with_call(Item(number=2), metadata=[("sent", "x")])
    assert response.number == 3
    assert call.initial_metadata()["initial"] == "x"
    assert call.trailing_metadata()["trailing-bin"] == b"\1\2"
    assert (call.code(), call.details(), call.done(), call.cancelled()) == (StatusCode.OK, "", True, False)
    assert call.result() is response
    assert not call.cancel()
    assert "OK" in repr(call)


def test_a_failure(stub: Any) -> None:
    error = failure_of(stub.Unary, Item(text="fail"))
    assert (error.code, error.message) == (StatusCode.NOT_FOUND, "no such thing")
    assert error.metadata["why-bin"] == b"\0\xff"
    assert error.from_peer
    call = stub.Unary.start(Item(text="fail"))
    assert call.code() is StatusCode.NOT_FOUND
    assert call.trailing_metadata()["why-bin"] == b"\0\xff"


def test_server_streaming(stub: Any) -> None:
    assert [item.number for item in stub.Down(Item(number=5))] == [0, 1, 2, 3, 4]
    call = stub.Down(Item(number=2, text="fail"))
    assert [call.receive().number, call.receive().number] == [0, 1]
    with pytest.raises(RpcError, match="half way"):
        call.receive()
    assert call.code() is StatusCode.DATA_LOSS
    assert call.details() == "half way"


def test_client_streaming(stub: Any) -> None:
    assert stub.Up(Item(number=n) for n in range(10)).number == 45
    assert stub.Up([]).number == 0
    response, call = stub.Up.with_call([Item(number=7)])
    assert (response.number, call.code()) == (7, StatusCode.OK)
    with stub.Up() as explicit:
        explicit.send(Item(number=1))
        explicit.send(Item(number=2))
        explicit.done_sending()
        assert explicit.result().number == 3
        with pytest.raises(RuntimeError, match="already"):
            explicit.send(Item())


def test_an_endless_stream_of_requests_stops_with_its_call(stub: Any) -> None:
    def requests() -> Iterator[Any]:
        while True:
            yield Item(text="fail")

    assert failure_of(stub.Up, requests()).code is StatusCode.ABORTED


def test_bidirectional(stub: Any) -> None:
    assert [item.number for item in stub.Both(Item(number=n) for n in range(200))] == list(range(200))
    with stub.Both() as call:
        for number in range(20):
            call.send(Item(number=number))
            assert call.receive().number == number
        call.done_sending()
        assert call.receive() is None
        assert call.code() is StatusCode.OK


def test_responses_arrive_while_requests_are_still_made(stub: Any) -> None:
    """A generator that would go on for ever is not drained first."""
    seen: list[int] = []

    def requests() -> Iterator[Any]:
        number = 0
        while len(seen) < 3:
            yield Item(number=number)
            number += 1
            time.sleep(0.002)

    for item in stub.Both(requests(), timeout=PATIENCE):
        seen.append(item.number)
    assert seen[:3] == [0, 1, 2]


def test_requests_come_from_one_source(stub: Any) -> None:
    call = stub.Both([Item(number=1)])
    with pytest.raises(RuntimeError, match="come from an iterable"):
        call.send(Item(number=2))
    assert [item.number for item in call] == [1]


def test_an_iterable_that_raises(stub: Any) -> None:
    def requests() -> Iterator[Any]:
        yield Item()
        raise KeyError("oops")

    error = failure_of(stub.Up, requests())
    assert error.code is StatusCode.UNKNOWN
    assert "KeyError" in error.message
    assert isinstance(error.__cause__, KeyError)
    assert failure_of(list, stub.Both(requests())).code is StatusCode.UNKNOWN


def test_requests_that_cannot_be_sent(server: ServerThread) -> None:
    with rpc.sync.Channel(server.target, max_send_message_size=100) as channel:
        stub = Stub(channel)
        assert failure_of(stub.Unary, Item(number="x")).code is StatusCode.INTERNAL
        assert failure_of(stub.Unary, Item(data=bytes(200))).code is StatusCode.RESOURCE_EXHAUSTED
        assert failure_of(stub.Up, [Item(number="x")]).code is StatusCode.INTERNAL
        with stub.Both() as call:
            assert failure_of(call.send, Item(number="x")).code is StatusCode.INTERNAL
            assert call.code() is StatusCode.INTERNAL
        with pytest.raises(ValueError, match="metadata"):
            stub.Unary(Item(), metadata=[("Bad Key", "x")])
        assert stub.Unary(Item()).number == 1


def test_responses_that_cannot_be_decoded(server: ServerThread) -> None:
    def fails(data: bytes) -> Any:
        raise ValueError("not mine")

    with rpc.sync.Channel(server.target) as channel:
        method = channel.unary_unary(
            "/shapes.Shapes/Unary", response_deserializer=fails, _registered_method=True
        )
        call = method.start(b"")
        assert "not mine" in failure_of(call.result).message
        assert call.code() is StatusCode.INTERNAL
        raw = channel.unary_unary("/shapes.Shapes/Unary")
        assert Item.decode(raw(Item(number=4).encode())).number == 5
        assert "/shapes.Shapes/Unary" in repr(raw)


@pytest.mark.parametrize("compression", ["gzip", "deflate"])
def test_compression(server: ServerThread, compression: str) -> None:
    with rpc.sync.Channel(server.target, compression=compression) as channel:
        assert Stub(channel).Unary(Item(data=bytes(10_000))).data == bytes(10_000)


# -- time ---------------------------------------------------------------------------------------------------------


@pytest.mark.rule(36)
def test_r36_deadlines(stub: Any) -> None:
    assert failure_of(stub.Unary, Item(text="hang"), timeout=0.1).code is StatusCode.DEADLINE_EXCEEDED
    call = stub.Down(Item(number=2, text="hang"), timeout=0.1)
    assert call.time_remaining() <= 0.1
    assert failure_of(list, call).code is StatusCode.DEADLINE_EXCEEDED
    with stub.Down(Item(text="hang"), timeout=PATIENCE) as call:
        assert 0 < call.time_remaining() <= PATIENCE
    assert failure_of(stub.Unary, Item(), timeout=-1).code is StatusCode.DEADLINE_EXCEEDED
    assert stub.Unary(Item()).number == 1


def test_a_deadline_of_a_thread_that_does_not_read(stub: Any) -> None:
    """The leader has no deadline; that of a follower ends in time all the same."""
    leader = stub.Unary.start(Item(text="hang"))
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(failure_of, leader.result)
        eventually(lambda: leader._state.channel.driver.has_leader)
        assert failure_of(stub.Unary, Item(text="hang"), timeout=0.1).code is StatusCode.DEADLINE_EXCEEDED
        assert not waiting.done()
        leader.cancel()
        assert waiting.result(PATIENCE).code is StatusCode.CANCELLED


def test_calls_inherit_the_deadline_of_a_handler(server: ServerThread) -> None:
    with rpc.sync.Channel(server.target) as channel:
        inner = Stub(channel)
        left: list[Any] = []

        def handler(request: Any, context: Any) -> Any:
            call = inner.Unary.start(Item(text="hang"))
            left.append(call.time_remaining())
            call.cancel()
            return request

        with serving(servicer(Unary=handler)) as (outer, _, _):
            outer.Unary(Item(), timeout=1000)
            assert 0 < left[0] <= 1000
    assert current_deadline.get() is None


# -- cancelling ---------------------------------------------------------------------------------------------------


@pytest.mark.rule(40)
@pytest.mark.parametrize("shape", ["Unary", "Down", "Both"])
def test_r40_cancelling_from_another_thread(stub: Any, shape: str) -> None:
    call = stub.Both() if shape == "Both" else getattr(stub, shape)
    if shape == "Unary":
        call = call.start(Item(text="hang"))
    elif shape == "Down":
        call = call(Item(text="hang"))
    wait = call.result if shape == "Unary" else call.receive
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(failure_of, wait)
        eventually(lambda: call._state.channel.driver.has_leader)
        assert call.cancel()
        assert waiting.result(PATIENCE).code is StatusCode.CANCELLED
    assert call.cancelled()
    assert call.code() is StatusCode.CANCELLED


def test_an_interrupt_cancels_the_call(server: ServerThread, stub: Any) -> None:
    """What Ctrl-C does to a thread that waits for the socket, with an exception of our own."""

    class Interrupted(BaseException):
        pass

    def interrupt(*_: object) -> None:
        raise Interrupted

    stub.Unary(Item())  # nothing of the connection's beginning is on its way any more
    before_it = server.server.calls.started
    call = stub.Unary.start(Item(text="hang"))

    def kill() -> None:
        eventually(lambda: server.server.calls.started > before_it and call._state.channel.driver._waiting)
        os.kill(os.getpid(), signal.SIGUSR1)

    killer = threading.Thread(target=kill)
    before = signal.signal(signal.SIGUSR1, interrupt)
    try:
        killer.start()
        with pytest.raises(Interrupted):
            call.result()
    finally:
        killer.join(PATIENCE)
        signal.signal(signal.SIGUSR1, before)
    assert call.cancelled()
    assert stub.Unary(Item(number=1)).number == 2


def test_leaving_the_block_cancels(stub: Any) -> None:
    with stub.Down(Item(number=3, text="hang")) as call:
        assert next(call).number == 0
    assert call.cancelled()


def test_a_call_that_is_dropped_is_cancelled() -> None:
    with serving(SERVICE) as (stub, _, server):
        for _item in stub.Down(Item(number=3, text="hang")):
            break
        gc.collect()
        eventually(lambda: not any(link.core.open_calls for link in server.server.links))


# -- threads and sizes --------------------------------------------------------------------------------------------


def test_many_threads_share_a_channel(server: ServerThread) -> None:
    with rpc.sync.Channel(server.target) as channel, ThreadPoolExecutor(16) as pool:
        stub = Stub(channel)

        def work(number: int) -> int:
            match number % 4:
                case 0:
                    return stub.Unary(Item(number=number - 1), timeout=PATIENCE).number
                case 1:
                    return len(list(stub.Down(Item(number=number), timeout=PATIENCE)))
                case 2:
                    return stub.Up([Item(number=1)] * number, timeout=PATIENCE).number
                case _:
                    return len(list(stub.Both([Item()] * number, timeout=PATIENCE)))

        assert list(pool.map(work, range(100))) == list(range(100))
        assert len(channel.links) == 1


@pytest.mark.parametrize("shape", ["Unary", "Both"])
def test_one_mebibyte_both_ways(stub: Any, shape: str) -> None:
    item = Item(data=bytes(MEBIBYTE))
    if shape == "Unary":
        assert stub.Unary(item, timeout=PATIENCE).data == item.data
    else:
        assert [got.data for got in stub.Both([item] * 5, timeout=PATIENCE)] == [item.data] * 5


@pytest.mark.rule(72)
def test_r72_a_slow_reader_holds_no_more_than_its_window(server: ServerThread) -> None:
    with rpc.sync.Channel(server.target, stream_window=65_535) as channel:
        stub = Stub(channel)
        slow = stub.Down(Item(number=2000, data=bytes(1000)))
        next(slow)
        for _ in range(50):  # others read the connection meanwhile
            stub.Unary(Item())
        assert sum(size for _, size in slow._state.inbox) <= 65_535
        assert sum(1 for _ in slow) == 1999


def test_it_works_inside_a_thread_of_a_running_loop(stub: Any) -> None:
    async def main() -> int:
        inside = stub.Unary(Item(number=1)).number  # blocks the loop, but works
        return inside + (await asyncio.to_thread(stub.Unary, Item(number=2))).number

    assert asyncio.run(main()) == 5


def test_no_threads_are_started(stub: Any) -> None:
    before = set(threading.enumerate())
    stub.Unary(Item())
    assert set(threading.enumerate()) <= before  # others may have ended meanwhile
