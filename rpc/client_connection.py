"""The client's side of a connection: it starts calls, and lets them wait for a stream."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from .call import Call
from .client_call import ClientCall
from .compression import Codec
from .connection import Connection
from .counters import CallCounters
from .events import ConnectionRetired
from .header_blocks import HeaderBlock, HeaderField
from .headers import reset_status
from .keepalive import Keepalive
from .limits import Limits
from .status import Status, StatusCode, http2_error_name
from .streams import STREAM_IDS_RUN_LOW


class ClientConnection(Connection):
    """The client's side. `peer` names the server in error messages."""

    def __init__(
        self,
        limits: Limits | None = None,
        peer: str = "the server",
        *,
        calls: CallCounters | None = None,
        keepalive: Keepalive | None = None,
    ) -> None:
        self.peer = peer
        self._goaway = ""  # what the server said when it announced the end
        self._waiting: OrderedDict[ClientCall, None] = OrderedDict()
        super().__init__(client_side=True, limits=limits or Limits(), calls=calls, keepalive=keepalive)

    @property
    def accepts_calls(self) -> bool:
        """Whether calls can be started here: not after GOAWAY, and not when stream ids run low."""
        return not (self.ended or self.draining)

    def start_call(
        self,
        headers: Sequence[HeaderField],
        deadline: float | None = None,
        codec: Codec | None = None,
        now: float | None = None,
    ) -> ClientCall:
        """Start a call; it waits for its turn if the server's limit of streams is reached (R70).

        `headers` come from `headers.request_headers`; `deadline` is an absolute time. `now` dates the call.
        """
        if now is not None:
            self.now = now
        self.calls.started += 1
        self.calls.last_started = self.now
        call = ClientCall(self, headers, deadline, codec)
        if size := self.http2.oversize(headers):
            call.fail(self._too_large(size))
            return call
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
        self.streams.started += 1
        self.streams.last_started = self.now
        if self._keepalive is not None and self._keepalive.dormant:
            self._keepalive.wake()
        if call.stream_id >= STREAM_IDS_RUN_LOW:
            self._retire()

    def _too_large(self, size: int) -> Status:
        limit = self.http2.peer_max_header_list_size
        reason = (
            f"the headers of the call are {size} bytes as HTTP/2 counts; {self.peer} takes {limit} "
            "(its SETTINGS_MAX_HEADER_LIST_SIZE): send less metadata"
        )
        return Status(StatusCode.RESOURCE_EXHAUSTED, reason)

    def _retire(self) -> None:
        """There are few stream ids left: let the channel make another connection in time (R73)."""
        if not self.draining:
            reason = "the connection has used up most of its stream ids"
            self.draining = True
            self.emit(ConnectionRetired(reason))
            self._fail_waiting(reason)

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

    def peer_closed(self, reason: str) -> None:
        if not self._settings_came:
            reason += (
                " before it spoke HTTP/2 (is TLS on at one end only, or does it want a client certificate?)"
            )
        super().peer_closed(reason)

    def _lost(self, reason: str) -> Status:
        announced = f", after it had sent {self._goaway}" if self._goaway else ""
        return Status(StatusCode.UNAVAILABLE, f"connection to {self.peer} was lost: {reason}{announced}")

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
        if status.code is StatusCode.CANCELLED and call.deadline is not None and call.deadline <= self.now:
            status = Status(StatusCode.DEADLINE_EXCEEDED, "the deadline passed before the call ended")  # R37
        call.finish_locally(status)

    def settings_received(self) -> None:
        super().settings_received()
        self._begin_waiting()

    def goaway_received(self, last_stream_id: int, error_code: int, debug_data: bytes) -> None:
        """Streams that the server does not handle end here; the others run on (R60)."""
        super().goaway_received(last_stream_id, error_code, debug_data)
        text = debug_data[:200].decode("utf-8", "backslashreplace")
        self._goaway = f"GOAWAY ({http2_error_name(error_code)}{f' {text!r}' if text else ''})"
        reason = f"{self.peer} sent {self._goaway} before it handled the call"
        self._fail_waiting(reason)
        for stream_id, call in list(self._calls.items()):
            if stream_id > last_stream_id:
                call.finish_locally(Status(StatusCode.UNAVAILABLE, reason, reached_server=False))
