"""The asyncio server."""

from __future__ import annotations

import asyncio
import contextlib
import math
import signal
import socket
from collections.abc import Awaitable, Callable, Coroutine, Generator, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from ..admin import admin_servicers
from ..arguments import (
    COUNT,
    FLAG,
    ITEMS,
    MAPPING,
    SECONDS,
    SECONDS_OR_ZERO,
    check_arguments,
    either,
    instance,
    one_of,
    optional,
)
from ..call_stats import CallStats
from ..channelz import Channelz, ServerNode, SocketNode
from ..compression import ENCODINGS, find_codec
from ..concurrency import ConcurrencyLimits
from ..connection_age import ConnectionAge
from ..counters import CallCounters
from ..errors import RpcConfigurationError
from ..interceptor import Interceptor, checked_interceptors
from ..keepalive import SERVER_KEEPALIVE, Keepalive
from ..limits import Limits, make_limits
from ..listening import Listening, needs_lookup, open_listening
from ..ping_policy import PingPolicy
from ..server_connection import ServerConnection
from ..service_table import ServiceTable
from ..target import describe_address
from ..web import Web
from .listener import Listener, TlsSource, check_tls
from .server_call import ServerCallRunner
from .server_link import ServerLink
from .sync_handlers import SyncHandlers

if TYPE_CHECKING:
    from ..services.health import HealthServicer

T = TypeVar("T")

_ARGUMENTS = {
    "servicers": ITEMS,
    "generic_handlers": ITEMS,
    "interceptors": ITEMS,
    "max_concurrent_calls": optional(COUNT),
    "concurrency_limits": optional(MAPPING),
    "sync_handlers": COUNT,
    "max_sync_calls": COUNT,
    "executor": optional(instance(Executor)),
    "health": FLAG,
    "reflection": FLAG,
    "channelz": either(FLAG, instance(Channelz)),
    "stats": either(FLAG, instance(CallStats)),
    "compression": optional(one_of(ENCODINGS)),
    "keepalive": optional(instance(Keepalive)),
    "ping_policy": optional(instance(PingPolicy)),
    "max_connection_idle": optional(SECONDS),
    "max_connection_age": optional(SECONDS),
    "max_connection_age_grace": optional(SECONDS_OR_ZERO),
    "web": optional(instance(Web)),
}


