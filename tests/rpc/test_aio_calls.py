"""Calls through real sockets: shapes, ends, cancellation, deadlines, errors."""

from __future__ import annotations

import asyncio
import gc
import logging
import threading
from typing import Any

import pytest

from barewire import rpc, schema
from barewire.rpc import RpcError, StatusCode, testing
from tests.support.rpc_service import Item, Stub, eventually, failure_of, servicer, serving


async def echo(request: Any, context: Any) -> Any:
    return request


async def count_down(request: Any, context: Any) -> Any:
    for number in range(request.number):
        yield Item(number=number, data=request.data)


async def add_up(requests: Any, context: Any) -> Any:
    return Item(number=sum([item.number async for item in requests]))


async def echo_all(requests: Any, context: Any) -> Any:
    async for item in requests:
        yield item


def sync_count_down(request: Any, context: Any) -> Any:
    for number in range(request.number):
        yield Item(number=number, data=request.data)


def sync_echo_all(requests: Any, context: Any) -> Any:
    yield from requests


ASYNC = servicer(Unary=echo, Down=count_down, Up=add_up, Both=echo_all)
SYNC = servicer(
    Unary=lambda request, context: request,
    Down=sync_count_down,
    Up=lambda requests, context: Item(number=sum(item.number for item in requests)),
    Both=sync_echo_all,
)


# -- shapes -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("service", [ASYNC, SYNC], ids=["async", "sync"])
async def test_four_shapes(service: Any) -> None:
    async with serving(service) as (stub, channel, _):
        items = [Item(number=number) for number in range(5)]
        assert await stub.Unary(items[3]) == items[3]
        assert [item async for item in stub.Down(Item(number=5))] == items
        assert (await stub.Up(items)).number == 10
        assert [item async for item in stub.Both(items)] == items
        assert [item async for item in stub.Both([])] == []
        async with stub.Both() as call:
            for item in items:
                await call.send(item)
                assert await call.receive() == item
            await call.done_sending()
            assert await call.receive() is None
            assert await call.code() is StatusCode.OK
        async with stub.Up() as call:
            await call.send(items[1])
            await call.done_sending()
            assert (await call).number == 1
            assert (await call).number == 1  # as often as one likes
        assert repr(channel).startswith("<Channel 127.0.0.1:")


@pytest.mark.parametrize("service", [ASYNC, SYNC], ids=["async", "sync"])
async def test_a_large_stream_with_a_slow_reader(service: Any) -> None:
    async with serving(service) as (stub, _, _):
        seen = 0
        async for item in stub.Down(Item(number=300, data=bytes(10_000))):
            assert item.number == seen
            seen += 1
            if seen % 100 == 0:
                await asyncio.sleep(0.01)
        assert seen == 300
        reply = await stub.Up(Item(number=1, data=bytes(10_000)) for _ in range(300))
        assert reply.number == 300


async def test_a_client_that_sends_from_an_async_iterable() -> None:
    async def items() -> Any:
        for number in range(3):
            await asyncio.sleep(0)
            yield Item(number=number)

    async with serving(ASYNC) as (stub, _, _):
        assert (await stub.Up(items())).number == 3


async def test_an_iterable_that_ends_with_another_call_s_error() -> None:
    async def forwarded() -> Any:
        yield Item(number=1)
        raise RpcError(StatusCode.DATA_LOSS, "upstream is gone")

    async with serving(ASYNC) as (stub, _, _):
        error = await failure_of(stub.Up(forwarded(), timeout=30))
    assert (error.code, error.message) == (StatusCode.DATA_LOSS, "upstream is gone")


async def test_an_iterable_that_cancels_itself() -> None:
    async def cancelled() -> Any:
        yield Item(number=1)
        raise asyncio.CancelledError

    async with serving(ASYNC) as (stub, _, _):
        error = await failure_of(stub.Up(cancelled(), timeout=30))
    assert error.code is StatusCode.CANCELLED


async def test_a_call_with_bad_arguments_leaves_nothing_behind() -> None:
    async with serving(ASYNC) as (stub, channel, _):
        waiting = asyncio.ensure_future(stub.Unary(Item(number=1)))
        await asyncio.sleep(0)
        for bad in ({"compression": "zstd"}, {"metadata": [("grpc-mine", "x")]}):
            with pytest.raises(ValueError, match=r"zstd|grpc-mine"):
                stub.Unary(Item(data=b"x" * 1000), **bad)
        assert (await waiting).number == 1
        assert channel.retries.buffered == 0


