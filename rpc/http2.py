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
import hpack
from h2.config import H2Configuration
from h2.settings import SettingCodes

from . import frames as f
from .gate import ConnectionFault, FloodGuard, FrameSplitter, HeaderBlockAssembler, InboundFrame
from .header_blocks import HeaderBlock, HeaderField, RememberingDecoder, RememberingEncoder
from .limits import HTTP2_DEFAULT_WINDOW, Limits
from .status import Http2Error, http2_error_name

_MAX_STREAM_ID = 2**31 - 1
_REMEMBERED_RESETS = 8192


class Http2Listener(Protocol):
    """Who is told what the peer did."""

    def headers_received(self, stream_id: int, block: HeaderBlock, end_stream: bool) -> None: ...
    def informational_received(self, stream_id: int) -> None: ...
    def data_received(self, stream_id: int, data: bytes, flow_size: int, end_stream: bool) -> None: ...
    def stream_reset(self, stream_id: int, error_code: int) -> None: ...
    def stream_faulted(self, stream_id: int, reason: str) -> None: ...
    def window_opened(self, stream_id: int) -> None: ...  # 0: the connection's, or every stream's
    def settings_received(self) -> None: ...
    def goaway_received(self, last_stream_id: int, error_code: int, debug_data: bytes) -> None: ...
    def ping_received(self) -> None: ...
    def ping_acknowledged(self, payload: bytes) -> None: ...


class _H2Connection(h2.connection.H2Connection):
    """h2 counts its streams by walking over all of them, for each stream that opens. Our own count is used instead,
    and streams that are over are taken out one by one."""

    @property
    def open_outbound_streams(self) -> int:
        return 0

    @property
    def open_inbound_streams(self) -> int:
        return 0


class _NoFields:
    """Stands where h2 has its HPACK decoder. Blocks are decoded in front of h2, and h2 sees none of their fields: it
    would close the connection for a content-length or a 1xx status that it does not like."""

    def decode(self, data: bytes, raw: bool = True) -> list[HeaderField]:
        return []


