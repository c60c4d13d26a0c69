"""What becomes of a frame that has come: the rules of the gate.

h2 answers most faults of a peer by closing the connection. Here they are told apart: what one stream did wrong costs
that stream, what was on its way when a stream ended costs nothing, and all that is answered without a call is counted.
"""

from __future__ import annotations

from typing import Protocol

import hpack

from . import frames as f
from .gate import ConnectionFault, FloodGuard, HeaderBlockAssembler, InboundFrame
from .header_blocks import HeaderBlock, RememberingDecoder
from .limits import HTTP2_DEFAULT_WINDOW, Limits
from .status import Http2Error
from .streams import MAX_STREAM_ID, Stream, StreamTable


class AdmissionListener(Protocol):
    """Who is told what never reaches h2."""

    def informational_received(self, stream_id: int) -> None: ...
    def stream_faulted(self, stream_id: int, reason: str, error_code: int) -> None: ...
    def goaway_received(self, last_stream_id: int, error_code: int, debug_data: bytes) -> None: ...


class AdmissionTarget(Protocol):
    """Where frames go on to."""

    @property
    def goaway_sent(self) -> bool: ...
    def pass_to_h2(self, raw: bytes) -> None: ...
    def open_remote(self, stream_id: int) -> None: ...
    def take_headers(self, stream_id: int, stream: Stream, block: HeaderBlock, end_stream: bool) -> None: ...
    def take_data(
        self, stream_id: int, stream: Stream, data: bytes, flow_size: int, end_stream: bool
    ) -> None: ...
    def take_window_update(self, stream_id: int, size: int) -> None: ...
    def send_by_hand(self, frame: bytes) -> None: ...
    def reset(self, stream_id: int, error_code: int) -> None: ...


