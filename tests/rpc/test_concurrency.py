"""Bounds on calls at once: the rules of the core, and a server that keeps them."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from barewire import rpc
from barewire.rpc import RpcConfigurationError, StatusCode
from barewire.rpc.aio.sync_handlers import SyncHandlers
from barewire.rpc.concurrency import ConcurrencyLimits
from barewire.rpc.services.bundled import bundled
from barewire.rpc.status import Status
from tests.support.rpc_service import PATIENCE, Item, eventually, failure_of, servicer, serving

UNARY, DOWN = "/shapes.Shapes/Unary", "/shapes.Shapes/Down"


# -- the core -----------------------------------------------------------------------------------------------------


def held(limits: ConcurrencyLimits, path: str) -> Any:
    found = limits.places(path, known=True)
    assert limits.take(found) is None
    return found


def refused(limits: ConcurrencyLimits, path: str) -> str:
    found = limits.take(limits.places(path, known=True))
    assert isinstance(found, Status)
    assert found.code is StatusCode.RESOURCE_EXHAUSTED
    return found.message


def test_the_bounds_of_server_service_and_method_hold_together() -> None:
    limits = ConcurrencyLimits(3, {"shapes.Shapes": 2, UNARY: 1})
    first = held(limits, UNARY)
    assert f"concurrency_limits['{UNARY}']" in refused(limits, UNARY)
    second = held(limits, DOWN)
    assert "as many calls run already as concurrency_limits['shapes.Shapes'] allows (2)" in refused(
        limits, DOWN
    )
    held(limits, "/other.Service/Method")
    assert "max_concurrent_calls" in refused(limits, "/other.Service/Method")
    for taken in (first, second):
        limits.leave(taken)
    assert held(limits, UNARY)


def test_a_refused_call_takes_no_place() -> None:
    limits = ConcurrencyLimits(1, {UNARY: 1})
    taken = held(limits, DOWN)
    refused(limits, UNARY)
    limits.leave(taken)
    held(limits, UNARY)


def test_what_an_operator_asks_is_exempt_unless_named() -> None:
    limits = ConcurrencyLimits(1, {"/grpc.health.v1.Health/Watch": 1})
    held(limits, UNARY)
    for path in ("/grpc.health.v1.Health/Check", "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"):
        assert held(limits, path) == ()
    held(limits, "/grpc.health.v1.Health/Watch")
    assert "Health/Watch" in refused(limits, "/grpc.health.v1.Health/Watch")


def test_paths_that_clients_make_up_are_not_remembered() -> None:
    limits = ConcurrencyLimits(100_000)
    for number in range(1000):
        limits.places(f"/made.Up/{number}", known=False)
    assert not limits._places_by_path


@pytest.mark.parametrize("name", ["", "/", "/only.Service", "package.Service/Method", "/a/b/c"])
def test_names_have_one_of_two_forms(name: str) -> None:
    with pytest.raises(RpcConfigurationError, match="neither a service"):
        ConcurrencyLimits(named={name: 1})


@pytest.mark.parametrize("options", [{"whole": 0}, {"named": {"a.B": 0}}])
def test_bounds_are_at_least_one(options: Any) -> None:
    with pytest.raises(RpcConfigurationError, match="a whole number from 1 up"):
        ConcurrencyLimits(**options)


async def test_names_that_nobody_serves_are_found_at_the_start() -> None:
    with pytest.raises(RpcConfigurationError, match=r"shapes.Shape, which this server does not serve"):
        async with serving(servicer(), concurrency_limits={"shapes.Shape": 1}):
            pass
    async with serving(servicer(), concurrency_limits={"any.Thing": 1}, generic_handlers=[lambda _: None]):
        pass


# -- a server -----------------------------------------------------------------------------------------------------


async def test_a_full_server_refuses_at_once_and_answers_health() -> None:
    enough = asyncio.Event()

    async def unary(request: Any, context: Any) -> Any:
        await enough.wait()
        return request

    health = bundled("grpc/health/v1/health.proto")
    async with serving(servicer(Unary=unary), max_concurrent_calls=2) as (stub, channel, server):
        calls = [stub.Unary(Item()) for _ in range(2)]
        await eventually(lambda: len(server.runners) == 2)
        error = await failure_of(stub.Unary(Item()))
        assert error.code is StatusCode.RESOURCE_EXHAUSTED
        assert error.message == "as many calls run already as max_concurrent_calls allows (2)"
        await health.HealthStub(channel).Check(health.HealthCheckRequest())
        enough.set()
        for call in calls:
            await call
        await stub.Unary(Item())


@pytest.mark.parametrize("how", ["cancel", "too many", "reset at once"])
async def test_a_call_that_ends_early_gives_its_place_back(how: str) -> None:
    async def unary(request: Any, context: Any) -> Any:
        await asyncio.Event().wait()

    async with serving(servicer(Unary=unary), max_concurrent_calls=1) as (stub, channel, server):
        if how == "too many":  # two messages for a method that takes one (R46)
            call = channel.stream_unary("/shapes.Shapes/Unary")([b"", b""])
            assert await call.code() is StatusCode.UNIMPLEMENTED
        else:
            call = stub.Unary(Item())
            if how == "cancel":
                await eventually(lambda: server.runners)
            call.cancel()
        await eventually(lambda: server.concurrency._whole.taken == 0)
        await eventually(lambda: not server.runners)


async def test_requests_that_are_never_ended_take_no_places() -> None:
    enough = asyncio.Event()

    async def unary(request: Any, context: Any) -> Any:
        await enough.wait()
        return request

    options: dict[str, Any] = {"max_concurrent_calls": 1, "max_concurrent_streams": 3}
    async with serving(servicer(Unary=unary), **options) as (stub, channel, server):
        async with rpc.Channel(server.address) as attacker:
            endless = [attacker.stream_unary(UNARY) for _ in range(5)]
            calls = [method() for method in endless]
            (link,) = await opened(server, 3)  # what one connection may have; the others wait at the client
            for call in calls[:3]:
                await call.send(b"")
            served = stub.Unary(Item(number=1))
            await eventually(lambda: server.concurrency._whole.taken == 1)
            # Full now: a request that is complete only now is refused, and a new one by its headers alone.
            await calls[0].done_sending()
            assert await calls[0].code() is StatusCode.RESOURCE_EXHAUSTED
            assert await channel.stream_unary(UNARY)().code() is StatusCode.RESOURCE_EXHAUSTED
            assert link.core.open_calls <= 3
            enough.set()
            assert (await served).number == 1
            await calls[1].done_sending()
            assert await calls[1] == b""
        await eventually(lambda: server.concurrency._whole.taken == 0)


async def opened(server: Any, calls: int) -> list[Any]:
    """The links with so many calls, once there is one."""
    await eventually(lambda: any(link.core.open_calls == calls for link in server.links))
    return [link for link in server.links if link.core.open_calls == calls]


# -- plain functions ----------------------------------------------------------------------------------------------


async def test_handlers_that_wait_for_their_clients_starve_nobody() -> None:
    def both(requests: Any, context: Any) -> Any:
        yield from requests

    def up(requests: Any, context: Any) -> Any:
        return context.receive()

    def unary(request: Any, context: Any) -> Any:
        return request

    service = servicer(Both=both, Up=up, Unary=unary)
    async with serving(service, sync_handlers=2) as (stub, _, server):
        waiting = [stub.Both() for _ in range(10)] + [stub.Up() for _ in range(10)]
        await eventually(lambda: len(server.runners) == len(waiting))
        assert (await stub.Unary(Item(number=1))).number == 1
        for call in waiting:
            await call.send(Item(number=2))
        for call in waiting[:10]:
            assert (await call.receive()).number == 2
            call.cancel()
        for call in waiting[10:]:
            assert (await call).number == 2


async def test_handlers_that_wait_for_a_slow_reader_starve_nobody() -> None:
    def down(request: Any, context: Any) -> Any:
        while True:
            yield Item(data=bytes(60_000))

    def unary(request: Any, context: Any) -> Any:
        return request

    async with serving(servicer(Down=down, Unary=unary), sync_handlers=2) as (stub, _, _):
        slow = [stub.Down(Item()) for _ in range(6)]
        for call in slow:
            await call.receive()
        assert (await stub.Unary(Item(number=1))).number == 1
        for call in slow:
            call.cancel()


async def test_handlers_that_work_run_a_few_at_once_and_wait_in_a_bounded_line() -> None:
    lock, open_ = threading.Lock(), threading.Event()
    running = most = 0

    def unary(request: Any, context: Any) -> Any:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        open_.wait(20)
        with lock:
            running -= 1
        return request

    async with serving(servicer(Unary=unary), sync_handlers=2, max_sync_calls=5) as (stub, _, server):
        calls = [stub.Unary(Item(number=number)) for number in range(5)]
        await eventually(lambda: server.sync_handlers._calls == 5)
        error = await failure_of(stub.Unary(Item()))
        assert error.code is StatusCode.RESOURCE_EXHAUSTED
        assert "max_sync_calls" in error.message
        calls[4].cancel()  # waits in line: its place is free when its turn comes
        open_.set()
        assert [(await call).number for call in calls[:4]] == [0, 1, 2, 3]
        assert most == 2
        await eventually(lambda: server.sync_handlers._calls == 0)
        assert server.sync_handlers._places == 2


async def test_a_thread_that_was_given_up_on_keeps_its_place_until_it_ends() -> None:
    entered, leave = threading.Event(), threading.Event()

    def unary(request: Any, context: Any) -> Any:
        entered.set()
        leave.wait(20)
        return request

    async with serving(servicer(Unary=unary), max_concurrent_calls=1) as (stub, _, server):
        call = stub.Unary(Item())
        await eventually(entered.is_set)
        call.cancel()
        await eventually(lambda: not server.runners)
        assert (await failure_of(stub.Unary(Item()))).code is StatusCode.RESOURCE_EXHAUSTED
        leave.set()
        await eventually(lambda: server.concurrency._whole.taken == 0)


def test_the_bounds_of_plain_functions_have_to_make_sense() -> None:
    with pytest.raises(
        RpcConfigurationError, match=r"max_sync_calls has .* no less than sync_handlers \(5\)"
    ):
        rpc.Server(sync_handlers=5, max_sync_calls=4)


@pytest.mark.parametrize("what", ["send", "receive", "send_initial_metadata"])
def test_a_thread_that_outlives_its_server_is_told_so(what: str) -> None:
    entered, leave = threading.Event(), threading.Event()
    told: Future[Any] = Future()

    def both(requests: Any, context: Any) -> Any:
        entered.set()
        leave.wait(PATIENCE)
        try:
            getattr(context, what)(*([Item()] if what == "send" else []))
        except BaseException as error:
            told.set_exception(error)

    async def main() -> None:
        async with serving(servicer(Both=both)) as (stub, _, _):
            _call = stub.Both()
            await asyncio.to_thread(entered.wait, PATIENCE)

    asyncio.run(main())
    leave.set()
    error = told.exception(timeout=PATIENCE)
    assert isinstance(error, rpc.RpcError)
    assert error.code is StatusCode.CANCELLED


# -- no threads ---------------------------------------------------------------------------------------------------


class ScarceThreads(ThreadPoolExecutor):
    """A pool on a system that has no thread left while `scarce`. As the original does, it keeps what it cannot run."""

    scarce = False

    def _adjust_thread_count(self) -> None:
        if self.scarce:
            raise RuntimeError("can't start new thread")
        super()._adjust_thread_count()  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]


def handlers_of(threads: ScarceThreads, running: int) -> SyncHandlers:
    return SyncHandlers(running, 10, threads)


def refusal(future: Future[Any]) -> str:
    error = future.exception(timeout=PATIENCE)
    assert isinstance(error, rpc.RpcError)
    assert error.code is StatusCode.RESOURCE_EXHAUSTED
    return error.message


def test_a_job_without_a_thread_is_withdrawn() -> None:
    ran: list[int] = []
    with ScarceThreads(10) as threads:
        handlers = handlers_of(threads, running=1)
        threads.scarce = True
        for number in range(3):  # each takes the one place, and gives it back
            reason = "the server has no thread for the call: can't start new thread"
            assert refusal(handlers.submit(lambda number=number: ran.append(number))) == reason
        threads.scarce = False
        assert handlers.submit(lambda: ran.append(5)).result(timeout=PATIENCE) is None
        assert ran == [5]  # though the pool still had the others
    assert (handlers._calls, handlers._places) == (0, 1)


def test_what_waits_in_line_runs_on_the_threads_that_there_are() -> None:
    entered, leave = threading.Event(), threading.Event()
    with ScarceThreads(10) as threads:
        handlers = handlers_of(threads, running=1)

        def waits_for_its_client() -> str:
            entered.set()
            leave.wait(PATIENCE)
            with handlers.parked():  # the next one is to run meanwhile, and cannot
                pass
            return "not disturbed"

        first = handlers.submit(waits_for_its_client)
        entered.wait(PATIENCE)
        second, third = (handlers.submit(lambda name=name: name) for name in ("second", "third"))
        threads.scarce = True
        leave.set()
        assert "no thread" in refusal(second)
        assert first.result(timeout=PATIENCE) == "not disturbed"
        assert third.result(timeout=PATIENCE) == "third"
    assert (handlers._calls, handlers._places) == (0, 1)


def test_a_job_that_a_thread_has_taken_nevertheless_runs_once() -> None:
    class Contrary(ScarceThreads):
        def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
            super().submit(fn, *args, **kwargs).result(timeout=PATIENCE)
            raise RuntimeError("can't start new thread")

    ran: list[int] = []
    with Contrary(10) as threads:
        handlers = handlers_of(threads, running=1)
        handlers.submit(lambda: ran.append(1)).result(timeout=PATIENCE)
    assert ran == [1]
    assert (handlers._calls, handlers._places) == (0, 1)


async def test_a_client_is_told_that_there_is_no_thread() -> None:
    def unary(request: Any, context: Any) -> Any:
        return request

    with ScarceThreads(10) as threads:
        options: dict[str, Any] = {"executor": threads, "sync_handlers": 1, "max_concurrent_calls": 1}
        async with serving(servicer(Unary=unary), **options) as (stub, _, server):
            threads.scarce = True
            assert (await failure_of(stub.Unary(Item()))).code is StatusCode.RESOURCE_EXHAUSTED
            threads.scarce = False
            await eventually(lambda: not server.runners)
            assert (await stub.Unary(Item(number=7))).number == 7