async def test_an_iterable_that_raises_fails_the_call() -> None:
    def items() -> Any:
        yield Item(number=1)
        raise LookupError("no more")

    async with serving(ASYNC) as (stub, _, _):
        error = await failure_of(stub.Up(items()))
        assert error.code is StatusCode.UNKNOWN
        assert isinstance(error.__cause__, LookupError)


async def test_requests_come_from_one_source() -> None:
    async with serving(ASYNC) as (stub, _, _):
        call = stub.Both([Item(number=1)])
        with pytest.raises(RuntimeError, match="come from an iterable"):
            await call.send(Item(number=2))
        assert [item.number async for item in call] == [1]


async def test_metadata_both_ways() -> None:
    async def handler(request: Any, context: Any) -> Any:
        await context.send_initial_metadata([("head", context.invocation_metadata()["k"])])
        context.set_trailing_metadata({"tail-bin": b"\0\xff"})
        return request

    async with serving(servicer(Unary=handler)) as (stub, _, _):
        call = stub.Unary(Item(), metadata={"K": "v"})
        assert (await call.initial_metadata())["head"] == "v"
        await call
        assert (await call.trailing_metadata())["tail-bin"] == b"\0\xff"


async def test_bad_metadata_is_refused_at_once() -> None:
    async with serving(ASYNC) as (stub, _channel, _):
        for _ in range(2):
            with pytest.raises(ValueError, match="reserved"):
                stub.Unary(Item(), metadata=[("grpc-status", "0")])
            await stub.Unary(Item())


# -- errors -------------------------------------------------------------------------------------------------------


@pytest.mark.rule(45)
@pytest.mark.parametrize("sync", [False, True])
async def test_r45_an_exception_does_not_leak_its_text(sync: bool, caplog: pytest.LogCaptureFixture) -> None:
    def fail(request: Any, context: Any) -> Any:
        raise KeyError("the password is hunter2")

    async def fail_async(request: Any, context: Any) -> Any:
        fail(request, context)

    caplog.set_level(logging.CRITICAL, "barewire.rpc.server")
    async with serving(servicer(Unary=fail if sync else fail_async)) as (stub, _, _):
        error = await failure_of(stub.Unary(Item()))
        assert error.code is StatusCode.UNKNOWN
        assert "hunter2" not in str(error)
        assert error.from_peer


@pytest.mark.parametrize("sync", [False, True])
@pytest.mark.parametrize("code", [code for code in StatusCode if code is not StatusCode.OK])
async def test_rpc_errors_arrive_whole(sync: bool, code: StatusCode) -> None:
    def fail(request: Any, context: Any) -> Any:
        raise RpcError(
            code,
            "wörds",
            details=[schema.wkt.StringValue(value="detail")],
            metadata=[("k", "v"), ("b-bin", b"\0")],
        )

    async def fail_async(request: Any, context: Any) -> Any:
        fail(request, context)

    async with serving(servicer(Unary=fail if sync else fail_async)) as (stub, _, _):
        call = stub.Unary(Item())
        error = await failure_of(call)
        assert (error.code, error.message) == (code, "wörds")
        assert error.metadata["k"] == "v"
        assert error.metadata["b-bin"] == b"\0"
        (detail,) = error.details
        assert detail.type_url.endswith("google.protobuf.StringValue")
        assert await call.code() is code
        assert await call.details() == "wörds"
        error.metadata.add("mine", "1")
        assert "mine" not in (await failure_of(stub.Unary(Item()))).metadata


async def test_errors_after_messages() -> None:
    async def handler(request: Any, context: Any) -> Any:
        yield Item(number=1)
        yield Item(number=2)
        await context.abort(StatusCode.ABORTED, "enough", [("k", "v")])

    async with serving(servicer(Down=handler)) as (stub, _, _):
        call = stub.Down(Item())
        seen = [(await call.receive()).number, (await call.receive()).number]
        with pytest.raises(RpcError, match="ABORTED: enough") as caught:
            await call.receive()
        assert seen == [1, 2]
        assert caught.value.metadata["k"] == "v"


@pytest.mark.rule(45)
async def test_r45_unknown_methods_and_services() -> None:
    async with serving(servicer(Unary=echo)) as (stub, channel, _):
        for call in (stub.Up([]), stub.Both([]), stub.Down(Item())):
            assert await call.code() is StatusCode.UNIMPLEMENTED
        error = await failure_of(channel.unary_unary("/no.Such/Method")(b""))
        assert error.code is StatusCode.UNIMPLEMENTED
        assert "no.Such" in error.message
        assert (await failure_of(channel.unary_unary("/nonsense")(b"x"))).code is StatusCode.UNIMPLEMENTED


