"""A gRPC connection without I/O: bytes in → events; calls → bytes out; time is an argument.

A shell (asyncio, blocking, a test) feeds `receive` and `handle_timer`, writes what `data_to_send` gives, and acts on
the events. `ClientConnection` starts calls, `ServerConnection` receives them.
"""

from __future__ import annotations

import heapq
from collections import OrderedDict
from collections.abc import Sequence
from itertools import count

from .call import Call, ClientCall, ServerCall
from .compression import ACCEPTED, CODECS, Codec
from .events import (
    CallStarted,
    ConnectionEnded,
    Event,
    GoAwayReceived,
    SettingsReceived,
)
from .gate import ConnectionFault
from .header_blocks import HeaderBlock, HeaderField
from .headers import RequestRefused, parse_request, refusal_headers, reset_status, response_headers, trailers
from .http2 import Http2Connection
from .limits import Limits
from .status import Http2Error, Status, StatusCode, http2_error_name

_OUTPUT_BATCH = 256 * 1024  # how much data_to_send turns into frames at once
_DRAIN_PING = b"barewire"
_DRAIN_PING_TIMEOUT = (
    5.0  # how long a client has to answer the drain ping before the last GOAWAY is sent anyway
)


class Connection:
    """What both sides share. `emit`, `has_output`, `unread`, `consumed` and `call_ended` are for its calls."""

    def __init__(self, *, client_side: bool, limits: Limits) -> None:
        self.limits = limits
        self.http2 = Http2Connection(self, client_side=client_side, limits=limits)
        self.ended = False
        self.draining = False
        self._calls: dict[int, Call] = {}
        self._events: list[Event] = []
        self._ready: dict[Call, None] = {}  # calls that have something to send, in turn
        self._every_window_opened = False
        self._deadlines: list[tuple[float, int, Call]] = []
        self._order = count()
        self._now = 0.0
        self._unread = 0
        self._withheld = 0  # of the connection's window, while too much is unread
        self.http2.initiate()

    # -- what a shell does ----------------------------------------------------------------------------------------

    def receive(self, data: bytes, now: float) -> None:
        """Take bytes from the peer. `now` is a monotonic time in seconds."""
        if self.ended:
            return
        self._now = now
        try:
            self.http2.receive(data, now)
        except ConnectionFault as fault:
            self._end(f"{http2_error_name(fault.error_code)}: {fault.reason}")
        self._end_if_drained()

    def peer_closed(self, reason: str) -> None:
        """The transport has ended: everything that is open ends with it."""
        self._end(reason)

    def data_to_send(self) -> bytes:
        """The next bytes for the transport. Queued messages enter as far as the peer's windows let them, in turn and
        one frame each; `wants_to_send` tells whether another round would bring more."""
        ready = self._ready
        if self._every_window_opened:
            self._every_window_opened = False
            ready.update((call, None) for call in self._calls.values() if call.queued_bytes)
        budget = _OUTPUT_BATCH
        while ready and budget > 0:
            call = next(iter(ready))
            del ready[call]
            if call.ended:
                continue
            sent = call.pump()
            budget -= sent
            if sent and call.queued_bytes:
                ready[call] = None  # to the end of the line
        return self.http2.data_to_send()

    @property
    def wants_to_send(self) -> bool:
        return bool(self._ready) or self._every_window_opened

    def take_events(self) -> list[Event]:
        """What has happened since the last time."""
        events, self._events = self._events, []
        return events

    def next_timer(self) -> float | None:
        """When `handle_timer` has to be called next, in the time of `now`; None: not before something else happens."""
        deadlines = self._deadlines
        while deadlines and deadlines[0][2].ended:
            heapq.heappop(deadlines)
        return deadlines[0][0] if deadlines else None

    def handle_timer(self, now: float) -> None:
        """End the calls whose deadline has passed."""
        while (due := self.next_timer()) is not None and due <= now:
            call = heapq.heappop(self._deadlines)[2]
            call.fail(Status(StatusCode.DEADLINE_EXCEEDED, "the deadline passed before the call ended"))
        self._end_if_drained()

    @property
    def open_calls(self) -> int:
        return len(self._calls)

    def close(self, reason: str, error_code: int = Http2Error.NO_ERROR) -> None:
        """End the connection now; open calls end with it."""
        if not self.ended:
            self.http2.send_goaway(self.http2.highest_remote_stream_id, error_code, b"")
            self._end(reason)

    # -- what calls do --------------------------------------------------------------------------------------------

    def emit(self, event: Event) -> None:
        self._events.append(event)

    def has_output(self, call: Call) -> None:
        self._ready[call] = None

    def unread(self, size: int) -> None:
        self._unread += size

    def consumed(self, size: int) -> None:
        self._unread -= size
        if self._withheld and self._unread <= self.limits.max_unread_bytes:
            self.http2.open_connection_window(self._withheld)
            self._withheld = 0

    def call_ended(self, call: Call) -> None:
        """Forget a call."""
        self._calls.pop(call.stream_id, None)
        self._ready.pop(call, None)
        if len(self._deadlines) > 2 * len(self._calls) + 64:  # mostly calls that ended in time
            self._deadlines = [entry for entry in self._deadlines if not entry[2].ended]
            heapq.heapify(self._deadlines)

    def _watch_deadline(self, call: Call) -> None:
        if call.deadline is not None:
            heapq.heappush(self._deadlines, (call.deadline, next(self._order), call))

    # -- ending ---------------------------------------------------------------------------------------------------

    def _lost(self, reason: str) -> Status:
        """The status of calls that lose their connection (R44)."""
        raise NotImplementedError

    def _end(self, reason: str) -> None:
        if self.ended:
            return
        self.ended = True
        status = self._lost(reason)
        for call in list(self._calls.values()):
            call.finish_locally(status)
        self._ready.clear()
        self._every_window_opened = False
        self.emit(ConnectionEnded(reason))

    def _end_if_drained(self) -> None:
        raise NotImplementedError

    # -- what HTTP/2 tells ----------------------------------------------------------------------------------------

    def headers_received(self, stream_id: int, block: HeaderBlock, end_stream: bool) -> None:
        raise NotImplementedError

    def informational_received(self, stream_id: int) -> None:
        """1xx is skipped (R17)."""

    def data_received(self, stream_id: int, data: bytes, flow_size: int, end_stream: bool) -> None:
        # A call that its reader neglects keeps its own window shut, not the connection's, up to a bound.
        if self._unread > self.limits.max_unread_bytes:
            self._withheld += flow_size
        elif flow_size:
            self.http2.open_connection_window(flow_size)
        call = self._calls.get(stream_id)
        if call is not None:
            call.data_received(data, flow_size, end_stream)

    def stream_reset(self, stream_id: int, error_code: int) -> None:
        raise NotImplementedError

    def stream_faulted(self, stream_id: int, reason: str) -> None:
        call = self._calls.get(stream_id)
        if call is not None:
            status = Status(StatusCode.INTERNAL, f"protocol violation by the peer: {reason}")
            call.fail(status, Http2Error.PROTOCOL_ERROR)
        else:
            self.http2.reset(stream_id, Http2Error.PROTOCOL_ERROR)

    def window_opened(self, stream_id: int) -> None:
        if stream_id:
            call = self._calls.get(stream_id)
            if call is not None and call.queued_bytes:
                self._ready[call] = None
        else:
            self._every_window_opened = True  # looked at once per round: such frames are cheap to send

    def settings_received(self) -> None:
        self.emit(SettingsReceived())

    def goaway_received(self, last_stream_id: int, error_code: int, debug_data: bytes) -> None:
        self.draining = True
        self.emit(GoAwayReceived(error_code, debug_data))

    def ping_received(self) -> None:
        """h2 has answered it."""

    def ping_acknowledged(self, payload: bytes) -> None:
        """Nothing waits for it here."""