class Server:
    """A gRPC server on asyncio.

    - `servicers`: instances of classes derived from `…Servicer`. More can be added until the server starts.
    - `generic_handlers`: asked for paths that no servicer has; see generic_handlers.
    - `interceptors`: run around every call, the first outermost.
    - `limits`, or any field of Limits as a keyword: see `Limits`.
    - `max_concurrent_calls`: calls that the whole server runs at once (health, reflection and channelz do not count);
      `concurrency_limits`: the same for services ("package.Service") and methods ("/package.Service/Method"). What
      goes over is answered with RESOURCE_EXHAUSTED.
    - `sync_handlers`: plain `def` handlers that run at once, each in a thread; `max_sync_calls`: calls of such handlers
      that run, wait for their client or wait for a place. What goes over is answered with RESOURCE_EXHAUSTED.
      `executor`: where their threads come from, if not from a pool of the server's own.
    - `health`, `reflection`: whether grpc.health.v1 and grpc.reflection (v1 and v1alpha) come with the server.
    - `channelz`: a Channelz that shall show the server; True for one of its own that the server itself shows.
    - `stats`: a CallStats to record calls by method in; True for one of its own that the server itself shows (to
      `barewire top`).
    - `keepalive`: when to ask a silent client for a sign of life, see `Keepalive`; every two hours by default.
      `ping_policy`: how often clients may do the same, see `PingPolicy`.
    - `max_connection_idle`, `max_connection_age`: seconds after which a client is told to make another connection:
      without calls, and in all (up to a tenth shorter or longer). `max_connection_age_grace`: what its calls get to
      end after that. None: without end.
    - `compression`: "gzip" or "deflate" compresses responses for clients that take it.
    - `web`: a Web, to serve browsers on the same addresses (gRPC-Web, over HTTP/2 and HTTP/1.1).

    `async with Server(…) as server:` stops it at the end. A server belongs to the loop it is started on.
    """

    def __init__(
        self,
        servicers: Iterable[object] = (),
        *,
        generic_handlers: Iterable[object] = (),
        interceptors: Sequence[Interceptor] = (),
        limits: Limits | None = None,
        max_concurrent_calls: int | None = None,
        concurrency_limits: Mapping[str, int] | None = None,
        sync_handlers: int = 10,
        max_sync_calls: int = 1000,
        executor: Executor | None = None,
        health: bool = True,
        reflection: bool = True,
        channelz: Channelz | bool = False,
        stats: CallStats | bool = False,
        compression: str | None = None,
        keepalive: Keepalive | None = None,
        ping_policy: PingPolicy | None = None,
        max_connection_idle: float | None = None,
        max_connection_age: float | None = None,
        max_connection_age_grace: float | None = None,
        web: Web | None = None,
        **limit_overrides: Any,
    ) -> None:
        check_arguments(_ARGUMENTS, locals())
        self.limits = make_limits(limits, limit_overrides, "Server", _ARGUMENTS)
        self.keepalive = SERVER_KEEPALIVE if keepalive is None else replace(keepalive, without_calls=True)
        self.ping_policy = ping_policy or PingPolicy()
        self.connection_age = ConnectionAge(
            max_idle=math.inf if max_connection_idle is None else max_connection_idle,
            max_age=math.inf if max_connection_age is None else max_connection_age,
            grace=math.inf if max_connection_age_grace is None else max_connection_age_grace,
        )
        self.interceptors = checked_interceptors(interceptors)
        self.concurrency = ConcurrencyLimits(max_concurrent_calls, concurrency_limits)
        self.sync_handlers = SyncHandlers(sync_handlers, max_sync_calls, executor)
        self.codec = find_codec(compression)
        self.make_connection = ServerConnection if web is None else web.connection
        self._protocols = ("h2",) if web is None else web.protocols
        self.calls = CallCounters()
        self.channelz = _given_or_own(channelz, Channelz)
        self.stats = _given_or_own(stats, CallStats)
        self.node: ServerNode | None = None  # in channelz, from the start on
        shown = admin_servicers(
            channelz=self.channelz if channelz is True else None, stats=self.stats if stats is True else None
        )
        self.services = ServiceTable(health=health, reflection=reflection, standard=shown)
        for servicer in servicers:
            self.services.add(servicer)
        for handler in generic_handlers:
            self.services.add_generic(handler)
        self.links: set[ServerLink] = set()
        self.runners: set[ServerCallRunner] = set()
        self.stopping = False
        self._listeners: list[Listener] = []
        self._idle = asyncio.Event()
        self._stopped = asyncio.Event()

    @property
    def health(self) -> HealthServicer | None:
        """The health service, to set the status of services; None if it is turned off."""
        return self.services.health

    def add_servicer(self, servicer: object) -> None:
        """Serve one more servicer. Raises RpcConfigurationError, also once the server has started."""
        self._refuse_late_changes()
        self.services.add(servicer)

    def add_generic_handler(self, handler: object) -> None:
        """Ask one more generic handler. Raises RpcConfigurationError, also once the server has started."""
        self._refuse_late_changes()
        self.services.add_generic(handler)

    def _refuse_late_changes(self) -> None:
        if self._listeners:
            raise RpcConfigurationError("the server has started; add its services before")

    def runner_done(self, runner: ServerCallRunner) -> None:
        self.runners.discard(runner)
        if self.stopping:
            self._tell_if_idle()

    # -- listening ------------------------------------------------------------------------------------------------

    async def start(
        self,
        address: str | socket.socket | Listening,
        *,
        tls: TlsSource | None = None,
        reuse_port: bool = False,
    ) -> int:
        """Listen on an address ("host:port", "[v6]:port", "unix:/path", "fd:3", "systemd:", … or a socket of your own;
        see `open_listening`); may be called for several.

        `tls` is a server-side SSLContext with its certificate loaded; ALPN is set on it. Or a function that gives
        one for each connection, such as `TlsFiles`. `reuse_port` shares a TCP port with other processes. Returns the
        port (0 for a unix socket). Raises OSError if the address cannot be used, RpcConfigurationError if it makes no
        sense or the server has been stopped.
        """
        self.services.check_names(self.concurrency.names, "concurrency_limits")
        check_tls(tls)
        if needs_lookup(address):
            opened = await asyncio.to_thread(open_listening, address, reuse_port=reuse_port)
        else:
            opened = open_listening(address, reuse_port=reuse_port)
        if self.stopping:
            for listening in opened:
                listening.close()
            raise RpcConfigurationError("the server has been stopped; make another one")
        for listening in opened:
            listener = Listener(
                listening,
                lambda: ServerLink(self),
                tls=tls,
                protocols=self._protocols,
                handshake_timeout=self.limits.handshake_timeout,
                changed=self._tell_if_idle,
            )
            self._listeners.append(listener)
            self._show_listener(listening)
        return opened[0].port

    def _show_listener(self, listening: Listening) -> None:
        if self.channelz is None:
            return
        now = asyncio.get_running_loop().time
        local = listening.socket.getsockname()
        name = describe_address(local)
        if self.node is None:
            self.node = ServerNode(name, self.channelz, self.calls, now)
        self.node.add_listener(
            SocketNode(name, core=None, now=now, sock=listening.socket, local=local, remote=None)
        )

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
            if self.node is not None:
                self.node.remove_listeners()
                self.node.trace.add("stopping")
            if self.health is not None:
                self.health.shut_down()
            for listener in self._listeners:
                listener.close()
            for link in list(self.links):
                link.drain()
        await self._wait_idle(grace)
        for link in list(self.links):
            link.close("the server has stopped")
        for runner in list(self.runners):
            runner.stop()
        for listener in self._listeners:
            listener.abort()
        await self._wait_idle(1.0)
        for link in list(self.links):  # peers that take nothing any more
            link.abort()
        await self._wait_idle(1.0)
        self.sync_handlers.shut_down()
        if self.node is not None:
            self.node.close()
        self._stopped.set()

    def _tell_if_idle(self) -> None:
        if self.stopping and not (
            self.links or self.runners or any(each.handshakes for each in self._listeners)
        ):
            self._idle.set()

    async def _wait_idle(self, timeout: float | None) -> None:
        self._tell_if_idle()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self._idle.wait()

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
        received = asyncio.Event()
        with _signal_handler(signals or (signal.SIGTERM, signal.SIGINT), received.set):
            await _first(received.wait(), self._stopped.wait())
            if self._stopped.is_set():
                return
            if on_signal is not None:
                on_signal()
            received.clear()
            await _first(self.stop(grace), received.wait())
            await self.stop(0)

    async def __aenter__(self) -> Server:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.stop(0)


