"""A gRPC connection without I/O: bytes in → events; calls → bytes out; time is an argument.

A shell (asyncio, blocking, a test) feeds `receive` and `handle_timer`, writes what `data_to_send` gives, and acts on
the events. `ClientConnection` starts calls, `ServerConnection` receives them; this is what they share.
"""

from __future__ import annotations

import heapq
import math
from itertools import count

from .alarms import Alarms
from .bandwidth import PAYLOAD as BANDWIDTH_PING
from .bandwidth import BandwidthEstimator
from .call import Call
from .counters import CallCounters, StreamCounters
from .events import ConnectionEnded, Event, GoAwayReceived, SettingsReceived
from .gate import ConnectionFault
from .header_blocks import HeaderBlock
from .http2 import Http2Connection
from .incomplete import IncompleteMessages
from .keepalive import Keepalive, KeepaliveProbe
from .limits import Limits
from .stall import StallWatch
from .status import Http2Error, Status, StatusCode, http2_error_name

_SHRUNK_FOR = 1.0  # how long streams' windows stay small at least
_OUTPUT_BATCH = 256 * 1024  # how much data_to_send turns into frames at once


class Connection:
    """What both sides share. `emit`, `has_output`, `unread`, `consumed` and `call_ended` are for its calls."""

    def __init__(
        self,
        *,
        client_side: bool,
        limits: Limits,
        calls: CallCounters | None = None,
        keepalive: Keepalive | None = None,
    ) -> None:
        self.limits = limits
        self.calls = calls or CallCounters()
        self.streams = StreamCounters()
        self.http2 = Http2Connection(self, client_side=client_side, limits=limits)
        self.goaway_error: int | None = None  # of the GOAWAY that the peer sent
        self.ended = False
        self.draining = False
        self._calls: dict[int, Call] = {}
        self._events: list[Event] = []
        self._ready: dict[Call, None] = {}  # calls that have something to send, in turn
        self._every_window_opened = False
        self._deadlines: list[tuple[float, int, Call]] = []
        self._order = count()
        self.now = 0.0  # the time of what happened last
        self.last_read = 0.0
        self.bytes_received = 0
        self._unread = 0
        self._withheld = 0  # of the connection's window, while too much is unread
        self.incomplete = IncompleteMessages(limits, self._fit_windows)
        self.alarms = Alarms()
        self.keepalive = keepalive
        self.stalls = StallWatch(limits.stall_timeout, self)
        self._keepalive = KeepaliveProbe(keepalive, self) if keepalive and keepalive.enabled else None
        self._bandwidth = BandwidthEstimator(limits.stream_window, limits.max_window)
        self._sample_due = False
        self._shrunk_at = -math.inf
        self._settings_came = False
        self.http2.initiate()

    # -- what a shell does ----------------------------------------------------------------------------------------

    def receive(self, data: bytes, now: float) -> None:
        """Take bytes from the peer. `now` is a monotonic time in seconds."""
        if self.ended:
            return
        self.now = self.last_read = now
        self.bytes_received += len(data)
        try:
            self.http2.receive(data, now)
        except ConnectionFault as fault:
            self._faulted(fault)
        if self._sample_due:
            self._sample_bandwidth()
        self._end_if_drained()

    def peer_closed(self, reason: str) -> None:
        """The transport has ended: everything that is open ends with it."""
        self._end(reason)

    def data_to_send(self, now: float | None = None) -> bytes:
        """The next bytes for the transport. Queued messages enter as far as the peer's windows let them, in turn and
        one frame each; `wants_to_send` tells whether another round would bring more. `now` dates what goes out."""
        if now is not None:
            self.now = now
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
        due = min(self._next_deadline(), self.alarms.due)
        return due if due < math.inf else None

    def handle_timer(self, now: float) -> None:
        """End the calls whose deadline has passed, and do what else is due."""
        self.now = now
        while self._next_deadline() <= now:
            call = heapq.heappop(self._deadlines)[2]
            call.fail(Status(StatusCode.DEADLINE_EXCEEDED, "the deadline passed before the call ended"))
        if self.alarms.due <= now:
            self.alarms.run(now)
        self._end_if_drained()

    def _next_deadline(self) -> float:
        deadlines = self._deadlines
        while deadlines and deadlines[0][2].ended:
            heapq.heappop(deadlines)
        return deadlines[0][0] if deadlines else math.inf

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

    def consumed(self, size: int) -> bool:
        self._unread -= size
        if self._withheld and self._unread <= self.limits.max_unread_bytes:
            self.http2.open_connection_window(self._withheld)
            self._withheld = 0
            return True
        return False

    def window_given_back(self) -> None:
        """A call has received a good part of a window: enough to see whether the windows suffice."""
        self._sample_due = self._bandwidth.useful and not self._bandwidth.sampling

    def _sample_bandwidth(self) -> None:
        self._sample_due = False
        if not self.ended and self._bandwidth.may_begin(self.now):
            self.http2.ping(BANDWIDTH_PING)
            self._bandwidth.begin(self.now, self.bytes_received)

    def _fit_windows(self) -> None:
        """Have streams' windows as large as bandwidth wants and memory lets them be. One change at a time, and they do
        not grow back at once: messages come in waves."""
        http2, incomplete = self.http2, self.incomplete
        if not http2.settings_agreed or self.ended:
            return
        wanted, present = self._bandwidth.window, http2.stream_window
        window = incomplete.window(wanted)
        if window < present:
            self._shrunk_at = self.now
        elif self.now < self._shrunk_at + _SHRUNK_FOR:
            return
        incomplete.fitted(window, wanted)
        if window != present:
            http2.set_stream_window(window)

    def call_ended(self, call: Call) -> None:
        """Forget a call."""
        self._calls.pop(call.stream_id, None)
        self._ready.pop(call, None)
        if self.stalls.since:
            self.stalls.since.pop(call, None)
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

    def _faulted(self, fault: ConnectionFault) -> None:
        self._end(f"{http2_error_name(fault.error_code)}: {fault.reason}")

    def _end(self, reason: str) -> None:
        if self.ended:
            return
        self.ended = True
        self.incomplete.forget_waiting()
        status = self._lost(reason)
        for call in list(self._calls.values()):
            call.finish_locally(status)
        self._ready.clear()
        self._every_window_opened = False
        self.alarms.clear()
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

    def stream_faulted(
        self, stream_id: int, reason: str, error_code: int = Http2Error.PROTOCOL_ERROR
    ) -> None:
        call = self._calls.get(stream_id)
        if call is not None:
            status = Status(StatusCode.INTERNAL, f"protocol violation by the peer: {reason}")
            call.fail(status, error_code)
        else:
            self.http2.reset(stream_id, error_code)

    def window_opened(self, stream_id: int) -> None:
        if stream_id:
            call = self._calls.get(stream_id)
            if call is not None and call.queued_bytes:
                self._ready[call] = None
        else:
            self._every_window_opened = True  # looked at once per round: such frames are cheap to send

    def settings_received(self) -> None:
        self.emit(SettingsReceived())
        if not self._settings_came:
            self._settings_came = True
            self._handshake_finished()

    def _handshake_finished(self) -> None:
        if self._keepalive is not None:
            self._keepalive.start()

    def settings_acknowledged(self) -> None:
        """The peer goes by the windows that we have asked for."""
        # What was too little to be given back may be all of a smaller window, and nothing more would come.
        for call in self._calls.values():
            call.give_back()
        self._fit_windows()

    def goaway_received(self, last_stream_id: int, error_code: int, debug_data: bytes) -> None:
        self.draining = True
        self.goaway_error = error_code
        self.emit(GoAwayReceived(error_code, debug_data))

    def ping_received(self) -> None:
        """h2 has answered it."""

    def ping_acknowledged(self, payload: bytes) -> None:
        # For keepalive any byte will do.
        if payload == BANDWIDTH_PING and self._bandwidth.end(self.now, self.bytes_received):
            self.http2.grow_connection_window(self._bandwidth.window)
            self._fit_windows()