class ClientConnection(Connection):
    """The client's side. `peer` names the server in error messages."""

    def __init__(self, limits: Limits | None = None, peer: str = "the server") -> None:
        self.peer = peer
        self._waiting: OrderedDict[ClientCall, None] = OrderedDict()
        super().__init__(client_side=True, limits=limits or Limits())

    @property
    def accepts_calls(self) -> bool:
        """Whether calls can be started here (after GOAWAY they cannot)."""
        return not (self.ended or self.draining) and self.http2.stream_ids_left

    def start_call(
        self, headers: Sequence[HeaderField], deadline: float | None = None, codec: Codec | None = None
    ) -> ClientCall:
        """Start a call; it waits for its turn if the server's limit of streams is reached (R70).

        `headers` come from `headers.request_headers`; `deadline` is an absolute time.
        """
        call = ClientCall(self, headers, deadline, codec)
        self._watch_deadline(call)
        if self.http2.open_stream_count < self.http2.peer_max_concurrent_streams:
            self._begin(call)
        elif len(self._waiting) < self.limits.max_waiting_calls:
            self._waiting[call] = None
        else:
            reason = f"{len(self._waiting)} calls wait for a stream already (max_waiting_calls)"
            call.fail(Status(StatusCode.RESOURCE_EXHAUSTED, reason, reached_server=False))
        return call

    def _begin(self, call: ClientCall) -> None:
        call.begin()
        self._calls[call.stream_id] = call

    def _begin_waiting(self) -> None:
        http2 = self.http2
        while self._waiting and http2.open_stream_count < http2.peer_max_concurrent_streams:
            if not self.accepts_calls:
                return
            call, _ = self._waiting.popitem(last=False)
            self._begin(call)
            self.has_output(call)

    def call_ended(self, call: Call) -> None:
        super().call_ended(call)
        if isinstance(call, ClientCall):
            self._waiting.pop(call, None)
        self._begin_waiting()
        self._end_if_drained()

    def _lost(self, reason: str) -> Status:
        return Status(StatusCode.UNAVAILABLE, f"connection to {self.peer} was lost: {reason}")

    def _end(self, reason: str) -> None:
        if not self.ended:
            self._fail_waiting(reason)
        super()._end(reason)

    def _fail_waiting(self, reason: str) -> None:
        waiting, self._waiting = self._waiting, OrderedDict()
        for call in waiting:
            call.finish_locally(Status(StatusCode.UNAVAILABLE, reason, reached_server=False))

    def _end_if_drained(self) -> None:
        if self.draining and not self._calls and not self.ended:
            self.close("the server takes no further calls on this connection (GOAWAY)")

    def cancel_calls(self, status: Status) -> None:
        """Give up all calls, those that wait included."""
        for call in [*self._calls.values(), *self._waiting]:
            call.fail(status)

    def drain(self) -> None:
        """Take no further calls; end when those in flight have ended."""
        self.draining = True
        self._end_if_drained()

    def headers_received(self, stream_id: int, block: HeaderBlock, end_stream: bool) -> None:
        call = self._calls.get(stream_id)
        if isinstance(call, ClientCall):
            call.headers_received(block, end_stream)

    def stream_reset(self, stream_id: int, error_code: int) -> None:
        call = self._calls.get(stream_id)
        if call is None:
            return
        status = reset_status(error_code)
        if status.code is StatusCode.CANCELLED and call.deadline is not None and call.deadline <= self._now:
            status = Status(StatusCode.DEADLINE_EXCEEDED, "the deadline passed before the call ended")  # R37
        call.finish_locally(status)

    def settings_received(self) -> None:
        super().settings_received()
        self._begin_waiting()

    def goaway_received(self, last_stream_id: int, error_code: int, debug_data: bytes) -> None:
        """Streams that the server does not handle end here; the others run on (R60)."""
        super().goaway_received(last_stream_id, error_code, debug_data)
        text = debug_data[:200].decode("utf-8", "backslashreplace")
        shown = f"{http2_error_name(error_code)}{f' {text!r}' if text else ''}"
        reason = f"{self.peer} sent GOAWAY ({shown}) before it handled the call"
        self._fail_waiting(reason)
        for stream_id, call in list(self._calls.items()):
            if stream_id > last_stream_id:
                call.finish_locally(Status(StatusCode.UNAVAILABLE, reason, reached_server=False))


