"""A service of all four shapes whose handlers are functions that each test brings along, and servers that run it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from barewire import rpc, schema

SCHEMA: Any = schema.loads(
    """
    syntax = "proto3";
    package shapes;
    message Item { bytes data = 1; int32 number = 2; string text = 3; }
    service Shapes {
      rpc Unary(Item) returns (Item);
      rpc Down(Item) returns (stream Item);
      rpc Up(stream Item) returns (Item);
      rpc Both(stream Item) returns (stream Item);
    }
    """,
    name="shapes.proto",
)
Item: Any = SCHEMA.Item
Stub: Any = SCHEMA.ShapesStub

PATIENCE = 20.0  # seconds; only a fault takes them


def servicer(**handlers: Callable[..., Any]) -> Any:
    """An instance of a servicer with these methods, functions of (request or requests, context)."""
    methods = {name: staticmethod(function) for name, function in handlers.items()}
    return type("Shapes", (SCHEMA.ShapesServicer,), methods)()


@asynccontextmanager
async def serving(
    *servicers: Any,
    address: str = "127.0.0.1:0",
    tls: Any = None,
    channel: dict[str, Any] | None = None,
    **options: Any,
) -> AsyncIterator[tuple[Any, Any, Any]]:
    """(stub, channel, server), connected and closed at the end; `server.address` is where it listens."""
    async with asyncio.timeout(PATIENCE), rpc.Server(servicers, **options) as server:
        port = await server.start(address, tls=tls)
        target = f"127.0.0.1:{port}" if port else address
        async with rpc.Channel(target, **(channel or {})) as ours:
            server.address = target  # type: ignore[attr-defined]
            yield Stub(ours), ours, server


async def eventually(true: Callable[[], Any]) -> None:
    """Wait until something holds that no event tells."""
    async with asyncio.timeout(PATIENCE):
        while not true():
            await asyncio.sleep(0.005)


async def failure_of(call: Any) -> Any:
    """The RpcError that awaiting raises."""
    try:
        await call
    except rpc.RpcError as error:
        return error
    raise AssertionError("the call did not fail")
