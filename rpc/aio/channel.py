"""The asyncio channel: a connection to a server, made when it is needed and made again when it is lost."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from types import TracebackType
from typing import Any

from ..client_call import ClientCall
from ..client_call_state import CallLink, tell_call
from ..client_channel import CLOSED, ClientChannel, check_alpn
from ..client_connection import ClientConnection
from ..events import ConnectionEnded, Event, GoAwayReceived, SettingsReceived
from ..status import Status
from .client_call import CallState
from .link import Link
from .methods import StreamStreamMethod, StreamUnaryMethod, UnaryStreamMethod, UnaryUnaryMethod


class ClientLink(Link[ClientConnection]):
    """One connection of a channel. `ready` is set when the server's SETTINGS have come."""

    def __init__(self, channel: Channel) -> None:
        super().__init__(ClientConnection(channel.limits, str(channel.target)))
        self.channel = channel
        self.ready: asyncio.Future[None] = self.loop.create_future()

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
                if not self.ready.done():
                    self.ready.set_result(None)
            case GoAwayReceived():
                self.channel.link_unusable(self)
                self.schedule_flush()
            case ConnectionEnded(reason):
                if not self.ready.done():
                    self.ready.set_exception(ConnectionError(reason))
                self.channel.link_unusable(self)
                self.schedule_flush()
            case _:
                pass

    def closed(self) -> None:
        self.channel.link_closed(self)


class Channel(
    ClientChannel[
        UnaryUnaryMethod[Any], UnaryStreamMethod[Any], StreamUnaryMethod[Any], StreamStreamMethod[Any]
    ]
):
    """A channel to one target.

    - `target`: "host:port", "[v6]:port", "dns:///host:port", "unix:/path", …; see `parse_target`.
    - `tls`: an ssl.SSLContext, or True for one with the system's certificates; ALPN is set to h2 on it.
    - `authority`: the :authority of calls, and the name that TLS checks, where it differs from the target's.
    - `interceptors`: run around every call, the first outermost.
    - `compression`: "gzip" or "deflate" compresses requests.
    - `wait_for_ready`: the default for calls.
    - `service_config`: a ServiceConfig, or one as JSON (text, or what `json.loads` makes of it).
    - `retries`: False turns off every kind of further attempts: retry and hedging policies, and transparent ones.
    - `limits`, or any field of Limits as a keyword: see `Limits`.

    A channel connects with the first call, and again when it has lost its connection. It belongs to the loop that it is
    first used on. `async with Channel(…) as channel:` closes it at the end.
    """

    _unary_unary = UnaryUnaryMethod[Any]
    _unary_stream = UnaryStreamMethod[Any]
    _stream_unary = StreamUnaryMethod[Any]
    _stream_stream = StreamStreamMethod[Any]

    def _set_up(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._link: ClientLink | None = None  # the one that takes new calls
        self._links: set[ClientLink] = set()
        self._connecting: asyncio.Task[None] | None = None
        self._all_closed = asyncio.Event()

    # -- calls ----------------------------------------------------------------------------------------------------

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The loop that the channel belongs to."""
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
        return self._loop

    def check_open(self) -> None:
        """Raises RuntimeError if the channel is closed or used on another loop than its own."""
        super().check_open()
        if asyncio.get_running_loop() is not self.loop:
            raise RuntimeError(
                f"the channel to {self.target} belongs to another event loop; make one for each"
            )

    def now(self) -> float:
        return self.loop.time()

    def schedule(self, when: float, callback: Callable[[], object]) -> asyncio.TimerHandle:
        return self.loop.call_at(when, callback)

    def _usable_link(self) -> CallLink | None:
        return self._link

    # -- connecting -----------------------------------------------------------------------------------------------

    async def channel_ready(self) -> None:
        """Return when there is a connection; tries again and again until then."""
        self.check_open()
        while self._link is None:
            self.check_open()
            self._connect()
            if self._connecting is not None:
                await asyncio.wait([self._connecting])
            if self._link is None:
                await asyncio.sleep(max(0.0, self._next_attempt - self.loop.time()))

    def _connect(self) -> None:
        if self._connecting is None and not self._closed:
            self._connecting = self.loop.create_task(self._connect_until_served())

    async def _connect_until_served(self) -> None:
        """Attempt to connect until there is a connection, or no call that would wait for one."""
        try:
            while self._pending or self._link is None:
                started = self.loop.time()
                try:
                    self._link = await self._open_link()
                # Not OSError alone: a host that is no name is a UnicodeError, one that TLS cannot check a ValueError.
                except Exception as error:
                    self._attempt_failed(started, error)
                    if not self._pending:
                        return
                    await asyncio.sleep(self._next_attempt - self.loop.time())
                    continue
                self._start_pending(self._link)
                if not self._pending:
                    return
        finally:
            self._connecting = None

    async def _open_link(self) -> ClientLink:
        link = ClientLink(self)
        self._links.add(link)
        try:
            async with asyncio.timeout(self.limits.connect_timeout):
                await self._open_transport(link)
                await link.ready
                if not link.core.accepts_calls:
                    raise ConnectionError("the server takes no calls (GOAWAY)")
        except BaseException:
            link.core.close("no connection")
            if link.transport is None:
                self._links.discard(link)
            link.abort()
            if link.ready.done() and not link.ready.cancelled():
                link.ready.exception()  # has been seen
            raise
        return link

    async def _open_transport(self, link: ClientLink) -> None:
        target, tls = self.target, self._tls
        name = self.tls_name
        if target.path:
            await self.loop.create_unix_connection(lambda: link, target.path, ssl=tls, server_hostname=name)
        else:
            await self.loop.create_connection(
                lambda: link,
                target.host,
                target.port,
                ssl=tls,
                server_hostname=name,
                happy_eyeballs_delay=0.25,
            )
        if tls is not None and link.transport is not None:
            check_alpn(link.transport.get_extra_info("ssl_object").selected_alpn_protocol())

    def link_unusable(self, link: ClientLink) -> None:
        """A connection takes no further calls; those on it may still run."""
        if self._link is link:
            self._link = None

    def link_closed(self, link: ClientLink) -> None:
        self.link_unusable(link)
        self._links.discard(link)
        if self._closed and not self._links:
            self._all_closed.set()

    # -- closing --------------------------------------------------------------------------------------------------

    async def close(self, grace: float | None = None) -> None:
        """Close the channel. Calls in flight get `grace` seconds to end (None: none), then they are cancelled."""
        if self._closed:
            return
        self._closed = True
        if self._connecting is not None:
            self._connecting.cancel()
            await asyncio.wait([self._connecting])
        self._end_pending(CLOSED)
        if grace:
            for link in self._links:
                link.core.drain()
                link.schedule_flush()
            await self._wait_closed(grace)
        for link in list(self._links):
            link.cancel_calls(CLOSED)
            link.core.close("the channel was closed")
            link.schedule_flush()
        await self._wait_closed(1.0)
        for link in list(self._links):
            link.abort()

    async def _wait_closed(self, timeout: float) -> None:
        if self._links:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._all_closed.wait(), timeout)

    async def __aenter__(self) -> Channel:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