@pytest.mark.rule(46)
async def test_r46_cardinality() -> None:
    async with serving(ASYNC) as (_stub, channel, _):
        as_stream = channel.stream_stream("/shapes.Shapes/Unary")
        for requests in ([], [b"", b""]):
            call = as_stream(requests)
            assert await call.code() is StatusCode.UNIMPLEMENTED
        as_unary = channel.unary_unary("/shapes.Shapes/Down")
        for count in (0, 2):
            call = as_unary(Item(number=count).encode())
            error = await failure_of(call)
            assert error.code is StatusCode.UNIMPLEMENTED
            assert await call.code() is StatusCode.UNIMPLEMENTED
            assert (await failure_of(call)).code is StatusCode.UNIMPLEMENTED
        assert await as_unary(Item(number=1).encode()) == b""


@pytest.mark.rule(47)
async def test_r47_what_cannot_be_decoded() -> None:
    async with serving(ASYNC) as (stub, channel, _server):
        error = await failure_of(channel.unary_unary("/shapes.Shapes/Unary")(b"\xff"))
        assert error.code is StatusCode.INTERNAL
        assert "decoded" in error.message
        assert error.from_peer
        call = channel.stream_stream("/shapes.Shapes/Both")([b"", b"\xff"])
        assert await call.code() is StatusCode.INTERNAL

        def refuse(data: bytes) -> Any:
            raise LookupError("not for me")  # as google.protobuf's DecodeError, no ValueError

        call = channel.unary_unary("/shapes.Shapes/Unary", response_deserializer=refuse)(b"")
        for _ in range(2):
            error = await failure_of(call)
            assert error.code is StatusCode.INTERNAL
            assert not error.from_peer
        assert await call.code() is StatusCode.INTERNAL
        call = channel.unary_stream("/shapes.Shapes/Down", response_deserializer=refuse)(
            Item(number=9).encode()
        )
        with pytest.raises(RpcError, match="not for me"):
            await call.receive()
        assert await stub.Unary(Item(number=1)) == Item(number=1)


@pytest.mark.rule(47)
async def test_r47_sizes() -> None:
    big = Item(data=bytes(2000))
    async with serving(ASYNC, max_receive_message_size=1000) as (stub, _, _):
        error = await failure_of(stub.Unary(big))
        assert error.code is StatusCode.RESOURCE_EXHAUSTED
        assert "max_receive_message_size" in error.message
    async with serving(ASYNC, channel={"max_receive_message_size": 1000}) as (stub, _, _):
        assert (await failure_of(stub.Unary(big))).code is StatusCode.RESOURCE_EXHAUSTED
    async with serving(ASYNC, max_send_message_size=1000) as (stub, _, _):
        assert (await failure_of(stub.Unary(big))).code is StatusCode.RESOURCE_EXHAUSTED


@pytest.mark.rule(47)
@pytest.mark.parametrize("connected", [True, False])
async def test_r47_what_is_too_large_to_be_sent(connected: bool) -> None:
    async with serving(ASYNC, channel={"max_send_message_size": 1000}) as (stub, channel, _):
        if connected:
            await channel.channel_ready()
        small = stub.Unary(Item(number=1))
        with pytest.raises(RpcError, match="max_send_message_size") as caught:
            await stub.Unary(Item(data=bytes(2000)))
        assert caught.value.code is StatusCode.RESOURCE_EXHAUSTED
        error = await failure_of(stub.Up([Item(number=1), Item(data=bytes(2000))]))
        assert error.code is StatusCode.RESOURCE_EXHAUSTED
        assert (await small).number == 1
        assert (await stub.Unary(Item(number=2))).number == 2


async def test_what_cannot_be_encoded() -> None:
    async def wrong(request: Any, context: Any) -> Any:
        return "no message"

    async with serving(servicer(Unary=wrong)) as (stub, _, _):
        logging.getLogger("barewire.rpc.server").setLevel(logging.CRITICAL)
        try:
            assert (await failure_of(stub.Unary(Item()))).code is StatusCode.INTERNAL
        finally:
            logging.getLogger("barewire.rpc.server").setLevel(logging.NOTSET)
        with pytest.raises(RpcError, match="encoded"):
            stub.Unary(Item(number="text"))


# -- cancellation -------------------------------------------------------------------------------------------------


class Witness:
    """A handler that waits for ever, and what became of it."""

    def __init__(self) -> None:
        self.started = asyncio.Event()
        self.ended = asyncio.Event()
        self.cancelled = False

    async def __call__(self, request: Any, context: Any) -> Any:
        context.add_done_callback(lambda _: None)
        self.started.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        finally:
            await asyncio.sleep(0)  # clean-up may take its time, and is not cancelled a second time
            await asyncio.sleep(0.01)
            self.ended.set()

    async def stream(self, request: Any, context: Any) -> Any:
        yield Item(number=1)
        await self(request, context)


