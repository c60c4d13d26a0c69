"""What the channels of all shells share: their settings, the calls that wait for a connection, and backoff."""

from __future__ import annotations

import os
import random
import re
import ssl
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, TypeVar

from .backoff import BackoffPolicy
from .client_call_state import CallLink, ClientCallState
from .compression import find_codec
from .handlers import Deserializer, Serializer
from .interceptor import Interceptor
from .limits import Limits, make_limits
from .retry import ChannelRetries
from .service_config import ServiceConfig, parse_service_config
from .status import Status, StatusCode
from .target import parse_target
from .timers import TimerHandle

UnaryUnary = TypeVar("UnaryUnary")
UnaryStream = TypeVar("UnaryStream")
StreamUnary = TypeVar("StreamUnary")
StreamStream = TypeVar("StreamStream")


class ClientChannel(Generic[UnaryUnary, UnaryStream, StreamUnary, StreamStream]):
    """A channel without its transport. Shells say how to connect, and which classes their methods are."""

    _unary_unary: Callable[..., UnaryUnary]
    _unary_stream: Callable[..., UnaryStream]
    _stream_unary: Callable[..., StreamUnary]
    _stream_stream: Callable[..., StreamStream]

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
        service_config: str | Mapping[str, Any] | ServiceConfig | None = None,
        retries: bool = True,
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
        self.retries = ChannelRetries(retries, self.limits, random.Random())
        self.use_service_config(parse_service_config(service_config))
        self.last_error = ""
        self._tls = _client_context(tls)
        self._backoff = backoff or BackoffPolicy()
        self._random = random.Random()
        self._pending: dict[ClientCallState, None] = {}
        self._failures = 0
        self._next_attempt = 0.0
        self._closed = False
        self._set_up()

    # -- for shells -----------------------------------------------------------------------------------------------

    def _set_up(self) -> None:
        """Make what the shell needs besides."""

    def now(self) -> float:
        """The time on the shell's clock."""
        raise NotImplementedError

    def schedule(self, when: float, callback: Callable[[], object]) -> TimerHandle:
        """Call this at a time of the shell's clock, under the channel's lock where there is one.

        The blocking shell calls it when somebody waits for the channel then; if not, with the channel's next use.
        """
        raise NotImplementedError

    def _connect(self) -> None:
        """Begin to connect, unless that is under way."""
        raise NotImplementedError

    def _usable_link(self) -> CallLink | None:
        """The connection that takes new calls."""
        raise NotImplementedError

    # -- methods --------------------------------------------------------------------------------------------------
    # `_registered_method` is what stubs written by grpcio's generator pass; it changes nothing here.

    def unary_unary(
        self,
        method: str,
        request_serializer: Serializer = bytes,
        response_deserializer: Deserializer = bytes,
        _registered_method: bool = False,
    ) -> UnaryUnary:
        """The method at this path ("/pkg.Service/Method"). Without serializers, messages are bytes."""
        return self._unary_unary(self, method, request_serializer, response_deserializer)

    def unary_stream(
        self,
        method: str,
        request_serializer: Serializer = bytes,
        response_deserializer: Deserializer = bytes,
        _registered_method: bool = False,
    ) -> UnaryStream:
        """The same for one request and a stream of responses."""
        return self._unary_stream(self, method, request_serializer, response_deserializer)

    def stream_unary(
        self,
        method: str,
        request_serializer: Serializer = bytes,
        response_deserializer: Deserializer = bytes,
        _registered_method: bool = False,
    ) -> StreamUnary:
        """The same for a stream of requests and one response."""
        return self._stream_unary(self, method, request_serializer, response_deserializer)

    def stream_stream(
        self,
        method: str,
        request_serializer: Serializer = bytes,
        response_deserializer: Deserializer = bytes,
        _registered_method: bool = False,
    ) -> StreamStream:
        """The same for streams both ways."""
        return self._stream_stream(self, method, request_serializer, response_deserializer)

    # -- calls ----------------------------------------------------------------------------------------------------

    def use_service_config(self, config: ServiceConfig) -> None:
        """Calls that begin from now on follow this config."""
        self.service_config = config
        self.retries.configure(config)

    def check_open(self) -> None:
        """Raises RuntimeError if the channel is closed."""
        if self._closed:
            raise RuntimeError(f"the channel to {self.target} is closed")

    def submit(self, state: ClientCallState) -> None:
        """Start a call now, or when there is a connection."""
        link = self._usable_link()
        if link is not None and link.core.accepts_calls:
            state.start(link)
            return
        if not state.wait_for_ready and self._failures and self.now() < self._next_attempt:
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

    def _start_pending(self, link: CallLink) -> None:
        """A connection takes calls: start those that have waited for one."""
        self._failures = 0
        self.last_error = ""
        pending, self._pending = self._pending, {}
        for state in pending:
            if link.core.accepts_calls:
                state.start(link)
            elif state.status is None:
                self.submit(state)

    def _attempt_failed(self, started: float, error: Exception) -> None:
        """An attempt to connect, begun at `started`, has failed: calls that would not wait for the next end."""
        self._failures += 1
        self._next_attempt = started + self._backoff.delay(self._failures, self._random)
        if isinstance(error, TimeoutError) and error.errno is None:
            self.last_error = f"no answer within {self.limits.connect_timeout:g} s (connect_timeout)"
        else:
            self.last_error = _cause(error)
        impatient = [state for state in self._pending if not state.wait_for_ready or state.status is not None]
        for state in impatient:
            del self._pending[state]
            state.ended(self._unavailable())

    def _end_pending(self, status: Status) -> None:
        """Give up all calls that wait for a connection."""
        pending, self._pending = self._pending, {}
        for state in pending:
            state.ended(status)

    @property
    def tls_name(self) -> str | None:
        """The name that the server's certificate has to bear; None without TLS."""
        if self._tls is None:
            return None
        if self.authority.startswith("["):
            return self.authority[1:].partition("]")[0]
        return self.authority.partition(":")[0]

    def __repr__(self) -> str:
        return f"<Channel {self.target}>"


CLOSED = Status(StatusCode.CANCELLED, "the channel was closed", reached_server=False, final=True)


def check_alpn(chosen: str | None) -> None:
    """Raises ConnectionError unless TLS has agreed to HTTP/2."""
    if chosen != "h2":
        raise ConnectionError(f"the server did not agree to HTTP/2 in TLS (ALPN chose {chosen})")


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
