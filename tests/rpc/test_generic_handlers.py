"""Generic handlers: paths that no servicer has; grpcio's handlers among them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest

from barewire import rpc
from barewire.rpc import Metadata, RpcConfigurationError, Status, StatusCode
from barewire.rpc.headers import Request
from tests.support.rpc_service import Item, failure_of, servicer, serving


async def echo(request: Any, context: Any) -> Any:
    return request


async def test_the_first_that_has_a_handler_answers() -> None:
    asked: list[rpc.HandlerCallDetails] = []

    def none(details: rpc.HandlerCallDetails) -> None:
        asked.append(details)

    def some(details: rpc.HandlerCallDetails) -> Any:
        return rpc.make_handler(details.method, echo)

    async with serving(servicer(Unary=echo), generic_handlers=[none, some]) as (stub, channel, _):
        assert await channel.unary_unary("/any/Thing")(b"x", metadata=[("k", "v")]) == b"x"
        assert asked[0].method == "/any/Thing"
        assert asked[0].invocation_metadata["k"] == "v"
        await stub.Unary(Item())
        assert len(asked) == 1  # servicers come first
        assert await channel.unary_unary("/shapes.Shapes/Other")(b"y") == b"y"


async def test_what_nobody_has_is_unimplemented() -> None:
    async with serving(servicer(Unary=echo), generic_handlers=[lambda _: None]) as (_, channel, server):
        for path, reason in (
            ("/a.B/C", "no service 'a.B'"),
            ("/shapes.Shapes/No", "has no method"),
        ):
            error = await failure_of(channel.unary_unary(path)(b""))
            assert error.code is StatusCode.UNIMPLEMENTED
            assert reason in error.message
        status = server.services.find_generic(Request("shapes.Shapes/Unary", Metadata()))
        assert isinstance(status, Status)
        assert "'shapes.Shapes/Unary' is no method" in status.message


async def test_one_that_fails_costs_its_call(caplog: pytest.LogCaptureFixture) -> None:
    def broken(details: Any) -> Any:
        raise ZeroDivisionError

    async with serving(servicer(Unary=echo), generic_handlers=[broken]) as (stub, channel, _):
        error = await failure_of(channel.unary_unary("/a.B/C")(b""))
        assert (error.code, error.message) == (
            StatusCode.UNKNOWN,
            "the generic handler raised ZeroDivisionError",
        )
        await stub.Unary(Item())
    assert "a generic handler failed at /a.B/C" in caplog.text


async def test_handlers_made_by_grpcio() -> None:
    """All shapes, `async def` and `def`, with serializers and without."""

    async def unary_stream(request: Any, context: Any) -> AsyncIterator[Any]:
        yield request
        yield request

    async def stream_unary(requests: Any, context: Any) -> Any:
        return b"".join([request async for request in requests])

    def stream_stream(requests: Any, context: Any) -> Any:
        return iter([request * 2 for request in requests])

    handlers = {
        "UU": grpc.unary_unary_rpc_method_handler(
            echo, request_deserializer=bytes.decode, response_serializer=str.encode
        ),
        "US": grpc.unary_stream_rpc_method_handler(unary_stream),
        "SU": grpc.stream_unary_rpc_method_handler(stream_unary),
        "SS": grpc.stream_stream_rpc_method_handler(stream_stream),
    }
    generic = grpc.method_handlers_generic_handler("g.G", handlers)
    async with serving(generic_handlers=[generic]) as (_, channel, _):
        assert await channel.unary_unary("/g.G/UU")("ü".encode()) == "ü".encode()
        assert [got async for got in channel.unary_stream("/g.G/US")(b"x")] == [b"x", b"x"]
        assert await channel.stream_unary("/g.G/SU")([b"1", b"2"]) == b"12"
        assert [got async for got in channel.stream_stream("/g.G/SS")([b"1", b"2"])] == [b"11", b"22"]
        assert (await failure_of(channel.unary_unary("/g.G/X")(b""))).code is StatusCode.UNIMPLEMENTED


async def test_what_is_no_method_handler(caplog: pytest.LogCaptureFixture) -> None:
    async with serving(generic_handlers=[lambda _: "x"]) as (_, channel, _):
        error = await failure_of(channel.unary_unary("/a.B/C")(b""))
        assert error.message == "the generic handler raised RpcConfigurationError"
    assert "'x' is no method handler" in caplog.text


async def test_services_are_added_until_the_start() -> None:
    async with rpc.Server() as server:
        server.add_servicer(servicer(Unary=echo))
        server.add_generic_handler(lambda _: None)
        assert server.services.own == ["shapes.Shapes"]
        with pytest.raises(RpcConfigurationError, match=r"two servicers handle /shapes\.Shapes/Unary"):
            server.add_servicer(servicer(Unary=echo))
        await server.start("127.0.0.1:0")
        for add in (server.add_servicer, server.add_generic_handler):
            with pytest.raises(RpcConfigurationError, match="has started"):
                add(servicer())
    with pytest.raises(RpcConfigurationError, match="no generic handler"):
        rpc.Server(generic_handlers=[object()])
