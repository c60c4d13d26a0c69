"""The asyncio server."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import ssl
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from ..events import (
    CallEnded,
    CallStarted,
    ConnectionEnded,
    Event,
    GoAwayReceived,
    MessageReceived,
    RequestEnded,
    ResponseStarted,
    SendReady,
    SettingsReceived,
)
from ..handlers import MethodHandler, index_handlers, service_of
from ..interceptor import Interceptor
from ..limits import Limits, make_limits
from ..server_call import ServerCall
from ..server_connection import ServerConnection
from ..status import Status, StatusCode
from ..target import parse_target
from .link import Link
from .server_call import ServerCallRunner

if TYPE_CHECKING:
    from ..services.health import HealthServicer

logger = logging.getLogger("barewire.rpc.server")

_SYNC_HANDLER_THREADS = 10  # as many as grpcio's examples give


class ServerLink(Link[ServerConnection]):
    """One client's connection."""

    def __init__(self, server: Server) -> None:
        super().__init__(ServerConnection(server.limits))
        self.server = server
        self._handshake_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.server.links.add(self)
        if not self.peer_address:  # unix clients have no address of their own
            self.peer_address = "unix:"
        self._handshake_timer = self.loop.call_later(
            self.server.limits.handshake_timeout, self._handshake_expired
        )
        if self.server.stopping:
            self.drain()

    def _handshake_expired(self) -> None:
        self.core.close("the client did not finish the HTTP/2 handshake in time (handshake_timeout)")
        self._dispatch()
        self.schedule_flush()

    def closed(self) -> None:
        if self._handshake_timer is not None:
            self._handshake_timer.cancel()
        self.server.link_closed(self)

    def drain(self) -> None:
        """Let the calls in flight finish, then close."""
        self.core.drain(self.loop.time())
        self.core.handle_timer(self.loop.time())
        self.schedule_flush()

    def auth_context(self) -> dict[str, Any]:
        """See ServicerContext.auth_context."""
        tls = self.transport.get_extra_info("ssl_object") if self.transport is not None else None
        return {} if tls is None else {"peer_certificate": tls.getpeercert(), "cipher": tls.cipher()}

    def handle_event(self, event: Event) -> None:
        match event:
            case MessageReceived(call, envelope, size):
                if call.sink is not None:
                    call.sink.message_received(envelope, size)
            case CallStarted(call):
                self._start(call)
            case RequestEnded(call):
                if call.sink is not None:
                    call.sink.request_ended()
            case CallEnded(call, status):
                if call.sink is not None:
                    call.sink.ended(status)
            case SendReady(call):
                if call.sink is not None:
                    call.sink.send_ready()
            case SettingsReceived():
                if self._handshake_timer is not None:
                    self._handshake_timer.cancel()
                    self._handshake_timer = None
            case ConnectionEnded(reason):
                logger.debug("connection of %s ended: %s", self.peer_address, reason)
                self.schedule_flush()
            case GoAwayReceived() | ResponseStarted():
                pass

    def _start(self, call: ServerCall) -> None:
        handler = self.server.find_handler(call.request.path)
        if handler is None:
            call.finish(_unimplemented(call.request.path, self.server))
        else:
            call.sink = ServerCallRunner(self, call, handler)


def _unimplemented(path: str, server: Server) -> Status:
    service = path[1:].partition("/")[0]
    if server.has_service(service):
        return Status(StatusCode.UNIMPLEMENTED, f"service {service} has no method for {path[:200]}")
    return Status(StatusCode.UNIMPLEMENTED, f"this server has no service {service[:200]!r}")


