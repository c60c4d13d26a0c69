"""ServicerContext: grpc.aio's names, all of them, and what they do."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import grpc
import pytest

from barewire import rpc, schema
from barewire.rpc import RpcError, Status, StatusCode
from barewire.rpc.aio import ServicerContext, SyncServicerContext
from tests.support.rpc_service import Item, eventually, failure_of, servicer, serving


def public(cls: type) -> set[str]:
    return {name for name in dir(cls) if not name.startswith("_")}


def test_it_has_all_that_grpcios_contexts_have() -> None:
    assert public(grpc.aio.ServicerContext) <= public(ServicerContext)
    assert public(grpc.ServicerContext) <= public(SyncServicerContext)


class _GrpcioStatus:
    """The shape of grpcio's `grpc.Status`."""

    code = StatusCode.DATA_LOSS
    details = "gone"
    trailing_metadata = (("k", "v"),)


DETAILED = RpcError(
    StatusCode.DATA_LOSS, "gone", details=[schema.wkt.StringValue(value="d")], metadata=[("k", "v")]
)
PLAIN_STATUS = Status(StatusCode.DATA_LOSS, "gone", trailing_metadata=rpc.Metadata([("k", "v")]))


@pytest.mark.parametrize(
    "status", [_GrpcioStatus(), PLAIN_STATUS, DETAILED], ids=["grpcio", "status", "error"]
)
@pytest.mark.parametrize("plain", [False, True], ids=["async", "def"])
async def test_abort_with_status(status: Any, plain: bool) -> None:
    async def aborts(request: Any, context: Any) -> Any:
        await context.abort_with_status(status)

    def aborts_in_a_thread(request: Any, context: Any) -> Any:
        context.abort_with_status(status)

    async with serving(servicer(Unary=aborts_in_a_thread if plain else aborts)) as (stub, _, _):
        error = await failure_of(stub.Unary(Item()))
        assert (error.code, error.message, error.metadata["k"]) == (StatusCode.DATA_LOSS, "gone", "v")
        assert len(error.details) == (1 if status is DETAILED else 0)


async def test_abort_with_ok_is_a_fault() -> None:
    async def aborts(request: Any, context: Any) -> Any:
        await context.abort(StatusCode.OK)

    async with serving(servicer(Unary=aborts)) as (stub, _, _):
        assert (await failure_of(stub.Unary(Item()))).code is StatusCode.UNKNOWN


@pytest.mark.parametrize("plain", [False, True], ids=["async", "def"])
async def test_cancel(plain: bool) -> None:
    over = threading.Event()

    async def cancels(request: Any, context: Any) -> Any:
        context.cancel()
        try:
            await asyncio.Event().wait()
        finally:
            assert context.cancelled() or context.done()
            over.set()

    def cancels_in_a_thread(request: Any, context: Any) -> Any:
        assert context.add_callback(over.set)
        context.cancel()
        over.wait(20)
        assert not context.is_active()
        assert not context.add_callback(over.set)

    async with serving(servicer(Unary=cancels_in_a_thread if plain else cancels)) as (stub, _, _):
        assert (await failure_of(stub.Unary(Item()))).code is StatusCode.CANCELLED
        await eventually(over.is_set)


async def test_done_callbacks_are_called_once_however_the_call_ends() -> None:
    called: list[str] = []

    async def unary(request: Any, context: Any) -> Any:
        context.add_done_callback(lambda context: called.append(f"{request.text} {context.done()}"))
        if request.text == "fails":
            raise ValueError
        if request.text == "cancelled":
            await asyncio.Event().wait()
        return request

    async with serving(servicer(Unary=unary)) as (stub, _, server):
        await stub.Unary(Item(text="ends"))
        await failure_of(stub.Unary(Item(text="fails")))
        call = stub.Unary(Item(text="cancelled"))
        await eventually(lambda: server.runners)
        call.cancel()
        await eventually(lambda: len(called) == 3)
        assert called == ["ends True", "fails True", "cancelled True"]


async def test_a_call_that_is_reset_before_its_handler_runs_leaves_nothing() -> None:
    entered: list[int] = []

    async def unary(request: Any, context: Any) -> Any:
        entered.append(request.number)
        return request

    async with serving(servicer(Unary=unary)) as (stub, _, server):
        await stub.Unary(Item(number=1))
        (link,) = server.links
        for number in range(20):  # the request and its RST_STREAM in one packet
            stub.Unary(Item(number=number)).cancel()
        await stub.Unary(Item(number=99))
        assert not server.runners
        assert not link.core.open_calls
        assert entered[-1] == 99


@pytest.mark.rule(57)
async def test_r57_server_wide_compression_and_one_plain_message() -> None:
    queued: list[int] = []

    async def down(request: Any, context: Any) -> Any:
        for _ in range(2):
            await context.send(Item(data=bytes(10_000)))
            queued.append(context._runner.call.queued_bytes)
            context.disable_next_message_compression()

    async with serving(servicer(Down=down), compression="gzip") as (stub, _, _):
        assert [len(item.data) async for item in stub.Down(Item())] == [10_000, 10_000]
    assert queued[0] < 1_000
    assert queued[1] - queued[0] > 10_000


async def test_the_view_of_a_call_is_made_when_it_is_asked_for() -> None:
    """What few calls need costs the others nothing."""
    views: list[Any] = []

    async def unary(request: Any, context: Any) -> Any:
        views.append(context._runner._view)
        context.invocation_metadata()
        views.append(context._runner._view)
        return request

    async with serving(servicer(Unary=unary)) as (stub, _, _):
        await stub.Unary(Item())
    assert views[0] is None
    assert views[1] is not None
