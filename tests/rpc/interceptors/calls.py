"""Calls of all four shapes, on a channel of either shell, to a server in a thread."""

from __future__ import annotations

import asyncio
from typing import Any

from barewire import rpc
from tests.support.rpc_blocking import ServerThread
from tests.support.rpc_counting import COUNTING
from tests.support.rpc_service import PATIENCE, Item, Stub

SHAPES = ["Unary", "Down", "Up", "Both"]
SHELLS = ["aio", "sync"]
STREAMS_REQUESTS = ("Up", "Both")
# What COUNTING answers to one request: (requests, responses).
MESSAGES = {"Unary": (1, 1), "Down": (1, 2), "Up": (1, 1), "Both": (1, 1)}


def serve(*servicers: Any, **options: Any) -> ServerThread:
    """A server with COUNTING, unless others are given."""
    return ServerThread(*(servicers or (COUNTING,)), **options)


def call(
    shell: str, server: ServerThread, shape: str, item: Any = None, *, target: str = "", **options: Any
) -> list[Any] | rpc.RpcError:
    """Make one call: its responses, or how it failed. `options` with `call_` in front are the call's own."""
    item = Item(number=1) if item is None else item
    request = [item] if shape in STREAMS_REQUESTS else item
    own = {key.removeprefix("call_"): options.pop(key) for key in list(options) if key.startswith("call_")}
    target = target or server.target
    try:
        if shell == "aio":
            return asyncio.run(asyncio.wait_for(_call_aio(target, shape, request, options, own), PATIENCE))
        with rpc.sync.Channel(target, **options) as channel:
            answer = getattr(Stub(channel), shape)(request, **own)
            return list(answer) if shape in ("Down", "Both") else [answer]
    except rpc.RpcError as error:
        return error


async def _call_aio(target: str, shape: str, request: Any, options: Any, own: Any) -> list[Any]:
    async with rpc.Channel(target, **options) as channel:
        answer = getattr(Stub(channel), shape)(request, **own)
        return [item async for item in answer] if shape in ("Down", "Both") else [await answer]


def failure(outcome: list[Any] | rpc.RpcError) -> rpc.RpcError:
    """The error of a call that has to have failed."""
    assert isinstance(outcome, rpc.RpcError), outcome
    return outcome


def unknown_method(server: ServerThread, path: str = "/shapes.Shapes/NoSuch") -> rpc.RpcError:
    """Call a method that nobody serves."""
    with rpc.sync.Channel(server.target) as channel:
        try:
            channel.unary_unary(path)(b"")
        except rpc.RpcError as error:
            return error
    raise AssertionError("the call did not fail")
