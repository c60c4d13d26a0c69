"""uvloop in the place of asyncio's own loop: channels and servers ask for nothing that only one of the two has."""

from __future__ import annotations

import asyncio
import importlib
import ssl
from collections.abc import AsyncIterator, Coroutine
from pathlib import Path
from typing import Any

import pytest
import trustme

from barewire import rpc
from tests.support.peers import missing
from tests.support.rpc_service import Item, failure_of, servicer, serving


async def _unary(request: Any, context: Any) -> Any:
    return request


async def _both(requests: Any, context: Any) -> AsyncIterator[Any]:
    async for request in requests:
        yield request


def run(main: Coroutine[Any, Any, None]) -> None:
    try:
        uvloop = importlib.import_module("uvloop")
    except ImportError:
        main.close()
        missing("uvloop is not installed: pip install barewire[uvloop]")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main)


async def _talk(address: str, server_tls: ssl.SSLContext | None = None, /, **channel: Any) -> None:
    channel["keepalive"] = rpc.Keepalive(time=10)  # which sets options of the socket
    async with serving(
        servicer(Unary=_unary, Both=_both), address=address, tls=server_tls, channel=channel, channelz=True
    ) as (stub, ours, server):
        assert (await stub.Unary(Item(number=1))).number == 1
        assert [item.number async for item in stub.Both([Item(number=2), Item(number=3)])] == [2, 3]
        await server.stop()
        assert (await failure_of(stub.Unary(Item()))).code is rpc.StatusCode.UNAVAILABLE
        assert not ours.links


def test_tcp() -> None:
    run(_talk("127.0.0.1:0"))


def test_unix_socket(tmp_path: Path) -> None:
    run(_talk(f"unix:{tmp_path}/socket"))


@pytest.mark.rule(74)
def test_tls() -> None:
    authority = trustme.CA()
    server, client = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH), ssl.create_default_context()
    authority.issue_cert("localhost").configure_cert(server)
    authority.configure_trust(client)
    run(_talk("127.0.0.1:0", server, tls=client, authority="localhost"))