def witnessed(witness: Witness) -> Any:
    async def unary(request: Any, context: Any) -> Any:
        return await witness(request, context)

    async def down(request: Any, context: Any) -> Any:
        async for item in witness.stream(request, context):  # type: ignore
            yield item

    return servicer(Unary=unary, Down=down, Both=down)


@pytest.mark.rule(40)
@pytest.mark.parametrize("how", ["cancel", "task", "timeout", "dropped", "context", "channel closed"])
async def test_r40_a_call_that_is_given_up_stops_its_handler(how: str) -> None:
    witness = Witness()

    async def expires(call: Any) -> None:
        """A timeout that passes as soon as the handler has started."""

        async def pass_() -> None:
            await witness.started.wait()
            limit.reschedule(0.0)

        async with asyncio.timeout(None) as limit:
            passing = asyncio.create_task(pass_())
            await call
        await passing

    async with serving(witnessed(witness)) as (stub, channel, _):
        if how == "context":
            async with stub.Both() as call:
                assert (await call.receive()).number == 1
        elif how == "task":
            task = asyncio.ensure_future(stub.Unary(Item())._result())
            await witness.started.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        elif how == "timeout":
            with pytest.raises(TimeoutError):
                await expires(stub.Unary(Item()))
        else:
            call = stub.Unary(Item())
            await witness.started.wait()
            if how == "cancel":
                assert call.cancel()
                assert not call.cancel()
                assert call.cancelled()
                assert (await failure_of(call)).code is StatusCode.CANCELLED
            elif how == "dropped":
                del call
                gc.collect()
            else:
                await channel.close()
                assert (await failure_of(call)).code is StatusCode.CANCELLED
        await witness.ended.wait()
        assert witness.cancelled


async def test_a_stream_that_is_left_early() -> None:
    witness = Witness()
    async with serving(witnessed(witness)) as (stub, _, _):
        async for _ in stub.Down(Item()):
            break
        gc.collect()
        await witness.ended.wait()


@pytest.mark.rule(40)
async def test_a_thread_learns_that_nobody_waits() -> None:
    started, stopped = threading.Event(), threading.Event()
    outcome: list[Any] = []

    def handler(requests: Any, context: Any) -> Any:
        started.set()
        try:
            yield Item(number=1)
            yield from requests
        except RpcError as error:
            outcome.append((error.code, context.is_active(), context.cancelled()))
            raise
        finally:
            stopped.set()

    async with serving(servicer(Both=handler)) as (stub, _, _):
        async with stub.Both() as call:
            assert (await call.receive()).number == 1
        await eventually(stopped.is_set)
        assert outcome == [(StatusCode.CANCELLED, False, True)]


async def test_a_handler_that_cancels_itself() -> None:
    async def handler(request: Any, context: Any) -> Any:
        raise asyncio.CancelledError

    async with serving(servicer(Unary=handler)) as (stub, _, _):
        assert (await failure_of(stub.Unary(Item()))).code is StatusCode.CANCELLED


# -- deadlines ----------------------------------------------------------------------------------------------------


@pytest.mark.rule(36)
@pytest.mark.rule(35)
@testing.virtual_time
async def test_r35_r36_a_deadline_ends_both_sides() -> None:
    witness = Witness()
    async with testing.connected([witnessed(witness)]) as pair:
        stub = pair.stub(Stub)
        call = stub.Unary(Item(), timeout=0.5)
        assert 0 < call.time_remaining() <= 0.5
        assert (await failure_of(call)).code is StatusCode.DEADLINE_EXCEEDED
        await witness.ended.wait()
        assert witness.cancelled
        error = await failure_of(stub.Unary(Item(), timeout=-1))
        assert error.code is StatusCode.DEADLINE_EXCEEDED


@pytest.mark.rule(39)
async def test_r39_a_deadline_travels_to_calls_made_inside_a_handler() -> None:
    seen: list[float | None] = []

    async def last(request: Any, context: Any) -> Any:
        seen.append(context.time_remaining())
        return request

    async with serving(servicer(Unary=last)) as (downstream, _channel, _server):

        async def relay(request: Any, context: Any) -> Any:
            await downstream.Unary(request)
            return await downstream.Unary(request, timeout=100)

        def sync_relay(request: Any, context: Any) -> Any:
            seen.append(context.time_remaining())
            yield request

        async with serving(servicer(Unary=relay, Down=sync_relay)) as (stub, _, _):
            await stub.Unary(Item(), timeout=1000)
            await stub.Unary(Item())
            assert [item async for item in stub.Down(Item(), timeout=1000)]
    assert seen[0] is not None
    assert 100 < seen[0] <= 1000
    assert seen[1] is not None
    assert seen[1] <= 100
    assert seen[2] is None
    assert seen[3] is not None
    assert seen[4] is not None


