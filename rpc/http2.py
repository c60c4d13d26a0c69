"""HTTP/2 for gRPC: h2 behind the gate. The only file that imports h2.

Bytes in → calls on a listener; calls → bytes out. No I/O, no clock. What a faulty peer costs is decided here: a stream
where the fault is a stream's, the connection only for the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import h2.connection
import h2.events
import h2.exceptions
import h2.settings
from h2.config import H2Configuration
from h2.connection import ConnectionInputs
from h2.settings import SettingCodes
from h2.stream import H2Stream, StreamState
from h2.utilities import guard_increment_window

from . import frames as f
from .admission import Admission
from .gate import ConnectionFault, FloodGuard, FrameSplitter
from .header_blocks import HeaderBlock, HeaderField, RememberingEncoder
from .limits import HTTP2_DEFAULT_WINDOW, Limits
from .status import Http2Error
from .streams import MAX_STREAM_ID, Stream, StreamTable


class Http2Listener(Protocol):
    """Who is told what the peer did."""

    def headers_received(self, stream_id: int, block: HeaderBlock, end_stream: bool) -> None: ...
    def informational_received(self, stream_id: int) -> None: ...
    def data_received(self, stream_id: int, data: bytes, flow_size: int, end_stream: bool) -> None: ...
    def stream_reset(self, stream_id: int, error_code: int) -> None: ...
    def stream_faulted(self, stream_id: int, reason: str, error_code: int) -> None: ...
    def window_opened(self, stream_id: int) -> None: ...  # 0: the connection's, or every stream's
    def settings_received(self) -> None: ...
    def settings_acknowledged(self) -> None: ...
    def goaway_received(self, last_stream_id: int, error_code: int, debug_data: bytes) -> None: ...
    def ping_received(self) -> None: ...
    def ping_acknowledged(self, payload: bytes) -> None: ...


class _H2Connection(h2.connection.H2Connection):
    """h2 for the connection and for windows. Of a stream it knows that it is there, and how much may be sent on it.

    What may come and go on a stream, in which order, the stream table and the gate know; so HEADERS and DATA need not
    become objects of h2, pass its two state machines and be written down for its log: it was half of what a call cost.
    """

    outbound_flow_control_window: int

    def begin_stream(self, stream_id: int, *, outbound: bool) -> None:
        """A stream is opened. Its id is the next one, or the gate would not have it."""
        if outbound:
            self.state_machine.process_input(ConnectionInputs.SEND_HEADERS)
            self.highest_outbound_stream_id = stream_id
        else:
            self.state_machine.process_input(ConnectionInputs.RECV_HEADERS)
            self.highest_inbound_stream_id = stream_id
        stream = self.streams[stream_id] = H2Stream(
            stream_id,
            self.config,
            inbound_window_size=self.local_settings.initial_window_size,
            outbound_window_size=self.remote_settings.initial_window_size,
        )
        stream.state_machine.state = StreamState.OPEN

    def data_sent(self, stream_id: int, size: int) -> None:
        """DATA of `size` goes out; it fits the windows."""
        self.outbound_flow_control_window -= size
        self.streams[stream_id].outbound_flow_control_window -= size

    def data_received(self, stream_id: int, size: int) -> None:
        """DATA of `size` has come. Raises FlowControlError if the peer was not allowed to send as much."""
        self._inbound_flow_control_window_manager.window_consumed(size)
        self.streams[stream_id]._inbound_window_manager.window_consumed(size)

    def window_opened(self, stream_id: int, size: int) -> None:
        """The peer takes `size` more bytes, on a stream or (0) on all together. Raises FlowControlError if that is more
        than a window can be."""
        sender = self.streams[stream_id] if stream_id else self
        sender.outbound_flow_control_window = guard_increment_window(
            sender.outbound_flow_control_window, size
        )

    def write(self, frame: bytes) -> None:
        """Send a frame behind what is there to be sent."""
        self._data_to_send += frame

    def _terminate_connection(self, error_code: object) -> None:
        """h2 would send a GOAWAY that does not say why."""


class Http2Connection:
    """One HTTP/2 connection, either side.

    `receive` takes the peer's bytes, `data_to_send` gives ours. Streams are opened by `open_stream` (client) or come
    up as `headers_received` (server).
    """

    def __init__(self, listener: Http2Listener, *, client_side: bool, limits: Limits) -> None:
        self._listener = listener
        self._client_side = client_side
        self._limits = limits
        self._splitter = FrameSplitter(client_side=client_side)
        self._guard = FloodGuard(limits)
        self._streams = StreamTable(client_side=client_side)
        self._admission = Admission(
            self, listener, self._streams, self._guard, limits, client_side=client_side
        )
        self._connection_debt = 0  # bytes received that the connection's window has not been given back
        self.goaway_sent = False
        self.progressed = False  # HEADERS or DATA have been sent; for others to look at, and to take back
        self.stream_window = limits.stream_window  # of new streams, as far as the peer has agreed
        self.settings_agreed = False  # the peer knows our SETTINGS
        self._connection_window = limits.connection_window
        self.peer_max_header_list_size: int | None = None  # as the peer's SETTINGS have it
        self._encoder = RememberingEncoder()
        self._h2 = self._make_h2()
        # How many streams the peer lets us have open.
        self.peer_max_concurrent_streams: int = self._h2.remote_settings.max_concurrent_streams

    def _make_h2(self) -> _H2Connection:
        connection = _H2Connection(H2Configuration(client_side=self._client_side))
        connection.encoder = self._encoder  # h2 tells it the size of the peer's table
        connection.local_settings = h2.settings.Settings(
            client=self._client_side,
            initial_values={
                SettingCodes.INITIAL_WINDOW_SIZE: self._limits.stream_window,
                # One stream too many would end the connection in h2; we refuse it by itself.
                SettingCodes.MAX_CONCURRENT_STREAMS: MAX_STREAM_ID,
                SettingCodes.ENABLE_PUSH: 0,
            },
        )
        return connection

    # -- connection -----------------------------------------------------------------------------------------------

    def initiate(self) -> None:
        """Send the preface and our SETTINGS."""
        self._h2.initiate_connection()
        self._h2.clear_outbound_data_buffer()  # our own SETTINGS differ from those that h2 works by
        if not self._client_side:
            self._h2.receive_data(f.CLIENT_PREFACE)  # the gate has it checked by itself
        limits, write = self._limits, self._h2.write
        settings = [
            (f.INITIAL_WINDOW_SIZE, limits.stream_window),
            (f.MAX_HEADER_LIST_SIZE, limits.max_header_list_size),
        ]
        if self._client_side:
            write(f.CLIENT_PREFACE)
            settings.insert(0, (f.ENABLE_PUSH, 0))
        else:
            settings.insert(0, (f.MAX_CONCURRENT_STREAMS, limits.max_concurrent_streams))
        write(f.settings_frame(settings))
        extra = limits.connection_window - HTTP2_DEFAULT_WINDOW
        if extra:
            self._h2.increment_flow_control_window(extra)

    def data_to_send(self) -> bytes:
        """The bytes that have to go out next. A server waits with its SETTINGS until it knows that the client speaks
        HTTP/2: an HTTP/1.1 client could not read the answer that comes behind them."""
        if self._splitter.awaits_preface and not self.goaway_sent:
            return b""
        self._guard.replies_sent()
        return self._h2.data_to_send()

    def send_by_hand(self, frame: bytes) -> None:
        """Send a frame that h2 does not know of."""
        self._h2.write(frame)

    def ping(self, payload: bytes) -> None:
        """Send PING with 8 bytes of payload."""
        self._h2.ping(payload)

    def send_goaway(self, last_stream_id: int, error_code: int, debug_data: bytes = b"") -> None:
        """Announce the end. h2 is not told: it would refuse to carry the calls that are in flight."""
        # With the highest id it is the first of two: streams may still come.
        self.goaway_sent = last_stream_id < MAX_STREAM_ID
        self.send_by_hand(f.goaway_frame(last_stream_id, error_code, debug_data))

    @property
    def highest_remote_stream_id(self) -> int:
        """The newest stream that the peer opened."""
        return self._streams.highest_remote_id

    @property
    def open_stream_count(self) -> int:
        return len(self._streams.open)

    @property
    def windows(self) -> tuple[int, int]:
        """The connection's windows: how many bytes of DATA may go out, and how many the peer may send."""
        return self._h2.outbound_flow_control_window, self._h2.inbound_flow_control_window

    # -- outbound -------------------------------------------------------------------------------------------------

    def open_stream(self, headers: Sequence[HeaderField], end_stream: bool = False) -> int:
        """Open a stream (client). Returns its id."""
        stream_id = self._streams.open_local()
        self._h2.begin_stream(stream_id, outbound=True)
        self.send_headers(stream_id, headers, end_stream)
        return stream_id

    def send_headers(self, stream_id: int, headers: Sequence[HeaderField], end_stream: bool = False) -> None:
        """Send HEADERS: a request, a response head or trailers."""
        self.progressed = True
        block = self._encoder.encode(headers)
        self._h2.write(f.headers_frames(stream_id, block, self.max_data_frame, end_stream=end_stream))
        if end_stream:
            self._end_local(stream_id)

    def oversize(self, headers: Sequence[HeaderField]) -> int:
        """The size of a header list that is larger than the peer takes, as HTTP/2 counts; 0 if it is not (R30)."""
        limit = self.peer_max_header_list_size
        if limit is None:
            return 0
        size = 32 * len(headers)
        for name, value in headers:
            size += len(name) + len(value)
        return size if size > limit else 0

    @property
    def connection_send_window(self) -> int:
        """How many bytes of DATA may be sent on all streams together now."""
        return self._h2.outbound_flow_control_window

    def send_window(self, stream_id: int) -> int:
        """How many bytes of DATA may be sent on this stream now."""
        h2 = self._h2
        return min(h2.outbound_flow_control_window, h2.streams[stream_id].outbound_flow_control_window)

    @property
    def max_data_frame(self) -> int:
        """The peer's limit for one frame's payload."""
        return self._h2.max_outbound_frame_size

    def send_data(self, stream_id: int, data: bytes, end_stream: bool = False) -> None:
        """Send one DATA frame; it has to fit the window and the frame size."""
        self.progressed = True
        h2 = self._h2
        h2.data_sent(stream_id, len(data))
        h2.write(f.frame(f.DATA, f.END_STREAM if end_stream else 0, stream_id, data))
        if end_stream:
            self._end_local(stream_id)

    def reset(self, stream_id: int, error_code: int) -> None:
        """Send RST_STREAM, unless the stream is over."""
        if self._streams.open.pop(stream_id, None) is None:
            return
        self._remember_reset(stream_id)
        self.send_by_hand(f.reset_frame(stream_id, error_code))

    def _remember_reset(self, stream_id: int) -> None:
        stream = self._h2.streams.pop(stream_id, None)
        granted = self._limits.stream_window if stream is None else stream.inbound_flow_control_window
        self._streams.remember_reset(stream_id, granted)

    def count_refusal(self) -> None:
        """A request was answered without becoming a call. Raises ConnectionFault if too many such answers wait."""
        self._guard.count_reply()

    def open_stream_window(self, stream_id: int, size: int) -> None:
        """Let the peer send `size` more bytes on this stream."""
        stream = self._streams.open.get(stream_id)
        if stream is not None and not stream.remote_ended:
            self._h2.increment_flow_control_window(size, stream_id)

    def open_connection_window(self, size: int) -> None:
        """Give `size` received bytes back to the connection's window; small amounts are saved up."""
        self._connection_debt += size
        if self._connection_debt >= self._connection_window // 4:
            self._h2.increment_flow_control_window(self._connection_debt)
            self._connection_debt = 0

    def set_stream_window(self, size: int) -> None:
        """Let the peer send `size` bytes ahead on each stream, from when it has agreed."""
        self.settings_agreed = False
        self._h2.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: size})

    def grow_connection_window(self, size: int) -> None:
        """Let the peer send `size` bytes ahead at least on all streams together."""
        if size > self._connection_window:
            self._h2.increment_flow_control_window(size - self._connection_window)
            self._connection_window = size

    def _end_local(self, stream_id: int) -> None:
        stream = self._streams.open.get(stream_id)
        if stream is not None:
            stream.local_ended = True
            self._forget_if_over(stream_id, stream)

    def _forget_if_over(self, stream_id: int, stream: Stream) -> None:
        if stream.is_over:
            self._streams.open.pop(stream_id, None)
            self._h2.streams.pop(stream_id, None)

    # -- inbound --------------------------------------------------------------------------------------------------

    def receive(self, data: bytes, now: float) -> None:
        """Take bytes from the peer and tell the listener. Raises ConnectionFault; then nothing more can be received,
        and what `data_to_send` gives ends with a GOAWAY."""
        try:
            for frame in self._splitter.feed(data):
                self._admission.admit(frame, now)
        except ConnectionFault as fault:
            self.send_goaway(self._streams.highest_remote_id, fault.error_code, fault.reason.encode())
            if fault.farewell:
                self._h2.clear_outbound_data_buffer()
                self._h2.write(fault.farewell)
            raise

    def open_remote(self, stream_id: int) -> None:
        """A client's stream is admitted."""
        self._h2.begin_stream(stream_id, outbound=False)

    def take_headers(self, stream_id: int, stream: Stream, block: HeaderBlock, end_stream: bool) -> None:
        """HEADERS came that are allowed to."""
        stream.headers_received = True
        if end_stream:
            self._end_remote(stream_id, stream)
        self._listener.headers_received(stream_id, block, end_stream)

    def take_data(
        self, stream_id: int, stream: Stream, data: bytes, flow_size: int, end_stream: bool
    ) -> None:
        """DATA came that is allowed to. Raises ConnectionFault if it does not fit the windows."""
        try:
            self._h2.data_received(stream_id, flow_size)
        except h2.exceptions.FlowControlError as error:
            raise ConnectionFault(Http2Error.FLOW_CONTROL_ERROR, str(error)) from error
        if end_stream:
            self._end_remote(stream_id, stream)
        self._listener.data_received(stream_id, data, flow_size, end_stream)

    def take_window_update(self, stream_id: int, size: int) -> None:
        """WINDOW_UPDATE came, for an open stream or (0) for the connection. Raises ConnectionFault."""
        try:
            self._h2.window_opened(stream_id, size)
        except h2.exceptions.FlowControlError as error:
            if not stream_id:
                raise ConnectionFault(Http2Error.FLOW_CONTROL_ERROR, str(error)) from error
            self._admission.fault(stream_id, "FLOW_CONTROL_ERROR", Http2Error.FLOW_CONTROL_ERROR)
            self.reset(stream_id, Http2Error.FLOW_CONTROL_ERROR)  # if there was no call to do it
        else:
            self._listener.window_opened(stream_id)

    def _end_remote(self, stream_id: int, stream: Stream) -> None:
        stream.remote_ended = True
        self._forget_if_over(stream_id, stream)

    def pass_to_h2(self, raw: bytes) -> None:
        """Let h2 take the bytes of one frame, and act on what it makes of it. Raises ConnectionFault."""
        try:
            events = self._h2.receive_data(raw)
        except h2.exceptions.ProtocolError as error:
            code = Http2Error(int(error.error_code))
            raise ConnectionFault(code, str(error) or type(error).__name__) from error
        for event in events:
            handler = _HANDLERS.get(type(event))
            if handler is not None:
                handler(self, event)

    # -- h2's events ----------------------------------------------------------------------------------------------

    def _on_reset(self, event: Any) -> None:
        if self._streams.open.pop(event.stream_id, None) is None:
            return
        self._h2.streams.pop(event.stream_id, None)
        self._streams.remember_peers_reset(event.stream_id)
        self._listener.stream_reset(event.stream_id, int(event.error_code))

    def _on_settings(self, event: Any) -> None:
        settings = self._h2.remote_settings
        self.peer_max_header_list_size = settings.max_header_list_size
        self.peer_max_concurrent_streams = settings.max_concurrent_streams
        self._listener.settings_received()
        self._listener.window_opened(0)  # the initial window may have changed

    def _on_settings_acknowledged(self, event: Any) -> None:
        # Not earlier: half of a window that the peer does not know of could be more than the whole of what it knows.
        self.stream_window = self._h2.local_settings.initial_window_size
        self.settings_agreed = True
        self._listener.settings_acknowledged()

    def _on_ping(self, event: Any) -> None:
        self._listener.ping_received()

    def _on_ping_ack(self, event: Any) -> None:
        self._listener.ping_acknowledged(event.ping_data)


_HANDLERS: dict[type, Callable[[Http2Connection, Any], None]] = {
    h2.events.StreamReset: Http2Connection._on_reset,
    h2.events.RemoteSettingsChanged: Http2Connection._on_settings,
    h2.events.SettingsAcknowledged: Http2Connection._on_settings_acknowledged,
    h2.events.PingReceived: Http2Connection._on_ping,
    h2.events.PingAckReceived: Http2Connection._on_ping_ack,
}