class Admission:
    """The gatekeeper of one connection."""

    def __init__(
        self,
        http2: AdmissionTarget,
        listener: AdmissionListener,
        streams: StreamTable,
        guard: FloodGuard,
        limits: Limits,
        *,
        client_side: bool,
    ) -> None:
        self._http2 = http2
        self._listener = listener
        self._streams = streams
        self._guard = guard
        self._limits = limits
        self._client_side = client_side
        self._blocks = HeaderBlockAssembler(limits)
        self._decoder = RememberingDecoder()
        self._now = 0.0
        self._window_owed = 0  # bytes that the connection's window has not been given back

    def admit(self, frame: InboundFrame, now: float) -> None:
        """Act on one frame. Raises ConnectionFault."""
        self._now = now
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
        stream = self._streams.open.get(stream_id)
        if stream is None:
            if self._streams.has_been(stream_id):
                self._drop_late_data(frame)
            else:
                self._http2.pass_to_h2(frame.raw)  # idle, or stream 0: h2 says what is wrong
            return
        if stream.remote_ended or not stream.headers_received:
            if stream.remote_ended:
                self.fault(stream_id, "DATA after END_STREAM", Http2Error.STREAM_CLOSED)
            else:
                self.fault(stream_id, "DATA before HEADERS")
            self._drop_late_data(frame)
            return
        payload, flags = frame.payload, frame.flags
        end_stream = bool(flags & f.END_STREAM)
        flow_size = len(payload)
        if not flow_size and not end_stream:
            self._guard.count_control(self._now)
        data = f.without_padding(payload) if flags & f.PADDED else payload
        if data is None:
            raise ConnectionFault(Http2Error.PROTOCOL_ERROR, "DATA with more padding than it holds")
        self._http2.take_data(stream_id, stream, data, flow_size, end_stream)

    def fault(self, stream_id: int, reason: str, error_code: Http2Error = Http2Error.PROTOCOL_ERROR) -> None:
        """The peer broke the rules of one stream. It gets that stream reset, but not too many of them: a reset frees
        the stream, while the work that it has caused may go on."""
        self._guard.count_reset(self._now)
        self._listener.stream_faulted(stream_id, reason, error_code)

    def _admit_other(self, frame: InboundFrame) -> None:
        kind, stream_id = frame.kind, frame.stream_id
        if kind == f.GOAWAY:
            self._take_goaway(frame)
            return
        known = not stream_id or stream_id in self._streams.open
        if known and kind == f.WINDOW_UPDATE and (size := f.window_increment(frame.payload)):
            self._http2.take_window_update(stream_id, size)
            return
        late = not known and self._streams.has_been(stream_id)
        if late:
            _check_form(frame)  # a race excuses the frame, not its form
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
            self._http2.pass_to_h2(f.frame(f.SETTINGS, frame.flags, 0, payload))
            return
        self._http2.pass_to_h2(frame.raw)

    def _drop_late_data(self, frame: InboundFrame) -> None:
        size = len(frame.raw) - f.FRAME_HEADER_SIZE
        if not self._streams.take_late_data(frame.stream_id, size):
            self._guard.count_control(self._now)
        # The peer has counted these bytes, h2 has not seen them: give them back without h2.
        self._window_owed += size
        if self._window_owed >= HTTP2_DEFAULT_WINDOW // 4:
            self._http2.send_by_hand(f.window_update_frame(0, self._window_owed))
            self._window_owed = 0
        self._refuse_late(frame.stream_id)

    def _refuse_late(self, stream_id: int) -> None:
        if not self._streams.was_reset_here(stream_id):  # then the peer knew better
            self._guard.count_reset(self._now)
            self._http2.send_by_hand(f.reset_frame(stream_id, Http2Error.STREAM_CLOSED))

    def _admit_block(self, stream_id: int, flags: int, block: bytes) -> None:
        # Every block has to be decoded, or the next ones cannot be (RFC 7541, section 2.2).
        fields = self._decode(block)
        stream = self._streams.open.get(stream_id)
        end_stream = bool(flags & f.END_STREAM)
        if stream is None and self._streams.has_been(stream_id):
            self._guard.count_control(self._now)
            if self._streams.was_ended_by_peer(stream_id):  # nothing can have crossed on the way
                reason = f"HEADERS on stream {stream_id}, which the peer has ended or passed over"
                raise ConnectionFault(Http2Error.STREAM_CLOSED, reason)
            self._refuse_late(stream_id)
            return
        if stream is None:
            stream = self._open_remote(stream_id)
            if stream is None:
                return
        if stream.remote_ended:
            self.fault(stream_id, "HEADERS after END_STREAM", Http2Error.STREAM_CLOSED)
        elif stream.headers_received and not end_stream:
            self.fault(stream_id, "second HEADERS frame without END_STREAM")
        elif self._client_side and _is_informational(fields):
            self._take_informational(stream_id, end_stream)
        else:
            self._http2.take_headers(stream_id, stream, fields, end_stream)

    def _open_remote(self, stream_id: int) -> Stream | None:
        """The stream that a client opens; None if it is refused."""
        if self._client_side:
            reason = f"the server sent HEADERS on stream {stream_id}, which is not open"
            raise ConnectionFault(Http2Error.PROTOCOL_ERROR, reason)
        stream = self._streams.open_remote(stream_id)
        if len(self._streams.open) > self._limits.max_concurrent_streams or self._http2.goaway_sent:
            self._refuse_stream(stream_id)
            return None
        self._http2.open_remote(stream_id)
        return stream

    def _take_informational(self, stream_id: int, end_stream: bool) -> None:
        self._guard.count_control(self._now)
        if end_stream:
            self.fault(stream_id, "1xx response with END_STREAM")
        else:
            self._listener.informational_received(stream_id)

    def _refuse_stream(self, stream_id: int) -> None:
        """REFUSED_STREAM tells the client that nothing has happened and that it may try again."""
        self._guard.count_reset(self._now)
        self._http2.reset(stream_id, Http2Error.REFUSED_STREAM)

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
        last_stream_id = int.from_bytes(payload[:4], "big") & MAX_STREAM_ID
        self._listener.goaway_received(last_stream_id, int.from_bytes(payload[4:8], "big"), payload[8:])


_SIZES = {f.PRIORITY: 5, f.RST_STREAM: 4, f.WINDOW_UPDATE: 4}


def _check_form(frame: InboundFrame) -> None:
    """What h2 would check. Raises ConnectionFault."""
    payload = frame.payload
    if len(payload) != _SIZES.get(frame.kind, len(payload)):
        reason = f"frame of type {frame.kind} with {len(payload)} bytes instead of {_SIZES[frame.kind]}"
        raise ConnectionFault(Http2Error.FRAME_SIZE_ERROR, reason)
    if frame.kind == f.WINDOW_UPDATE and not f.window_increment(payload):
        raise ConnectionFault(Http2Error.PROTOCOL_ERROR, "WINDOW_UPDATE by 0")


def _is_informational(block: HeaderBlock) -> bool:
    first = block.fields[0] if block.fields else (b"", b"")
    return first[0] == b":status" and len(first[1]) == 3 and first[1].startswith(b"1")