class Server:
    """A gRPC server on asyncio.

    - `servicers`: instances of classes derived from `…Servicer`.
    - `interceptors`: run around every call, the first outermost.
    - `limits`, or any field of Limits as a keyword: see `Limits`.
    - `health`, `reflection`: whether grpc.health.v1 and grpc.reflection (v1 and v1alpha) come with the server.
    - `compression`: "gzip" or "deflate" compresses responses for clients that take it.
    - `executor`: where plain `def` handlers run; by default a pool of ten threads that starts with the first of them.

    `async with Server(…) as server:` stops it at the end. A server belongs to the loop it is started on.
    """

    def __init__(
        self,
        servicers: Iterable[object] = (),
        *,
        interceptors: Sequence[Interceptor] = (),
        limits: Limits | None = None,
        health: bool = True,
        reflection: bool = True,
        executor: Executor | None = None,
        **limit_overrides: Any,
    ) -> None:
        self.limits = make_limits(limits, limit_overrides)
        self.interceptors = tuple(interceptors)
        own = list(servicers)
        # Imported here: both compile their schemas, which a program that only calls has no use for.
        from ..services import standard_services

        extra, self._health = standard_services(own, health=health, reflection=reflection)
        self._handlers = index_handlers([*own, *extra])
        self._services = frozenset(spec.full_name for spec in map(service_of, [*own, *extra]) if spec)
        self.links: set[ServerLink] = set()
        self.stopping = False
        self._listeners: list[asyncio.Server] = []
        self._socket_paths: list[str] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._executor = executor
        self._owns_executor = executor is None
        self._idle = asyncio.Event()
        self._stopped = asyncio.Event()

    @property
    def health(self) -> HealthServicer | None:
        """The health service, to set the status of services; None if it is turned off."""
        return self._health

    @property
    def executor(self) -> Executor:
        """Where plain functions run."""
        if self._executor is None:
            self._executor = ThreadPoolExecutor(_SYNC_HANDLER_THREADS, thread_name_prefix="barewire-handler")
        return self._executor

    def find_handler(self, path: str) -> MethodHandler | None:
        return self._handlers.get(path)

    def has_service(self, full_name: str) -> bool:
        return full_name in self._services

    def track(self, task: asyncio.Task[None]) -> None:
        """Keep a handler's task from being collected, and know it when the server stops."""
        self._tasks.add(task)
        task.add_done_callback(self._task_done)

    def _task_done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._tell_if_idle()

    # -- listening ------------------------------------------------------------------------------------------------

    async def start(self, address: str, *, tls: ssl.SSLContext | None = None) -> int:
        """Listen on "host:port" (port 0: any free one), "[v6]:port" or "unix:/path"; may be called for several.

        `tls` is a server-side SSLContext with its certificate loaded; ALPN is set to h2 on it. Returns the port (0 for
        a unix socket). Raises OSError if the address cannot be used, RpcConfigurationError if it makes no sense.
        """
        target = parse_target(address, default_port=None)
        if tls is not None:
            tls.set_alpn_protocols(["h2"])
        loop = asyncio.get_running_loop()
        timeout = self.limits.handshake_timeout if tls is not None else None
        if target.path:
            listener = await loop.create_unix_server(
                lambda: ServerLink(self), target.path, ssl=tls, ssl_handshake_timeout=timeout
            )
            if not target.path.startswith("\0"):
                self._socket_paths.append(target.path)
        else:
            host = None if target.host in ("*", "") else target.host
            listener = await loop.create_server(
                lambda: ServerLink(self),
                host,
                target.port,
                ssl=tls,
                ssl_handshake_timeout=timeout,
                backlog=1024,
            )
        self._listeners.append(listener)
        return 0 if target.path else int(listener.sockets[0].getsockname()[1])

    # -- stopping -------------------------------------------------------------------------------------------------

    def link_closed(self, link: ServerLink) -> None:
        self.links.discard(link)
        self._tell_if_idle()

    async def stop(self, grace: float | None = None) -> None:
        """Stop: take no further connections and calls, let the calls in flight finish, close.

        After `grace` seconds (None: no limit; 0: at once) what still runs is cancelled.
        """
        if not self.stopping:
            self.stopping = True
            if self._health is not None:
                self._health.shut_down()
            for listener in self._listeners:
                listener.close()
            for link in list(self.links):
                link.drain()
        await self._wait_idle(grace)
        for link in list(self.links):
            link.core.close("the server has stopped")
            link.schedule_flush()
        for task in list(self._tasks):
            task.cancel()
        await self._wait_idle(1.0)
        for link in list(self.links):  # peers that take nothing any more
            link.abort()
        await self._release()

    def _tell_if_idle(self) -> None:
        if self.stopping and not (self.links or self._tasks):
            self._idle.set()

    async def _wait_idle(self, timeout: float | None) -> None:
        self._tell_if_idle()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self._idle.wait()

    async def _release(self) -> None:
        for path in self._socket_paths:
            with contextlib.suppress(OSError):
                os.unlink(path)
        self._socket_paths.clear()
        if self._owns_executor and isinstance(self._executor, ThreadPoolExecutor):
            self._executor.shutdown(wait=False, cancel_futures=True)
        self._stopped.set()

    async def wait_for_termination(self) -> None:
        """Return when the server has been stopped."""
        await self._stopped.wait()

    async def serve_until_signal(
        self,
        *signals: signal.Signals,
        grace: float | None = 30.0,
        on_signal: Callable[[], None] | None = None,
    ) -> None:
        """Serve until SIGTERM or SIGINT (or one of `signals`), then stop with `grace`; a second one stops at once."""
        loop = asyncio.get_running_loop()
        received = asyncio.Event()
        watched = signals or (signal.SIGTERM, signal.SIGINT)
        for number in watched:
            loop.add_signal_handler(number, received.set)
        try:
            await _first(received.wait(), self._stopped.wait())
            if self._stopped.is_set():
                return
            if on_signal is not None:
                on_signal()
            received.clear()
            await _first(self.stop(grace), received.wait())
            await self.stop(0)
        finally:
            for number in watched:
                loop.remove_signal_handler(number)

    async def __aenter__(self) -> Server:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.stop(0)


async def _first(*coroutines: Coroutine[Any, Any, Any] | Awaitable[Any]) -> None:
    """Run until the first of them is done; cancel the others."""
    tasks = [asyncio.ensure_future(coroutine) for coroutine in coroutines]
    done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    await asyncio.gather(*pending, return_exceptions=True)
    for task in done:
        task.result()
