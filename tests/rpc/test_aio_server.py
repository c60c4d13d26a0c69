"""Servers: stopping, signals, clients that misbehave, the services that come along."""

from __future__ import annotations

import asyncio
import signal
import sys
from dataclasses import replace
from typing import Any

import pytest

from barewire import rpc
from barewire.rpc import RpcError, StatusCode
from barewire.rpc.services.bundled import bundled
from tests.support.rpc_raw_peer import PREFACE
from tests.support.rpc_service import PATIENCE, Item, Stub, eventually, failure_of, servicer, serving


async def echo(request: Any, context: Any) -> Any:
    return request


ECHO = servicer(Unary=echo)


# -- stopping -----------------------------------------------------------------------------------------------------


class Gate:
    """A handler that waits to be let through."""

    def __init__(self) -> None:
        self.entered, self.open, self.left = asyncio.Event(), asyncio.Event(), asyncio.Event()

    def service(self) -> Any:
        async def unary(request: Any, context: Any) -> Any:
            self.entered.set()
            try:
                await self.open.wait()
            finally:
                self.left.set()
            return request

        return servicer(Unary=unary)


@pytest.mark.rule(61)
@pytest.mark.parametrize("grace", [None, 10])
async def test_r61_calls_in_flight_finish(grace: float | None) -> None:
    gate = Gate()
    async with serving(gate.service()) as (stub, channel, server):
        call = stub.Unary(Item(number=1))
        await gate.entered.wait()
        stopping = asyncio.ensure_future(server.stop(grace))
        await eventually(lambda: channel.get_state().name != "READY")  # GOAWAY has come
        assert (await failure_of(stub.Unary(Item()))).code is StatusCode.UNAVAILABLE
        assert not stopping.done()
        gate.open.set()
        assert (await call).number == 1
        await stopping
        await server.wait_for_termination()
        assert not server.links


@pytest.mark.rule(61)
async def test_r61_after_the_grace_calls_are_ended() -> None:
    gate = Gate()
    async with serving(gate.service()) as (stub, _, server):
        call = stub.Unary(Item())
        await gate.entered.wait()
        await server.stop(0.05)
        assert gate.left.is_set()
        assert (await failure_of(call)).code in (StatusCode.UNAVAILABLE, StatusCode.CANCELLED)


async def test_a_second_stop_is_quicker() -> None:
    gate = Gate()
    async with serving(gate.service()) as (stub, _, server):
        call = stub.Unary(Item())
        await gate.entered.wait()
        first = asyncio.ensure_future(server.stop())
        await asyncio.sleep(0)
        await server.stop(0)
        await first
        await failure_of(call)


async def test_idle_connections_do_not_hold_a_stop() -> None:
    async with serving(ECHO) as (stub, _, server):
        await stub.Unary(Item())
        await server.stop()
        assert not server.links


_PROGRAM = """
import asyncio, sys
from barewire import rpc
from tests.support.rpc_service import Item, servicer

async def slow(request, context):
    print("called", flush=True)
    await stopping.wait()
    return request

def stop():
    print("stopping", flush=True)
    stopping.set()

async def main():
    global stopping
    stopping = asyncio.Event()
    server = rpc.Server([servicer(Unary=slow)])
    print(await server.start("127.0.0.1:0"), flush=True)
    await server.serve_until_signal(on_signal=stop)
    print("stopped", flush=True)

asyncio.run(main())
"""


