"""The asyncio channel: a connection to a server, made when it is needed and made again when it is lost."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import re
import ssl
from collections.abc import Sequence
from types import TracebackType
from typing import Any

from ..backoff import BackoffPolicy
from ..client_call import ClientCall
from ..client_connection import ClientConnection
from ..compression import find_codec
from ..events import (
    CallEnded,
    ConnectionEnded,
    Event,
    GoAwayReceived,
    MessageReceived,
    ResponseStarted,
    SendReady,
    SettingsReceived,
)
from ..handlers import Deserializer, Serializer
from ..headers import request_headers
from ..interceptor import Interceptor
from ..limits import Limits, make_limits
from ..status import Status, StatusCode
from ..target import parse_target
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
        channel = self.channel
        codec = find_codec(state.compression)
        timeout = None if state.deadline is None else state.deadline - self.loop.time()
        headers = request_headers(
            state.method.path,
            channel.authority,
            channel.scheme,
            state.metadata_fields,
            timeout,
            encoding=codec.name.encode() if codec is not None else None,
        )
        call = self.core.start_call(headers, state.deadline, codec)
        call.sink = state
        return call

    def cancel_calls(self, status: Status) -> None:
        """End all calls of this connection."""
        self.core.cancel_calls(status)
        self._dispatch()

    def handle_event(self, event: Event) -> None:
        match event:
            case MessageReceived(call, envelope, size):
                call.sink.message_received(envelope, size)
            case CallEnded(call, status):
                call.sink.ended(status)
            case ResponseStarted(call) | SendReady(call):
                call.sink.wake()
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


class Channel:
    """A channel to one target.

    - `target`: "host:port", "[v6]:port", "dns:///host:port", "unix:/path", …; see `parse_target`.
    - `tls`: an ssl.SSLContext, or True for one with the system's certificates; ALPN is set to h2 on it.
    - `authority`: the :authority of calls, and the name that TLS checks, where it differs from the target's.
    - `interceptors`: run around every call, the first outermost.
    - `compression`: "gzip" or "deflate" compresses requests.
    - `wait_for_ready`: the default for calls.
    - `limits`, or any field of Limits as a keyword: see `Limits`.

    A channel connects with the first call, and again when it has lost its connection. It belongs to the loop that it is
    first used on. `async with Channel(…) as channel:` closes it at the end.
    """

    def __init__(
        self,
        target: str,
        *,
        tls: ssl.SSLContext | bool | None = None,
        authority: str | None = None,
        interceptors: Sequence[Interceptor] = (),
        compression: str | None = None,
        wait_for_ready: bool = False,
        backoff: BackoffPolicy | None = None,
        limits: Limits | None = None,
        **limit_overrides: Any,
    ) -> None:
        self.target = parse_target(target)
        self.limits = make_limits(limits, limit_overrides)
        self.authority = authority or self.target.authority
        self.scheme = "https" if tls else "http"
        self.interceptors = tuple(interceptors)
        find_codec(compression)
        self.compression = compression
        self.wait_for_ready = wait_for_ready
        self.last_error = ""
        self._tls = _client_context(tls)
        self._backoff = backoff or BackoffPolicy()
        self._random = random.Random()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._link: ClientLink | None = None  # the one that takes new calls
        self._links: set[ClientLink] = set()
        self._pending: dict[CallState, None] = {}
        self._connecting: asyncio.Task[None] | None = None
        self._failures = 0
        self._next_attempt = 0.0
        self._closed = False
        self._all_closed = asyncio.Event()

    # -- methods --------------------------------------------------------------------------------------------------
    # `_registered_method` is what stubs written by grpcio's generator pass; it changes nothing here.

    def unary_unary(
        self,
        method: str,
        request_serializer: Serializer = bytes,
        response_deserializer: Deserializer = bytes,
        _registered_method: bool = False,
    ) -> UnaryUnaryMethod[Any]:
        """The method at this path ("/pkg.Service/Method"). Without serializers, messages are bytes."""
        return UnaryUnaryMethod(self, method, request_serializer, response_deserializer)

    def unary_stream(
        self,
        method: str,
        request_serializer: Serializer = bytes,
        response_deserializer: Deserializer = bytes,
        _registered_method: bool = False,
    ) -> UnaryStreamMethod[Any]:
        """The same for one request and a stream of responses."""
        return UnaryStreamMethod(self, method, request_serializer, response_deserializer)

    def stream_unary(
        self,
        method: str,
        request_serializer: Serializer = bytes,
        response_deserializer: Deserializer = bytes,
        _registered_method: bool = False,
    ) -> StreamUnaryMethod[Any]:
        """The same for a stream of requests and one response."""
        return StreamUnaryMethod(self, method, request_serializer, response_deserializer)

    def stream_stream(
        self,
        method: str,
        request_serializer: Serializer = bytes,
        response_deserializer: Deserializer = bytes,
        _registered_method: bool = False,
    ) -> StreamStreamMethod[Any]:
        """The same for streams both ways."""
        return StreamStreamMethod(self, method, request_serializer, response_deserializer)

    # -- calls ----------------------------------------------------------------------------------------------------

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The loop that the channel belongs to."""
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
        return self._loop

    def check_open(self) -> None:
        """Raises RuntimeError if the channel is closed or used on another loop than its own."""
        if self._closed:
            raise RuntimeError(f"the channel to {self.target} is closed")
        if asyncio.get_running_loop() is not self.loop:
            raise RuntimeError(
                f"the channel to {self.target} belongs to another event loop; make one for each"
            )

    def submit(self, state: CallState) -> None:
        """Start a call now, or when there is a connection."""
        link = self._link
        if link is not None and link.core.accepts_calls:
            state.start(link)
            return
        if not state.wait_for_ready and self._failures and self.loop.time() < self._next_attempt:
            state.ended(self._unavailable())  # R79: no waiting while the last attempt has just failed
            return
        if len(self._pending) >= self.limits.max_waiting_calls:
            reason = f"{len(self._pending)} calls wait for a connection already (max_waiting_calls)"
            state.ended(Status(StatusCode.RESOURCE_EXHAUSTED, reason, reached_server=False))
            return
        self._pending[state] = None
        state.hold()
        self._connect()

    def _unavailable(self) -> Status:
        reason = f"cannot connect to {self.target}: {self.last_error}"
        return Status(StatusCode.UNAVAILABLE, reason, reached_server=False)

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
                self._failures = 0
                self.last_error = ""
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
        name = _host_of(self.authority) if tls is not None else None
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
            chosen = link.transport.get_extra_info("ssl_object").selected_alpn_protocol()
            if chosen != "h2":
                raise ConnectionError(f"the server did not agree to HTTP/2 in TLS (ALPN chose {chosen})")

    def _attempt_failed(self, started: float, error: Exception) -> None:
        self._failures += 1
        self._next_attempt = started + self._backoff.delay(self._failures, self._random)
        if isinstance(error, TimeoutError):
            self.last_error = f"no answer within {self.limits.connect_timeout:g} s (connect_timeout)"
        else:
            self.last_error = _cause(error)
        for state in [
            state for state in self._pending if not state.wait_for_ready or state.status is not None
        ]:
            del self._pending[state]
            state.ended(self._unavailable())

    def _start_pending(self, link: ClientLink) -> None:
        pending, self._pending = self._pending, {}
        for state in pending:
            if link.core.accepts_calls:
                state.start(link)
            elif state.status is None:
                self.submit(state)

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
        closed = Status(StatusCode.CANCELLED, "the channel was closed", reached_server=False)
        for state in list(self._pending):
            state.ended(closed)
        self._pending.clear()
        if grace:
            for link in self._links:
                link.core.drain()
                link.schedule_flush()
            await self._wait_closed(grace)
        for link in list(self._links):
            link.cancel_calls(closed)
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

    def __repr__(self) -> str:
        return f"<Channel {self.target}>"


def _client_context(tls: ssl.SSLContext | bool | None) -> ssl.SSLContext | None:
    if not tls:
        return None
    context = ssl.create_default_context() if tls is True else tls
    context.set_alpn_protocols(["h2"])
    return context


def _cause(error: Exception) -> str:
    """Why connecting failed, in the system's words; asyncio names the call that failed instead, once per address."""
    numbers = dict.fromkeys(re.findall(r"\[Errno (\d+)\]", str(error)))
    return ", ".join(os.strerror(int(number)) for number in numbers) or str(error) or type(error).__name__


def _host_of(authority: str) -> str:
    if authority.startswith("["):
        return authority[1:].partition("]")[0]
    return authority.partition(":")[0]