@contextlib.contextmanager
def _signal_handler(numbers: Sequence[signal.Signals], tell: Callable[[], None]) -> Generator[None]:
    """Call `tell` on the loop for each of these signals that comes."""
    loop = asyncio.get_running_loop()
    before: dict[signal.Signals, Any] = {}

    def tell_loop(*_: object) -> None:
        loop.call_soon_threadsafe(tell)

    try:
        for number in numbers:
            try:
                loop.add_signal_handler(number, tell)
            except NotImplementedError:  # the loops of Windows
                before[number] = signal.signal(number, tell_loop)
        yield
    finally:
        for number in numbers:
            if number in before:
                signal.signal(number, before[number])
            else:
                with contextlib.suppress(NotImplementedError):
                    loop.remove_signal_handler(number)


async def _first(*coroutines: Coroutine[Any, Any, Any] | Awaitable[Any]) -> None:
    """Run until the first of them is done; cancel the others."""
    tasks = [asyncio.ensure_future(coroutine) for coroutine in coroutines]
    done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    await asyncio.gather(*pending, return_exceptions=True)
    for task in done:
        task.result()


def _given_or_own(given: T | bool, kind: type[T]) -> T | None:
    """What an option that may be an object or True or False stands for."""
    if isinstance(given, bool):
        return kind() if given else None
    return given