@pytest.mark.rule(36)
async def test_r36_a_deadline_passes_though_the_server_takes_nothing() -> None:
    """The transport's buffer is full, so nothing is flushed: timers run all the same."""

    transports: list[Any] = []

    class Deaf(asyncio.Protocol):
        def connection_made(self, transport: Any) -> None:
            transports.append(transport)
            transport.write(b"\0\0\0\4\0\0\0\0\0")  # SETTINGS
            transport.write(
                b"\0\0\4\x08\0\0\0\0\0\x3f\0\0\0" + b"\0\0\6\4\0\0\0\0\0\0\4\x3f\0\0\0"
            )  # huge windows
            transport.pause_reading()

    listener = await asyncio.get_running_loop().create_server(Deaf, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    async with asyncio.timeout(20), rpc.Channel(f"127.0.0.1:{port}") as channel:
        stub = Stub(channel)
        filler = stub.Up(Item(data=bytes(3_000_000)) for _ in range(20))
        (link,) = await _links(channel)
        await eventually(lambda: link._write_paused)
        error = await failure_of(stub.Unary(Item(), timeout=0.1))
        assert error.code is StatusCode.DEADLINE_EXCEEDED
        filler.cancel()
    listener.close()
    for transport in transports:
        transport.abort()
    await asyncio.sleep(0)


async def _links(channel: Any) -> Any:
    await eventually(lambda: channel.links)
    return tuple(channel.links)


# -- compression --------------------------------------------------------------------------------------------------


@pytest.mark.rule(57)
@pytest.mark.parametrize("name", ["gzip", "deflate"])
async def test_r57_compression(name: str) -> None:
    async def handler(request: Any, context: Any) -> Any:
        context.set_compression(name)
        return request

    async with serving(servicer(Unary=handler), channel={"compression": name}) as (stub, _channel, _):
        item = Item(data=bytes(100_000))
        assert await stub.Unary(item) == item
        assert await stub.Unary(item, compression="identity") == item
        with pytest.raises(ValueError, match="snappy"):
            await stub.Unary(item, compression="snappy")
        assert await stub.Unary(item) == item


# -- messages of others -------------------------------------------------------------------------------------------


@pytest.mark.rule(47)
async def test_r47_messages_of_google_protobuf() -> None:
    from google.protobuf.wrappers_pb2 import BytesValue

    async with serving(ASYNC) as (_, channel, _):
        method = channel.unary_unary(
            "/shapes.Shapes/Unary", BytesValue.SerializeToString, BytesValue.FromString
        )
        assert (await method(BytesValue(value=b"x"))).value == b"x"
        with pytest.raises(RpcError, match="INTERNAL: the request cannot be encoded"):
            await method("no message")


@pytest.mark.rule(58)
async def test_r58_what_is_too_large_when_decompressed() -> None:
    big = Item(data=bytes(100_000))

    async def handler(request: Any, context: Any) -> Any:
        context.set_compression("gzip")
        return big

    limit: Any = {"max_receive_message_size": 1000}
    async with serving(servicer(Unary=handler, Up=add_up), channel=limit, **limit) as (stub, _, _):
        for call in (
            stub.Unary(Item()),
            stub.Unary(big, compression="gzip"),
            stub.Up([Item(), big], compression="gzip"),
        ):
            error = await failure_of(call)
            assert error.code is StatusCode.RESOURCE_EXHAUSTED
            assert "max_receive_message_size" in error.message
            assert await call.code() is StatusCode.RESOURCE_EXHAUSTED


@pytest.mark.rule(54)
async def test_r54_corrupt_data(monkeypatch: pytest.MonkeyPatch) -> None:
    from barewire.rpc.compression import CODECS

    async def handler(request: Any, context: Any) -> Any:
        context.set_compression("gzip")
        return request

    monkeypatch.setitem(CODECS, "gzip", CODECS["gzip"]._replace(compress=lambda data: b"not gzip"))
    async with serving(servicer(Unary=handler, Down=count_down)) as (stub, _, _):
        for call in (stub.Unary(Item()), stub.Unary(Item(), compression="gzip")):
            error = await failure_of(call)
            assert error.code is StatusCode.INTERNAL
            assert "gzip" in error.message
