"""The server's side of a connection: it receives calls, refuses what is none, and drains."""

from __future__ import annotations

import math
from collections.abc import Callable

from .call import Call
from .compression import ACCEPTED, CODECS
from .connection import Connection
from .connection_age import AgeWatch, ConnectionAge
from .counters import CallCounters
from .events import CallStarted, GoAwayReceived
from .gate import ConnectionFault
from .header_blocks import HeaderBlock
from .headers import (
    Request,
    RequestRefused,
    parse_request,
    request_trailers_fault,
    response_headers,
    trailers,
)
from .keepalive import Keepalive
from .limits import Limits
from .ping_policy import PingPolicy, PingStrikes
from .refusal import Refusal
from .server_call import ServerCall
from .status import Http2Error, Status, StatusCode, http2_error_name
from .streams import MAX_STREAM_ID, STREAM_IDS_RUN_LOW

# (connection, stream id, request, deadline) → the call
CallMaker = Callable[["ServerConnection", int, Request, float | None], ServerCall]

_DRAIN_PING = b"barewire"
_DRAIN_PING_TIMEOUT = 5.0  # for the client's answer to it; then the last GOAWAY is sent anyway


class ServerConnection(Connection):
    """The server's side. Without `keepalive`, `ping_policy` and `age` there is none of that."""

    accept_encoding = ACCEPTED
    protocols: tuple[str | None, ...] = ("h2",)  # that ALPN may have agreed on

    def __init__(
        self,
        limits: Limits | None = None,
        *,
        calls: CallCounters | None = None,
        keepalive: Keepalive | None = None,
        ping_policy: PingPolicy | None = None,
        age: ConnectionAge | None = None,
    ) -> None:
        self.idle_since = 0.0
        self._final_goaway_due = False
        self._drain_reason = b""
        self._ping_strikes = PingStrikes(ping_policy) if ping_policy is not None else None
        self._age = AgeWatch(age, self) if age is not None else None
        super().__init__(client_side=False, limits=limits or Limits(), calls=calls, keepalive=keepalive)

    def _handshake_finished(self) -> None:
        super()._handshake_finished()
        if self._age is not None:
            self._age.start(self.now)

    def headers_received(self, stream_id: int, block: HeaderBlock, end_stream: bool) -> None:
        call = self._calls.get(stream_id)
        if isinstance(call, (ServerCall, Refusal)):
            fault = request_trailers_fault(block)
            if fault is None:
                call.headers_received(end_stream)
            else:
                self.stream_faulted(stream_id, f"malformed trailers: {fault}")
            return
        request = parse_request(block, self.limits.max_header_list_size)
        make_call: CallMaker = ServerCall
        if isinstance(request, RequestRefused):
            found = self._translate(stream_id, block, request, end_stream)
            if found is None:
                return
            request, make_call = found
        deadline = None if request.timeout is None else self.now + request.timeout
        call = make_call(self, stream_id, request, deadline)
        self._calls[stream_id] = call
        calls, streams = self.calls, self.streams
        calls.started += 1
        streams.started += 1
        calls.last_started = streams.last_started = self.now
        if stream_id >= STREAM_IDS_RUN_LOW:
            self.drain(self.now, b"stream ids run low")  # R73
        if request.encoding != "identity" and request.encoding not in CODECS:
            self._refuse_encoding(call)
            return
        self._watch_deadline(call)
        self.emit(CallStarted(call))
        if end_stream:
            call.headers_received(end_stream)

    def _translate(
        self, stream_id: int, block: HeaderBlock, refused: RequestRefused, end_stream: bool
    ) -> tuple[Request, CallMaker] | None:
        """What else a request may be that is not gRPC. None: it has been answered."""
        self._refuse(stream_id, refused, end_stream)
        return None

    def _refuse(self, stream_id: int, refused: RequestRefused, end_stream: bool) -> None:
        """Answer what is not a gRPC call, in the terms that its sender can read (R04, R05)."""
        self.http2.count_refusal()
        if not refused.http_status:
            self.http2.reset(stream_id, Http2Error.PROTOCOL_ERROR)
        elif refused.http_status == 200:
            fields = response_headers() + trailers(Status(refused.code, refused.reason))
            self.http2.send_headers(stream_id, fields, end_stream=True)
            if not end_stream:
                self.http2.reset(stream_id, Http2Error.NO_ERROR)
        else:
            call = self._calls[stream_id] = Refusal(self, stream_id, refused)
            if end_stream:
                call.headers_received(end_stream)

    def _refuse_encoding(self, call: ServerCall) -> None:
        """R53: an encoding that we do not know is UNIMPLEMENTED, with the list of those that we do."""
        reason = f"grpc-encoding {call.request.encoding[:64]!r} is not supported; {ACCEPTED.decode()} are"
        call.send_initial_metadata()
        call.finish(Status(StatusCode.UNIMPLEMENTED, reason))

    def stream_reset(self, stream_id: int, error_code: int) -> None:
        call = self._calls.get(stream_id)
        if call is not None:
            reason = f"the client reset the stream with {http2_error_name(error_code)}"
            call.finish_locally(Status(StatusCode.CANCELLED, reason, from_peer=True))

    def _lost(self, reason: str) -> Status:
        return Status(StatusCode.CANCELLED, f"connection to the client was lost: {reason}")

    def drain(self, now: float, reason: bytes = b"") -> None:
        """Stop gracefully (R61): announce it, let the client's calls that are already on the way in, then close the
        door behind them. Calls in flight run to their end; after the last of them the connection ends. `reason` goes to
        the client with GOAWAY."""
        if self.draining or self.ended:
            return
        self.draining = True
        self._drain_reason = reason
        self.http2.send_goaway(MAX_STREAM_ID, Http2Error.NO_ERROR, reason)
        self.http2.ping(_DRAIN_PING)
        self._final_goaway_due = True
        self.alarms.set(self._send_final_goaway, now + _DRAIN_PING_TIMEOUT)

    def ping_received(self) -> None:
        strikes, http2 = self._ping_strikes, self.http2
        if strikes is None:
            return
        progressed, http2.progressed = http2.progressed, False
        if not strikes.ping(self.now, calls=bool(self._calls), progressed=progressed):
            raise ConnectionFault(Http2Error.ENHANCE_YOUR_CALM, "too_many_pings")  # R68

    def ping_acknowledged(self, payload: bytes) -> None:
        super().ping_acknowledged(payload)
        if payload == _DRAIN_PING:
            self._send_final_goaway(self.now)

    def _send_final_goaway(self, now: float) -> float:
        if self._final_goaway_due:
            self._final_goaway_due = False
            last = self.http2.highest_remote_stream_id
            self.http2.send_goaway(last, Http2Error.NO_ERROR, self._drain_reason)
        return math.inf

    def call_ended(self, call: Call) -> None:
        super().call_ended(call)
        if not self._calls:
            self.idle_since = self.now
        if isinstance(call, ServerCall) and call.recorded is not None:
            method, came = call.recorded
            method.call_ended(StatusCode.CANCELLED if call.code is None else call.code, self.now - came)
        self._end_if_drained()

    def goaway_received(self, last_stream_id: int, error_code: int, debug_data: bytes) -> None:
        """A client announces that it opens no more streams; nothing changes for those that are open."""
        self.goaway_error = error_code
        self.emit(GoAwayReceived(error_code, debug_data))

    def _end_if_drained(self) -> None:
        if self.draining and not self._final_goaway_due and not self._calls and not self.ended:
            self._end("drained")
