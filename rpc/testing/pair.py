"""A channel and a server of one process, connected in memory."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from ..aio.channel import Channel, ClientLink
from ..aio.server import Server, ServerLink
from ..arguments import MAPPING, SECONDS_OR_ZERO, check_arguments, instance, optional
from ..resolver import static_resolver
from .clock import VirtualClockLoop
from .memory import MemoryConnection

Stub = TypeVar("Stub")


class Pair:
    """`channel` is connected to `server`; `connections` are all that it has made, the newest last.

    A connection can be made to fail: `pair.connection.sever()`, `.stall()`. Connecting fails while `reachable` is
    False.
    """

    def __init__(self, server: Server, latency: float, channel_options: Mapping[str, Any]) -> None:
        self.server = server
        self.latency = latency
        self.reachable = True
        self.connections: list[MemoryConnection] = []
        self.channel: Channel = _MemoryChannel(self, channel_options)

    @property
    def connection(self) -> MemoryConnection:
        """The newest connection. Raises RuntimeError if there was none: channels connect with their first call."""
        if not self.connections:
            raise RuntimeError("the channel has not connected yet; make a call, or await channel_ready()")
        return self.connections[-1]

    def stub(self, stub_class: Callable[[Channel], Stub]) -> Stub:
        """A stub on the channel."""
        return stub_class(self.channel)

    def connect(self, link: ClientLink) -> None:
        """Connect a link of the channel to the server. Raises ConnectionRefusedError while it is not reachable."""
        if not self.reachable or self.server.stopping:
            raise ConnectionRefusedError("the server in memory is not reachable")
        self.connections.append(MemoryConnection(link, ServerLink(self.server), latency=self.latency))


class _MemoryChannel(Channel):
    """A channel whose connections lead to a server in memory."""

    def __init__(self, pair: Pair, options: Mapping[str, Any]) -> None:
        self._pair = pair
        super().__init__("memory:///server", resolvers={"memory": static_resolver(["memory"])}, **options)

    async def open_transport(self, link: ClientLink) -> None:
        self._pair.connect(link)


class _WatchedExecutor(ThreadPoolExecutor):
    """Plain `def` handlers run here; a virtual clock gives them time."""

    def __init__(self, loop: VirtualClockLoop) -> None:
        super().__init__(4, thread_name_prefix="barewire-testing")
        self._loop = loop

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future = super().submit(fn, *args, **kwargs)
        self._loop.watch(future)
        return future


_ARGUMENTS = {
    "server": optional(instance(Server)),
    "latency": SECONDS_OR_ZERO,
    "channel": optional(MAPPING),
}


@contextlib.asynccontextmanager
async def connected(
    servicers: Iterable[object] = (),
    *,
    server: Server | None = None,
    latency: float = 0.0,
    channel: Mapping[str, Any] | None = None,
    **server_options: Any,
) -> AsyncGenerator[Pair, None]:
    """A server with these servicers and a channel to it, without sockets.

        async with testing.connected([Bookstore()], interceptors=[recorder]) as pair:
            stub = pair.stub(books.BookstoreStub)

    `server_options` are those of `Server`, or a `server` that has been made already is used; `channel` has the options
    of `Channel`. `latency` (seconds) is what bytes take from one side to the other. Both are stopped at the end.
    """
    check_arguments(_ARGUMENTS, locals())
    loop = asyncio.get_running_loop()
    if server is None:
        if isinstance(loop, VirtualClockLoop) and "executor" not in server_options:
            server_options["executor"] = _WatchedExecutor(loop)
        server = Server(servicers, **server_options)
    pair = Pair(server, latency, channel or {})
    try:
        yield pair
    finally:
        await pair.channel.close()
        await server.stop(0)
        executor = server_options.get("executor")
        if isinstance(executor, _WatchedExecutor):
            executor.shutdown(wait=False)