class ServerConnection(Connection):
    """The server's side."""

    accept_encoding = ACCEPTED

    def __init__(self, limits: Limits | None = None) -> None:
        self._final_goaway_at: float | None = None
        super().__init__(client_side=False, limits=limits or Limits())

    def headers_received(self, stream_id: int, block: HeaderBlock, end_stream: bool) -> None:
        call = self._calls.get(stream_id)
        if isinstance(call, ServerCall):
            call.headers_received(end_stream)
            return
        request = parse_request(block, self.limits.max_header_list_size)
        if isinstance(request, RequestRefused):
            self._refuse(stream_id, request, end_stream)
            return
        deadline = None if request.timeout is None else self._now + request.timeout
        call = ServerCall(self, stream_id, request, deadline)
        self._calls[stream_id] = call
        if request.encoding != "identity" and request.encoding not in CODECS:
            self._refuse_encoding(call)
            return
        self._watch_deadline(call)
        self.emit(CallStarted(call))
        if end_stream:
            call.headers_received(end_stream)

    def _refuse(self, stream_id: int, refused: RequestRefused, end_stream: bool) -> None:
        """Answer what is not a gRPC call, in the terms that its sender can read (R04, R05)."""
        self.http2.count_refusal()
        if not refused.http_status:
            self.http2.reset(stream_id, Http2Error.PROTOCOL_ERROR)
            return
        if refused.http_status == 200:
            fields = response_headers() + trailers(Status(refused.code, refused.reason))
            self.http2.send_headers(stream_id, fields, end_stream=True)
        else:
            self.http2.send_headers(stream_id, refusal_headers(refused))
            body = refused.reason.encode()[: self.http2.send_window(stream_id)]
            self.http2.send_data(stream_id, body, end_stream=True)
        if not end_stream:
            self.http2.reset(stream_id, Http2Error.NO_ERROR)

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

    def drain(self, now: float) -> None:
        """Stop gracefully (R61): announce it, let the client's calls that are already on the way in, then close the
        door behind them. Calls in flight run to their end; after the last of them the connection ends."""
        if self.draining or self.ended:
            return
        self.draining = True
        self.http2.send_goaway(2**31 - 1, Http2Error.NO_ERROR)
        self.http2.ping(_DRAIN_PING)
        self._final_goaway_at = now + _DRAIN_PING_TIMEOUT

    def ping_acknowledged(self, payload: bytes) -> None:
        if payload == _DRAIN_PING and self._final_goaway_at is not None:
            self._send_final_goaway()

    def _send_final_goaway(self) -> None:
        self._final_goaway_at = None
        self.http2.send_goaway(self.http2.highest_remote_stream_id, Http2Error.NO_ERROR)

    def next_timer(self) -> float | None:
        due = super().next_timer()
        if self._final_goaway_at is not None:
            return self._final_goaway_at if due is None else min(due, self._final_goaway_at)
        return due

    def handle_timer(self, now: float) -> None:
        if self._final_goaway_at is not None and self._final_goaway_at <= now:
            self._send_final_goaway()
        super().handle_timer(now)

    def call_ended(self, call: Call) -> None:
        super().call_ended(call)
        self._end_if_drained()

    def goaway_received(self, last_stream_id: int, error_code: int, debug_data: bytes) -> None:
        """A client announces that it opens no more streams; nothing changes for those that are open."""
        self.emit(GoAwayReceived(error_code, debug_data))

    def _end_if_drained(self) -> None:
        if self.draining and self._final_goaway_at is None and not self._calls and not self.ended:
            self._end("drained")
