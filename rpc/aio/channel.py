"""The asyncio channel: the core's connections, timers and lookups on an event loop."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import os
import socket
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any

from ..channel_core import CLOSED
from ..channelz import SocketNode
from ..client_call import ClientCall
from ..client_call_state import tell_call
from ..client_channel import ClientChannel, check_alpn
from ..client_connection import ClientConnection
from ..connectivity import READY, SHUTDOWN, ConnectivityState
from ..events import ConnectionEnded, ConnectionRetired, Event, GoAwayReceived, SettingsReceived
from ..resolver import Lookup
from ..status import Status
from ..subchannel import Attempt
from ..target import Target
from .client_call import CallState
from .link import Link
from .methods import StreamStreamMethod, StreamUnaryMethod, UnaryStreamMethod, UnaryUnaryMethod
from .tunnel import open_tunnel
from .txt_lookup import look_up_txt


class ClientLink(Link[ClientConnection]):
    """One connection of a channel, and the attempt that it came of."""

    def __init__(self, channel: Channel, attempt: Attempt) -> None:
        core = ClientConnection(
            channel.limits, str(attempt.address), keepalive=channel.keepalive, calls=attempt.calls
        )
        super().__init__(core)
        self.channel = channel
        self.attempt = attempt
        self._node: SocketNode | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        if self.attempt.node is not None:
            self._node = self.attempt.node.add_socket(self.socket_node())

    @property
    def address(self) -> Target:
        """Where it leads to."""
        return self.attempt.address

    def start_call(self, state: CallState) -> ClientCall:
        """Put a call on the wire."""
        return state.put_on(self.core, self.loop.time())

    def cancel_calls(self, status: Status) -> None:
        """End all calls of this connection."""
        self.core.cancel_calls(status)
        self._dispatch()

    def handle_event(self, event: Event) -> None:
        if tell_call(event):
            return
        match event:
            case SettingsReceived():
                self.attempt.connected(self)
            case GoAwayReceived():
                self.channel.goaway_received(self.core, event)
                self.attempt.unusable(self, "the server takes no calls (GOAWAY)")
                self.schedule_flush()
            case ConnectionRetired(reason) | ConnectionEnded(reason):
                self.attempt.unusable(self, reason)
                self.schedule_flush()
            case _:
                pass

    def closed(self) -> None:
        if self.attempt.node is not None and self._node is not None:
            self.attempt.node.remove_socket(self._node)
        self.channel.link_closed(self)


class _Dial:
    """A connection that is being made: a task until the transport stands, then only the link."""

    def __init__(self, channel: Channel, attempt: Attempt) -> None:
        self._channel = channel
        self._link = ClientLink(channel, attempt)
        self._task = channel.loop.create_task(self._open())

    async def _open(self) -> None:
        link, channel = self._link, self._channel
        channel.links.add(link)
        try:
            await channel.open_transport(link)
        # Not OSError alone: a host that is no name is a UnicodeError, one that TLS cannot check a ValueError.
        except Exception as error:
            link.attempt.failed(error)
        finally:
            if link.transport is None:
                channel.link_closed(link)

    def cancel(self) -> None:
        if self._task is not asyncio.current_task():
            self._task.cancel()
        self._link.core.close("no connection")
        self._link.abort()


class Channel(
    ClientChannel[
        UnaryUnaryMethod[Any], UnaryStreamMethod[Any], StreamUnaryMethod[Any], StreamStreamMethod[Any]
    ]
):
    """A channel to one target.

    - `target`: "host:port", "[v6]:port", "dns:///host:port", "ipv4:a:port,b:port", "unix:/path", …, or a name
      for one of `resolvers`; see `parse_channel_target`.
    - `tls`: an ssl.SSLContext, or True for one with the system's certificates; ALPN is set to h2 on it.
    - `authority`: the :authority of calls, and the name that TLS checks, where it differs from the target's.
    - `interceptors`: run around every call, the first outermost.
    - `compression`: "gzip" or "deflate" compresses requests.
    - `wait_for_ready`: the default for calls.
    - `service_config`: a ServiceConfig, or one as JSON (text, or what `json.loads` makes of it). One that the resolver
      brings replaces it, unless `service_config_from_resolver` is False.
    - `service_config_from_dns`: look for one in the TXT records of the target's name (A2), if it is a name for DNS and
      not localhost. Needs `pip install barewire[dns]`.
    - `retries`: False turns off every kind of further attempts: retry and hedging policies, and transparent ones.
    - `load_balancing`: "pick_first", "round_robin", "weighted_round_robin", "least_request" or a name of `balancers`; a
      service config that names one has precedence.
    - `balancers`, `resolvers`: the user's own, by name and by scheme; see `Balancer` and `Resolver`.
    - `backoff`: the delays between attempts to connect.
    - `idle_timeout`: seconds without calls after which connections are given up; None: never.
    - `resolve_interval`: the shortest time between two lookups in DNS, in seconds.
    - `connection_attempt_delay`: seconds that one address of several has before the next one is tried besides it.
    - `max_connections_per_subchannel`: further connections are made when a server's limit of streams is reached (A105).
    - `proxy`: "http://user:password@host:port" of an HTTP CONNECT proxy; None: none. By default the environment names
      it: grpc_proxy, https_proxy or http_proxy, unless no_grpc_proxy or no_proxy excepts the target.
    - `keepalive`: when to ask a silent server for a sign of life, see `Keepalive`; never by default.
    - `channelz`: a Channelz that shall show the channel, its subchannels and their connections.
    - `limits`, or any field of Limits as a keyword: see `Limits`.

    It connects with the first call, and again when it has lost its connection. It belongs to the loop that it is first
    used on. `async with Channel(…) as channel:` closes it at the end.
    """

    _unary_unary = UnaryUnaryMethod[Any]
    _unary_stream = UnaryStreamMethod[Any]
    _stream_unary = StreamUnaryMethod[Any]
    _stream_stream = StreamStreamMethod[Any]

    def _environment(self) -> Mapping[str, str]:
        return os.environ

    def _set_up(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self.links: set[ClientLink] = set()
        self._lookups: set[asyncio.Task[None]] = set()
        self._watchers: list[asyncio.Future[None]] = []
        self._all_closed = asyncio.Event()

    # -- what the core asks for -----------------------------------------------------------------------------------

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The loop that the channel belongs to."""
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
        return self._loop

    def check_open(self) -> None:
        """Raises RuntimeError if the channel is closed or used on another loop than its own, or on none."""
        super().check_open()
        try:
            running = asyncio.get_running_loop()
        except RuntimeError:
            raise RuntimeError(
                f"the channel to {self.target} needs a running event loop; without asyncio there is rpc.sync.Channel"
            ) from None
        if running is not self.loop:
            raise RuntimeError(
                f"the channel to {self.target} belongs to another event loop; make one for each"
            )

    def now(self) -> float:
        return self.loop.time()

    def schedule(self, when: float, callback: Callable[[], object]) -> asyncio.TimerHandle:
        return self.loop.call_at(when, callback)

    def post(self, callback: Callable[[], object]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody is interested any more
            self.loop.call_soon_threadsafe(callback)

    def run(self, lookup: Lookup, done: Callable[[Any], object]) -> None:
        task = self.loop.create_task(self._look_up(lookup, done))
        self._lookups.add(task)
        task.add_done_callback(self._lookups.discard)

    async def _look_up(self, lookup: Lookup, done: Callable[[Any], object]) -> None:
        try:
            if inspect.iscoroutinefunction(lookup):
                found = await lookup()
            else:
                found = await self.loop.run_in_executor(None, lookup)
                if inspect.isawaitable(found):
                    found = await found
        except Exception as error:
            found = error
        done(found)

    async def getaddrinfo(self, host: str, port: int) -> Any:
        return await self.loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)

    async def look_up_txt(self, name: str) -> list[bytes]:
        return await look_up_txt(name)

    def dial(self, attempt: Attempt) -> _Dial:
        return _Dial(self, attempt)

    async def open_transport(self, link: ClientLink) -> None:
        """Connect a link to its address. Raises what prevents it."""
        address, tls, name = link.address, self._tls, self.tls_name
        if self.proxy is not None:
            sock = await open_tunnel(self.loop, address, self.proxy)
            await self.loop.create_connection(lambda: link, sock=sock, ssl=tls, server_hostname=name)
        elif address.path:
            await self.loop.create_unix_connection(lambda: link, address.path, ssl=tls, server_hostname=name)
        else:
            await self.loop.create_connection(
                lambda: link, address.host, address.port, ssl=tls, server_hostname=name
            )
        if tls is not None and link.transport is not None:
            check_alpn(link.transport.get_extra_info("ssl_object").selected_alpn_protocol())

    def link_closed(self, link: ClientLink) -> None:
        """A connection is gone."""
        self.links.discard(link)
        if self._closed and not self.links:
            self._all_closed.set()

    # -- state ----------------------------------------------------------------------------------------------------

    def state_changed(self) -> None:
        watchers, self._watchers = self._watchers, []
        for watcher in watchers:
            if not watcher.done():
                watcher.set_result(None)

    def get_state(self, try_to_connect: bool = False) -> ConnectivityState:
        """The state of the channel. With `try_to_connect` it leaves IDLE, as it does with a call."""
        if try_to_connect and self.state is ConnectivityState.IDLE:
            self.check_open()
            self.connect()
        return self.state

    async def wait_for_state_change(self, last_observed_state: ConnectivityState) -> None:
        """Return when the state is another one than this."""
        while self.state is last_observed_state:
            watcher = self.loop.create_future()
            self._watchers.append(watcher)
            await watcher

    async def channel_ready(self) -> None:
        """Return when there is a connection; tries again and again until then. Raises RuntimeError if the channel is
        closed."""
        self.check_open()
        while (state := self.get_state(try_to_connect=True)) is not READY:
            await self.wait_for_state_change(state)
            super().check_open()

    # -- closing --------------------------------------------------------------------------------------------------

    async def close(self, grace: float | None = None) -> None:
        """Close the channel. Calls in flight get `grace` seconds to end (None: none), then they are cancelled."""
        if self.state is SHUTDOWN:
            return
        self.shut_down()
        for lookup in self._lookups:
            lookup.cancel()
        if grace:
            await self._wait_closed(grace)
        for link in list(self.links):
            link.cancel_calls(CLOSED)
            link.close("the channel was closed")
        await self._wait_closed(1.0)
        for link in list(self.links):
            link.abort()

    async def _wait_closed(self, timeout: float) -> None:
        if self.links:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._all_closed.wait(), timeout)

    async def __aenter__(self) -> Channel:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
