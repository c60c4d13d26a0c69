"""The service that browsers and their libraries are let loose on, and what each of its answers has to be."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from barewire import rpc
from barewire.rpc import RpcError, StatusCode
from tests.support.rpc_service import Item, servicer, serving

PAGE = "http://page.example"
WHY = [("x-why", "because"), ("x-why-bin", b"\0\1\xff")]


async def unary(request: Any, context: Any) -> Any:
    """Its text twice; "fail" and "wait" do what they say. Metadata x-own comes back, in the head and at the end."""
    if request.text == "fail":
        raise RpcError(StatusCode.NOT_FOUND, "no such thing: ü", metadata=WHY)
    if request.text == "wait":
        await asyncio.Event().wait()
    own = [(name, value) for name, value in context.invocation_metadata() if name.startswith("x-own")]
    await context.send_initial_metadata(own)
    context.set_trailing_metadata([(name.replace("own", "end"), value) for name, value in own])
    return Item(text=request.text * 2)


async def down(request: Any, context: Any) -> AsyncIterator[Any]:
    """Three items; "break" fails after them."""
    for number in (1, 2, 3):
        yield Item(number=number)
        await asyncio.sleep(0)
    if request.text == "break":
        raise RpcError(StatusCode.ABORTED, "broken", metadata=WHY)


@asynccontextmanager
async def web_service(**options: Any) -> AsyncIterator[Any]:
    """A server of it; `address` is where."""
    web = rpc.Web(origins=[PAGE])
    async with serving(servicer(Unary=unary, Down=down), web=web, **options) as (_, _, server):
        yield server