class _Stream:
    """What has to be known of a stream while it lives."""

    __slots__ = ("headers_received", "local_ended", "remote_ended")

    def __init__(self) -> None:
        self.headers_received = False
        self.local_ended = False
        self.remote_ended = False


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
        self._blocks = HeaderBlockAssembler(limits)
        self._guard = FloodGuard(limits)
        self._streams: dict[int, _Stream] = {}
        self._highest_remote_id = 0
        self._next_stream_id = 1
        # Frames may still be on their way to these, and as many bytes of DATA as the peer had been granted.
        self._reset_here: dict[int, int] = {}
        self._decoder = RememberingDecoder()
        self._block = HeaderBlock([])  # of the HEADERS that h2 is looking at
        self._out: list[bytes] = []
        self._now = 0.0
        self._connection_debt = 0  # bytes received that the connection's window has not been given back
        self._window_owed_by_hand = 0
        self._goaway_sent = False
        self._h2 = self._make_h2()

    def _make_h2(self) -> _H2Connection:
        config = H2Configuration(
            client_side=self._client_side,
            header_encoding=None,
            validate_inbound_headers=False,  # headers.py validates, and remembers the result
            normalize_inbound_headers=False,
            validate_outbound_headers=False,
            normalize_outbound_headers=False,
        )
        connection = _H2Connection(config)
        connection.max_inbound_frame_size = 2**24 - 1  # the gate checks; header blocks are handed over whole
        connection.encoder = RememberingEncoder()
        connection.decoder = _NoFields()  # type: ignore[assignment]
        connection.local_settings = h2.settings.Settings(
            client=self._client_side,
            initial_values={
                SettingCodes.INITIAL_WINDOW_SIZE: self._limits.stream_window,
                # One stream too many would end the connection in h2; we refuse it by itself.
                SettingCodes.MAX_CONCURRENT_STREAMS: _MAX_STREAM_ID,
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
        limits = self._limits
        settings = [
            (f.INITIAL_WINDOW_SIZE, limits.stream_window),
            (f.MAX_HEADER_LIST_SIZE, limits.max_header_list_size),
        ]
        if self._client_side:
            self._out.append(f.CLIENT_PREFACE)
            settings.insert(0, (f.ENABLE_PUSH, 0))
        else:
            settings.insert(0, (f.MAX_CONCURRENT_STREAMS, limits.max_concurrent_streams))
        self._out.append(f.settings_frame(settings))
        extra = limits.connection_window - HTTP2_DEFAULT_WINDOW
        if extra:
            self._h2.increment_flow_control_window(extra)

    def data_to_send(self) -> bytes:
        """The bytes that have to go out next. A server waits with its SETTINGS until it knows that the client speaks
        HTTP/2: an HTTP/1.1 client could not read the answer that comes behind them."""
        if self._splitter.awaits_preface and not self._goaway_sent:
            return b""
        pending = self._h2.data_to_send()
        self._guard.replies_sent()
        if not self._out:
            return pending
        self._out.append(pending)
        data = b"".join(self._out)
        self._out.clear()
        return data

    def _send_by_hand(self, frame: bytes) -> None:
        self._out.append(self._h2.data_to_send())  # keep the order
        self._out.append(frame)

    def ping(self, payload: bytes) -> None:
        """Send PING with 8 bytes of payload."""
        self._h2.ping(payload)

    def send_goaway(self, last_stream_id: int, error_code: int, debug_data: bytes = b"") -> None:
        """Announce the end. h2 is not told: it would refuse to carry the calls that are in flight."""
        self._goaway_sent = (
            last_stream_id < _MAX_STREAM_ID
        )  # else it is the first of two: streams may still come
        self._send_by_hand(f.goaway_frame(last_stream_id, error_code, debug_data))

    @property
    def highest_remote_stream_id(self) -> int:
        """The newest stream that the peer opened."""
        return self._highest_remote_id

    @property
    def open_stream_count(self) -> int:
        return len(self._streams)

    @property
    def peer_max_concurrent_streams(self) -> int:
        """How many streams the peer lets us have open."""
        return self._h2.remote_settings.max_concurrent_streams

    @property
    def peer_max_header_list_size(self) -> int | None:
        """The largest header list that the peer says it takes."""
        return self._h2.remote_settings.max_header_list_size

    # -- outbound -------------------------------------------------------------------------------------------------

    @property
    def stream_ids_left(self) -> bool:
        """Whether another stream can be opened on this connection."""
        return self._next_stream_id < _MAX_STREAM_ID

    def open_stream(self, headers: Sequence[HeaderField], end_stream: bool = False) -> int:
        """Open a stream (client). Returns its id."""
        stream_id = self._next_stream_id
        self._next_stream_id += 2
        self._streams[stream_id] = _Stream()
        self.send_headers(stream_id, headers, end_stream)
        return stream_id

    def send_headers(self, stream_id: int, headers: Sequence[HeaderField], end_stream: bool = False) -> None:
        """Send HEADERS: a request, a response head or trailers."""
        self._h2.send_headers(stream_id, headers, end_stream)
        if end_stream:
            self._end_local(stream_id)

    def send_window(self, stream_id: int) -> int:
        """How many bytes of DATA may be sent on this stream now."""
        return min(
            self._h2.outbound_flow_control_window, self._h2.streams[stream_id].outbound_flow_control_window
        )

    @property
    def max_data_frame(self) -> int:
        """The peer's limit for one frame's payload."""
        return self._h2.max_outbound_frame_size

    def send_data(self, stream_id: int, data: bytes, end_stream: bool = False) -> None:
        """Send one DATA frame; it has to fit the window and the frame size."""
        self._h2.send_data(stream_id, data, end_stream)
        if end_stream:
            self._end_local(stream_id)

    def reset(self, stream_id: int, error_code: int) -> None:
        """Send RST_STREAM, unless the stream is over."""
        if self._streams.pop(stream_id, None) is None:
            return
        self._remember_reset(stream_id)
        self._send_by_hand(f.reset_frame(stream_id, error_code))

    def _remember_reset(self, stream_id: int) -> None:
        stream = self._h2.streams.pop(stream_id, None)
        if len(self._reset_here) >= _REMEMBERED_RESETS:
            del self._reset_here[next(iter(self._reset_here))]
        granted = self._limits.stream_window if stream is None else stream.inbound_flow_control_window
        self._reset_here[stream_id] = granted

    def count_refusal(self) -> None:
        """A request was answered without becoming a call. Raises ConnectionFault if too many such answers wait."""
        self._guard.count_reply()

    def open_stream_window(self, stream_id: int, size: int) -> None:
        """Let the peer send `size` more bytes on this stream."""
        stream = self._streams.get(stream_id)
        if stream is not None and not stream.remote_ended:
            self._h2.increment_flow_control_window(size, stream_id)

    def open_connection_window(self, size: int) -> None:
        """Give `size` received bytes back to the connection's window; small amounts are saved up."""
        self._connection_debt += size
        if self._connection_debt >= self._limits.connection_window // 4:
            self._h2.increment_flow_control_window(self._connection_debt)
            self._connection_debt = 0

    def _end_local(self, stream_id: int) -> None:
        stream = self._streams.get(stream_id)
        if stream is not None:
            stream.local_ended = True
            self._forget_if_over(stream_id, stream)

    def _forget_if_over(self, stream_id: int, stream: _Stream) -> None:
        if stream.local_ended and stream.remote_ended:
            self._streams.pop(stream_id, None)
            self._h2.streams.pop(stream_id, None)

    # -- inbound --------------------------------------------------------------------------------------------------

    def receive(self, data: bytes, now: float) -> None:
        """Take bytes from the peer and tell the listener. Raises ConnectionFault; then nothing more can be received,
        and what `data_to_send` gives ends with a GOAWAY."""
        self._now = now
        try:
            for frame in self._splitter.feed(data):
                self._admit(frame)
        except ConnectionFault as fault:
            self.send_goaway(self._highest_remote_id, fault.error_code, fault.reason.encode())
            if fault.farewell:
                self._h2.clear_outbound_data_buffer()
                self._out = [fault.farewell]
            raise

    def _admit(self, frame: InboundFrame) -> None:
        if self._blocks.is_open:
            whole = self._blocks.resume(frame)
            if whole is not None:
                self._admit_block(*whole)
            return
        kind = frame.kind
        if kind == f.DATA:
            self._admit_data(frame)
            return
        if kind == f.HEADERS:
            if frame.stream_id % 2 == 0:
                raise ConnectionFault(Http2Error.PROTOCOL_ERROR, f"HEADERS on stream {frame.stream_id}")
            block = self._blocks.begin(frame)
            if block is not None:
                self._admit_block(frame.stream_id, frame.flags, block)
            return
        self._admit_other(frame)

    def _admit_data(self, frame: InboundFrame) -> None:
        stream_id = frame.stream_id
        stream = self._streams.get(stream_id)
        if stream is None:
            if self._is_over(stream_id):
                self._drop_late_data(frame)
            else:
                self._pass_to_h2(frame.raw)  # idle, or stream 0: h2 says what is wrong
            return
        if stream.remote_ended or not stream.headers_received:
            self._fault(
                stream_id, "DATA " + ("after END_STREAM" if stream.remote_ended else "before HEADERS")
            )
            self._drop_late_data(frame)
            return
        if len(frame.raw) == f.FRAME_HEADER_SIZE and not frame.flags & f.END_STREAM:
            self._guard.count_control(self._now)
        self._pass_to_h2(frame.raw)

    def _fault(self, stream_id: int, reason: str) -> None:
        """The peer broke the rules of one stream. It gets that stream reset, but not too many of them: a reset frees
        the stream, while the work that it has caused may go on."""
        self._guard.count_reset(self._now)
        self._listener.stream_faulted(stream_id, reason)

    def _admit_other(self, frame: InboundFrame) -> None:
        kind, stream_id = frame.kind, frame.stream_id
        if kind == f.GOAWAY:
            self._take_goaway(frame)
            return
        known = not stream_id or stream_id in self._streams
        late = not known and self._is_over(stream_id)
        if late and kind in (f.RST_STREAM, f.WINDOW_UPDATE):
            return  # on its way when the stream ended, as many a client's: no answer, and not counted
        if known and kind == f.RST_STREAM:
            if not self._client_side:  # a server can only end what the client has begun
                self._guard.count_reset(self._now)
        elif not known or kind != f.WINDOW_UPDATE:
            self._guard.count_control(self._now)
        if late and kind == f.PRIORITY:
            return
        if kind == f.SETTINGS and not stream_id and len(frame.payload) % 6 == 0:
            payload = f.without_unknown_settings(frame.payload)
            self._pass_to_h2(f.frame(f.SETTINGS, frame.flags, 0, payload))
            return
        self._pass_to_h2(frame.raw)

    def _is_over(self, stream_id: int) -> bool:
        """Whether a stream that is not open has been: its id is not above those used so far."""
        if self._client_side:
            return stream_id % 2 == 1 and stream_id < self._next_stream_id
        return stream_id % 2 == 1 and stream_id <= self._highest_remote_id

    def _drop_late_data(self, frame: InboundFrame) -> None:
        size = len(frame.raw) - f.FRAME_HEADER_SIZE
        granted = self._reset_here.get(frame.stream_id, 0)
        if 0 < size <= granted:  # was on its way when the stream was reset
            self._reset_here[frame.stream_id] = granted - size
        else:
            self._guard.count_control(self._now)
        # The peer has counted these bytes, h2 has not seen them: give them back without h2.
        self._window_owed_by_hand += size
        if self._window_owed_by_hand >= HTTP2_DEFAULT_WINDOW // 4:
            self._send_by_hand(f.window_update_frame(0, self._window_owed_by_hand))
            self._window_owed_by_hand = 0
        self._refuse_late(frame.stream_id)

    def _refuse_late(self, stream_id: int) -> None:
        if stream_id not in self._reset_here:  # then the peer knew better
            self._guard.count_reset(self._now)
            self._send_by_hand(f.reset_frame(stream_id, Http2Error.STREAM_CLOSED))

    def _admit_block(self, stream_id: int, flags: int, block: bytes) -> None:
        # Every block has to be decoded, or the next ones cannot be (RFC 7541, section 2.2).
        self._block = self._decode(block)
        stream = self._streams.get(stream_id)
        end_stream = flags & f.END_STREAM
        if stream is None and self._is_over(stream_id):
            self._guard.count_control(self._now)
            self._refuse_late(stream_id)
            return
        if stream is None and not self._client_side:
            stream = self._streams[stream_id] = _Stream()
            self._highest_remote_id = stream_id
            if len(self._streams) > self._limits.max_concurrent_streams or self._goaway_sent:
                self._refuse_stream(stream_id)
                return
        if stream is not None and stream.remote_ended:
            self._fault(stream_id, "HEADERS after END_STREAM")
        elif stream is not None and stream.headers_received and not end_stream:
            self._fault(stream_id, "second HEADERS frame without END_STREAM")
        elif self._client_side and stream is not None and _is_informational(self._block):
            self._take_informational(stream_id, bool(end_stream))
        else:
            self._pass_to_h2(f.frame(f.HEADERS, end_stream | f.END_HEADERS, stream_id))

    def _take_informational(self, stream_id: int, end_stream: bool) -> None:
        self._guard.count_control(self._now)
        if end_stream:
            self._fault(stream_id, "1xx response with END_STREAM")
        else:
            self._listener.informational_received(stream_id)

    def _refuse_stream(self, stream_id: int) -> None:
        """REFUSED_STREAM tells the client that nothing has happened and that it may try again."""
        self._guard.count_reset(self._now)
        self.reset(stream_id, Http2Error.REFUSED_STREAM)

    def _decode(self, block: bytes) -> HeaderBlock:
        try:
            return self._decoder.decode_block(block)
        except hpack.OversizedHeaderListError as error:
            raise ConnectionFault(Http2Error.ENHANCE_YOUR_CALM, f"header block: {error}") from error
        except hpack.HPACKError as error:
            raise ConnectionFault(Http2Error.COMPRESSION_ERROR, f"header block: {error}") from error

    def _take_goaway(self, frame: InboundFrame) -> None:
        payload = frame.payload
        if frame.stream_id or len(payload) < 8:
            raise ConnectionFault(Http2Error.PROTOCOL_ERROR, "malformed GOAWAY frame")
        self._guard.count_control(self._now)
        last_stream_id = int.from_bytes(payload[:4], "big") & _MAX_STREAM_ID
        self._listener.goaway_received(last_stream_id, int.from_bytes(payload[4:8], "big"), payload[8:])

    def _pass_to_h2(self, raw: bytes) -> None:
        connection = self._h2
        try:
            events = connection.receive_data(raw)
        except h2.exceptions.ProtocolError as error:
            connection.clear_outbound_data_buffer()  # its GOAWAY; ours says why
            code = Http2Error(int(error.error_code))
            raise ConnectionFault(code, str(error) or type(error).__name__) from error
        for event in events:
            handler = _HANDLERS.get(type(event))
            if handler is not None:
                handler(self, event)

    # -- h2's events ----------------------------------------------------------------------------------------------

    def _on_headers(self, event: Any) -> None:
        stream = self._streams.get(event.stream_id)
        if stream is None:
            return
        stream.headers_received = True
        end_stream = event.stream_ended is not None
        if end_stream:
            stream.remote_ended = True
            self._forget_if_over(event.stream_id, stream)
        self._listener.headers_received(event.stream_id, self._block, end_stream)

    def _on_data(self, event: Any) -> None:
        stream = self._streams.get(event.stream_id)
        if stream is None:
            return
        end_stream = event.stream_ended is not None
        if end_stream:
            stream.remote_ended = True
            self._forget_if_over(event.stream_id, stream)
        self._listener.data_received(event.stream_id, event.data, event.flow_controlled_length, end_stream)

    def _on_reset(self, event: Any) -> None:
        if self._streams.pop(event.stream_id, None) is None:
            return
        if event.remote_reset:
            self._h2.streams.pop(event.stream_id, None)
            self._listener.stream_reset(event.stream_id, int(event.error_code))
        else:  # h2 has reset it, for a window that overflows
            self._remember_reset(event.stream_id)
            self._fault(event.stream_id, f"{http2_error_name(int(event.error_code))}")

    def _on_window(self, event: Any) -> None:
        self._listener.window_opened(event.stream_id)

    def _on_settings(self, event: Any) -> None:
        self._listener.settings_received()
        self._listener.window_opened(0)  # the initial window may have changed

    def _on_ping(self, event: Any) -> None:
        self._listener.ping_received()

    def _on_ping_ack(self, event: Any) -> None:
        self._listener.ping_acknowledged(event.ping_data)


def _is_informational(block: HeaderBlock) -> bool:
    first = block.fields[0] if block.fields else (b"", b"")
    return first[0] == b":status" and len(first[1]) == 3 and first[1].startswith(b"1")


_HANDLERS: dict[type, Callable[[Http2Connection, Any], None]] = {
    h2.events.RequestReceived: Http2Connection._on_headers,
    h2.events.ResponseReceived: Http2Connection._on_headers,
    h2.events.TrailersReceived: Http2Connection._on_headers,
    h2.events.DataReceived: Http2Connection._on_data,
    h2.events.StreamReset: Http2Connection._on_reset,
    h2.events.WindowUpdated: Http2Connection._on_window,
    h2.events.RemoteSettingsChanged: Http2Connection._on_settings,
    h2.events.PingReceived: Http2Connection._on_ping,
    h2.events.PingAckReceived: Http2Connection._on_ping_ack,
}