async def test_a_signal_on_a_loop_that_takes_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as those of Windows."""

    def add_signal_handler(*arguments: Any) -> None:
        raise NotImplementedError

    monkeypatch.setattr(asyncio.get_running_loop(), "add_signal_handler", add_signal_handler)
    before = signal.getsignal(signal.SIGTERM)
    async with asyncio.timeout(PATIENCE), rpc.Server() as server:
        serving = asyncio.ensure_future(server.serve_until_signal(signal.SIGTERM))
        await eventually(lambda: signal.getsignal(signal.SIGTERM) is not before)
        signal.raise_signal(signal.SIGTERM)
        await serving
        assert server.stopping
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_drains(number: signal.Signals, monkeypatch: pytest.MonkeyPatch) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _PROGRAM, stdout=asyncio.subprocess.PIPE, cwd=_root()
    )
    assert process.stdout is not None
    async with asyncio.timeout(PATIENCE):
        port = int(await process.stdout.readline())
        async with rpc.Channel(f"127.0.0.1:{port}") as channel:
            call = Stub(channel).Unary(Item(number=7))
            assert await process.stdout.readline() == b"called\n"
            process.send_signal(number)
            assert await process.stdout.readline() == b"stopping\n"
            assert (await call).number == 7
        assert await process.stdout.readline() == b"stopped\n"
        assert await process.wait() == 0


def _root() -> str:
    from tests.support.processes import ROOT

    return str(ROOT)


# -- clients that misbehave ---------------------------------------------------------------------------------------


async def raw_exchange(server: Any, data: bytes) -> bytes:
    host, port = server.address.split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(data)
    try:
        return await reader.read()
    finally:
        writer.close()


async def test_a_server_survives_garbage(caplog: pytest.LogCaptureFixture) -> None:
    async with serving(ECHO) as (stub, _, server):
        http1 = await raw_exchange(server, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert http1.startswith(b"HTTP/1.1 505")
        assert b"HTTP/2" in http1
        await raw_exchange(server, b"\x16\x03\x01\x02\x00" * 100)
        await raw_exchange(server, PREFACE + b"\xff" * 1000)
        await raw_exchange(server, PREFACE + b"\0\0\0\4\0\0\0\0\0" + b"\0\0\4\x08\0\0\0\0\0\0\0\0\0")
        assert await stub.Unary(Item(number=1)) == Item(number=1)
        await eventually(lambda: len(server.links) == 1)
    assert not [record for record in caplog.records if record.name == "asyncio"]


@pytest.mark.parametrize("verb", ["receive", "data_to_send"])
async def test_a_fault_of_ours_costs_one_connection(verb: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*arguments: Any) -> bytes:
        raise ZeroDivisionError

    asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
    async with serving(ECHO) as (stub, _, server):
        await stub.Unary(Item())
        (link,) = server.links
        monkeypatch.setattr(link.core, verb, broken)
        error = await failure_of(stub.Unary(Item()))
        assert error.code is StatusCode.UNAVAILABLE
        await eventually(lambda: link not in server.links)
        await stub.Unary(Item())  # on another


async def test_a_client_that_never_greets() -> None:
    async with serving(ECHO) as (stub, _, server):
        await stub.Unary(Item())
        server.limits = replace(server.limits, handshake_timeout=0.05)
        await raw_exchange(server, b"PRI * HTTP")
        await stub.Unary(Item())


async def test_a_client_that_vanishes_stops_its_handlers() -> None:
    gate = Gate()
    async with serving(gate.service()) as (stub, channel, _server):
        call = stub.Unary(Item())
        await gate.entered.wait()
        for link in list(channel.links):
            link.abort()
        await gate.left.wait()
        await failure_of(call)


async def test_more_calls_than_streams() -> None:
    async with serving(ECHO, max_concurrent_streams=3) as (stub, _, _):
        calls = [stub.Unary(Item(number=number)) for number in range(50)]
        assert [(await call).number for call in calls] == list(range(50))


# -- contexts -----------------------------------------------------------------------------------------------------


async def test_what_a_context_does() -> None:
    seen: dict[str, Any] = {}

    async def unary(request: Any, context: Any) -> Any:
        seen.update(
            method=context.method, auth=context.auth_context(), code=context.code(), done=context.done()
        )
        context.add_done_callback(lambda context: seen.update(after=context.done()))
        context.set_code(StatusCode.ALREADY_EXISTS)
        context.set_details("there")
        context.set_trailing_metadata([("k", "v")])
        assert context.trailing_metadata() == [("k", "v")]
        assert context.details() == "there"

    async def both(requests: Any, context: Any) -> None:
        while (item := await context.read()) is not None:
            await context.write(item)

    def up(requests: Any, context: Any) -> Any:
        context.send_initial_metadata([("early", "1")])
        assert context.receive().number == 1
        context.abort(StatusCode.OUT_OF_RANGE, "far")

    async with serving(servicer(Unary=unary, Both=both, Up=up)) as (stub, _, _):
        error = await failure_of(stub.Unary(Item()))
        assert (error.code, error.message) == (StatusCode.ALREADY_EXISTS, "there")
        assert error.metadata["k"] == "v"
        assert seen["method"] == "/shapes.Shapes/Unary"
        assert (seen["auth"], seen["code"], seen["done"]) == ({}, None, False)
        await eventually(lambda: seen.get("after"))
        assert len([item async for item in stub.Both([Item(), Item()])]) == 2
        error = await failure_of(stub.Up([Item(number=1)]))
        assert (error.code, error.message) == (StatusCode.OUT_OF_RANGE, "far")
        assert error.initial_metadata["early"] == "1"


async def test_trailing_metadata_that_cannot_be_sent(caplog: pytest.LogCaptureFixture) -> None:
    async def unary(request: Any, context: Any) -> Any:
        context.set_trailing_metadata([("k", "ü")])
        return request

    async with serving(servicer(Unary=unary)) as (stub, _, _):
        error = await failure_of(stub.Unary(Item()))
        assert error.code is StatusCode.INTERNAL
        assert "metadata" in error.message


# -- health and reflection ----------------------------------------------------------------------------------------


@pytest.mark.rule(98)
async def test_r98_health() -> None:
    health = bundled("grpc/health/v1/health.proto")
    serving_status = health.HealthCheckResponse.ServingStatus
    async with serving(ECHO) as (_, channel, server):
        stub = health.HealthStub(channel)
        request = health.HealthCheckRequest
        assert (await stub.Check(request())).status == serving_status.SERVING
        assert (await stub.Check(request(service="shapes.Shapes"))).status == serving_status.SERVING
        assert (await failure_of(stub.Check(request(service="no")))).code is StatusCode.NOT_FOUND
        assert set((await stub.List(health.HealthListRequest())).statuses) == {"", "shapes.Shapes"}
        watch, unknown = stub.Watch(request()), stub.Watch(request(service="later"))
        assert (await watch.receive()).status == serving_status.SERVING
        assert (await unknown.receive()).status == serving_status.SERVICE_UNKNOWN
        server.health.set("later", "SERVING")
        server.health.set("", "SERVING")  # no change
        assert (await unknown.receive()).status == serving_status.SERVING
        await server.stop(10)
        assert (await watch.receive()).status == serving_status.NOT_SERVING
        assert (await unknown.receive()).status == serving_status.NOT_SERVING
        assert await watch.receive() is None


@pytest.mark.rule(99)
@pytest.mark.parametrize("version", ["v1", "v1alpha"])
async def test_r99_reflection_answers_and_errors(version: str) -> None:
    protocol = bundled(f"grpc/reflection/{version}/reflection.proto")
    async with serving(ECHO) as (_, channel, _):
        stub = protocol.ServerReflectionStub(channel)
        request = protocol.ServerReflectionRequest
        async with stub.ServerReflectionInfo() as call:

            async def ask(**question: Any) -> Any:
                await call.send(request(**question))
                return await call.receive()

            answer = await ask(list_services="")
            assert "shapes.Shapes" in [service.name for service in answer.list_services_response.service]
            first = await ask(file_containing_symbol="shapes.Shapes.Unary")
            assert len(first.file_descriptor_response.file_descriptor_proto) == 1
            for question in (
                {"file_containing_symbol": "no.Such"},
                {"file_by_filename": "no.proto"},
                {"all_extension_numbers_of_type": "no.Such"},
                {
                    "file_containing_extension": protocol.ExtensionRequest(
                        containing_type="shapes.Item", extension_number=5
                    )
                },
            ):
                error = await ask(**question)
                assert error.error_response.error_code == StatusCode.NOT_FOUND
                assert error.error_response.error_message
                assert error.original_request.which("message_request") == next(iter(question))
            await call.send(request())
            with pytest.raises(RpcError, match="INVALID_ARGUMENT"):
                await call.receive()


async def test_both_can_be_turned_off() -> None:
    async with serving(ECHO, health=False, reflection=False) as (_, channel, server):
        assert server.health is None
        for path in (
            "/grpc.health.v1.Health/Check",
            "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        ):
            assert await channel.unary_unary(path)(b"").code() is StatusCode.UNIMPLEMENTED
