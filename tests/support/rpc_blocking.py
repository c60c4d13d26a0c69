"""Servers on a loop of their own, in a thread, for tests of the blocking channel."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from barewire import rpc

from .rpc_service import PATIENCE, Stub


class ServerThread:
    """An asyncio server in a thread. `target` is where it listens."""

    def __init__(
        self, *servicers: Any, address: str = "127.0.0.1:0", tls: Any = None, **options: Any
    ) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()
        self.server: rpc.Server = self.run(self._start(servicers, address, tls, options))
        self.target = address if address.startswith("unix") else f"127.0.0.1:{self.port}"

    async def _start(self, servicers: Any, address: str, tls: Any, options: Any) -> rpc.Server:
        server = rpc.Server(servicers, **options)
        self.port = await server.start(address, tls=tls)
        return server

    def run(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(PATIENCE)

    def abort_connections(self) -> None:
        async def abort() -> None:
            for link in list(self.server.links):
                link.abort()

        self.run(abort())

    def close(self, grace: float | None = None) -> None:
        if not self.loop.is_closed():
            self.run(self.server.stop(grace))
            self.loop.call_soon_threadsafe(self.loop.stop)
            self._thread.join(PATIENCE)
            self.loop.close()


@contextlib.contextmanager
def serving(
    *servicers: Any, channel: dict[str, Any] | None = None, **options: Any
) -> Iterator[tuple[Any, rpc.sync.Channel, ServerThread]]:
    """(stub, channel, server), closed at the end."""
    server = ServerThread(*servicers, **options)
    try:
        with rpc.sync.Channel(server.target, **(channel or {})) as ours:
            yield Stub(ours), ours, server
    finally:
        server.close()


def eventually(true: Callable[[], Any]) -> None:
    """Wait until something holds that nothing tells."""
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end
        time.sleep(0.005)


def failure_of(action: Callable[..., Any], *arguments: Any, **options: Any) -> rpc.RpcError:
    """The RpcError that a call raises."""
    try:
        action(*arguments, **options)
    except rpc.RpcError as error:
        return error
    raise AssertionError("the call did not fail")
