"""Several real servers, ours and grpcio's, that say who they are, and one way to call them through either shell."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import Counter
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from grpc_health.v1 import health as grpc_health
from grpc_health.v1 import health_pb2, health_pb2_grpc

from barewire import rpc
from barewire.rpc import BackoffPolicy

from .rpc_blocking import ServerThread
from .rpc_service import PATIENCE, Item, Stub, servicer

QUICK = BackoffPolicy(initial=0.02, jitter=0, maximum=0.05)


def named(name: str) -> Any:
    """A service that says who it is."""

    async def unary(request: Any, context: Any) -> Any:
        return Item(text=name)

    return servicer(Unary=unary)


class GrpcioServer:
    """The same on grpcio, with its health service."""

    def __init__(self, name: str) -> None:
        self.broken = False
        self.health = grpc_health.HealthServicer()
        self._server = grpc.server(ThreadPoolExecutor(4))
        payload = Item(text=name).encode()

        def unary(request: bytes, context: Any) -> bytes:
            if self.broken:
                context.abort(grpc.StatusCode.INTERNAL, "broken")
            return payload

        handler = grpc.unary_unary_rpc_method_handler(unary)
        self._server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler("shapes.Shapes", {"Unary": handler}),)
        )
        health_pb2_grpc.add_HealthServicer_to_server(self.health, self._server)
        self.port = self._server.add_insecure_port("127.0.0.1:0")
        self.target = f"127.0.0.1:{self.port}"
        self._server.start()

    def set(self, status: str) -> None:
        self.health.set("shop", health_pb2.HealthCheckResponse.ServingStatus.Value(status))

    def close(self) -> None:
        self._server.stop(None).wait(PATIENCE)


class Client:
    """One way to call: `Client.call()` gives the name of the server that answered, or the error."""

    def __init__(self, kind: str, target: str, **options: Any) -> None:
        self._loop = asyncio.new_event_loop() if kind == "aio" else None
        if self._loop is not None:
            self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
            self._thread.start()
        self.channel: Any = (
            rpc.Channel(target, **options) if self._loop else rpc.sync.Channel(target, **options)
        )

    def _run(self, action: Callable[[], Any]) -> Any:
        if self._loop is None:
            return action()

        async def run() -> Any:
            return await action()

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(PATIENCE)

    def call(self, **options: Any) -> str:
        options.setdefault("timeout", PATIENCE)
        return self._run(lambda: Stub(self.channel).Unary(Item(), **options)).text

    def failure(self, **options: Any) -> rpc.RpcError:
        try:
            self.call(**options)
        except rpc.RpcError as error:
            return error
        raise AssertionError("the call did not fail")

    def calls(self, count: int) -> Counter[str]:
        return Counter(self.call(wait_for_ready=True) for _ in range(count))

    def reaches(self, *names: str) -> None:
        """Call until exactly these servers answer. Calls that meet the end of one fail, and rightly."""
        for _ in range(2000):
            with contextlib.suppress(rpc.RpcError):
                if set(self.calls(4)) == set(names):
                    return
            self.idle(0.005)
        raise AssertionError(f"the calls do not reach {names} alone")

    def idle(self, seconds: float) -> None:
        """Let time pass; the blocking channel sees what happens meanwhile only if somebody waits."""
        if self._loop is None:
            self.channel.wait_for_state_change(self.channel.get_state(), seconds)
        else:
            threading.Event().wait(seconds)

    def close(self) -> None:
        self._run(self.channel.close)
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(PATIENCE)
            self._loop.close()


@contextlib.contextmanager
def closing(*servers: Any) -> Generator[tuple[Any, ...]]:
    try:
        yield servers
    finally:
        for server in servers:
            kill(server)


def kill(server: Any) -> None:
    """Close a server without waiting for clients that do not look."""
    if isinstance(server, ServerThread) and not server.loop.is_closed():
        server.abort_connections()
    server.close()


Make = Callable[..., Client]


@contextlib.contextmanager
def clients(kind: str) -> Generator[Make]:
    """Makes clients of this kind ("aio" or "sync"), closed at the end."""
    made: list[Client] = []

    def make(target: str, **options: Any) -> Client:
        made.append(Client(kind, target, **options))
        return made[-1]

    try:
        yield make
    finally:
        for each in made:
            each.close()
