"""The gate in front of h2: takes inbound bytes apart into frames and decides what h2 gets to see.

It settles what h2 cannot (see DESIGN, "What h2 leaves to us"): GOAWAY in both directions, frames on streams that are
over, header blocks on streams that cannot take them, and floods. Frames pass one by one; nothing is kept of a frame but
the bytes of an incomplete one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from . import frames as f
from .limits import Limits
from .status import Http2Error


class ConnectionFault(Exception):
    """The connection cannot go on. `error_code` is for the GOAWAY; `farewell` is sent instead of it if not empty."""

    def __init__(self, error_code: Http2Error, reason: str, farewell: bytes = b"") -> None:
        super().__init__(reason)
        self.error_code = error_code
        self.reason = reason
        self.farewell = farewell


class InboundFrame(NamedTuple):
    """One whole frame; `raw` is all of it, with its header."""

    kind: int
    flags: int
    stream_id: int
    raw: bytes

    @property
    def payload(self) -> bytes:
        return self.raw[f.FRAME_HEADER_SIZE :]


_HTTP1_ANSWER = (
    b"HTTP/1.1 505 HTTP Version Not Supported\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%b"
)
_HTTP1_TEXT = b"This port speaks gRPC over HTTP/2. HTTP/1.1 requests are not answered here.\n"
_HTTP1_METHODS = (b"GET ", b"POST", b"HEAD", b"PUT ", b"OPTI", b"DELE", b"PATC", b"TRAC", b"CONN")


class FrameSplitter:
    """Bytes → frames. Checks the client's preface (on a server), the frame size and that SETTINGS come first."""

    def __init__(self, *, client_side: bool) -> None:
        self._client_side = client_side
        self._rest: bytes = b""
        self._preface_due = not client_side
        self._settings_due = True

    @property
    def awaits_preface(self) -> bool:
        """Whether the client has yet to show that it speaks HTTP/2."""
        return self._preface_due

    def feed(self, data: bytes) -> Iterator[InboundFrame]:
        """The frames that `data` completes. Raises ConnectionFault."""
        if self._rest:
            data = self._rest + data
        position = 0
        if self._preface_due:
            if not self._take_preface(data):
                self._rest = data
                return
            position = len(f.CLIENT_PREFACE)
        size = len(data)
        # Kept current while frames are handed out: if handling one raises, the rest is still there.
        while size - position >= f.FRAME_HEADER_SIZE:
            length = int.from_bytes(data[position : position + 3], "big")
            if self._settings_due:
                self._check_first(data[position:], length)
            if length > f.MAX_FRAME_SIZE:
                raise ConnectionFault(
                    Http2Error.FRAME_SIZE_ERROR, f"frame of {length} bytes; {f.MAX_FRAME_SIZE} is the limit"
                )
            end = position + f.FRAME_HEADER_SIZE + length
            if end > size:
                break
            stream_id = int.from_bytes(data[position + 5 : position + 9], "big") & 0x7FFFFFFF
            yield InboundFrame(data[position + 3], data[position + 4], stream_id, data[position:end])
            position = end
        self._rest = data[position:]

    def _take_preface(self, data: bytes) -> bool:
        expected = f.CLIENT_PREFACE
        if data[: len(expected)] == expected:
            self._preface_due = False
            return True
        if expected.startswith(data):
            return False
        if len(data) < 4 and any(method.startswith(data) for method in _HTTP1_METHODS):
            return False
        if data[:4] in _HTTP1_METHODS:
            raise ConnectionFault(
                Http2Error.HTTP_1_1_REQUIRED,
                "the client speaks HTTP/1.1; gRPC needs HTTP/2 with prior knowledge",
                _HTTP1_ANSWER % (len(_HTTP1_TEXT), _HTTP1_TEXT),
            )
        raise ConnectionFault(
            Http2Error.PROTOCOL_ERROR, "the connection does not begin with the HTTP/2 preface"
        )

    def _check_first(self, data: bytes, length: int) -> None:
        if self._client_side and data.startswith(b"HTTP/1"):
            line = data.split(b"\r\n", 1)[0][:80].decode("latin-1")
            raise ConnectionFault(
                Http2Error.PROTOCOL_ERROR, f"the server answered in HTTP/1 ({line!r}); gRPC needs HTTP/2"
            )
        if data[3] != f.SETTINGS or data[4] & f.ACK:
            raise ConnectionFault(Http2Error.PROTOCOL_ERROR, "the first frame is not SETTINGS")
        self._settings_due = False


class FloodGuard:
    """Counts what costs a peer little and us much, in periods of one second."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._period_start = float("-inf")
        self._resets = 0
        self._control_frames = 0
        self._unsent_replies = 0

    def count_reset(self, now: float) -> None:
        """One stream was reset, by the peer or for what the peer did. Raises ConnectionFault above the limit."""
        self.count_reply()
        self._turn_period(now)
        self._resets += 1
        if self._resets > self._limits.max_resets_per_second:
            raise _flood("RST_STREAM", "max_resets_per_second", self._limits.max_resets_per_second)

    def count_control(self, now: float) -> None:
        """One frame came that moves no call forward. Raises ConnectionFault above the limit."""
        self.count_reply()
        self._turn_period(now)
        self._control_frames += 1
        if self._control_frames > self._limits.max_control_frames_per_second:
            limit = self._limits.max_control_frames_per_second
            raise _flood("control frames", "max_control_frames_per_second", limit)

    def count_reply(self) -> None:
        """Something was answered outside of all calls. Raises ConnectionFault when too much of it waits to be sent: a
        peer that takes nothing may ask for no more."""
        self._unsent_replies += 1
        if self._unsent_replies > self._limits.max_unsent_replies:
            reason = f"the peer takes no answers: more than {self._limits.max_unsent_replies} wait"
            raise ConnectionFault(Http2Error.ENHANCE_YOUR_CALM, f"{reason} (max_unsent_replies)")

    def replies_sent(self) -> None:
        """What was waiting has been handed over."""
        self._unsent_replies = 0

    def _turn_period(self, now: float) -> None:
        if now - self._period_start >= 1.0:
            self._period_start = now
            self._resets = self._control_frames = 0


def _flood(what: str, name: str, limit: int) -> ConnectionFault:
    return ConnectionFault(
        Http2Error.ENHANCE_YOUR_CALM, f"flood of {what}: more than {limit} in a second ({name})"
    )


class HeaderBlockAssembler:
    """Joins HEADERS and its CONTINUATION frames to one block."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._stream_id = 0
        self._flags = 0
        self._parts: list[bytes] = []

    @property
    def is_open(self) -> bool:
        """Whether a block has begun: then nothing but its CONTINUATION may come."""
        return bool(self._stream_id)

    def begin(self, frame: InboundFrame) -> bytes | None:
        """Take HEADERS. Returns the block if this frame ends it."""
        fragment = f.header_block_fragment(frame.flags, frame.payload)
        if fragment is None or not frame.stream_id:
            raise ConnectionFault(Http2Error.PROTOCOL_ERROR, "malformed HEADERS frame")
        if frame.flags & f.HAS_PRIORITY and f.dependency(frame.flags, frame.payload) == frame.stream_id:
            reason = f"stream {frame.stream_id} depends on itself"
            raise ConnectionFault(Http2Error.PROTOCOL_ERROR, reason)
        if frame.flags & f.END_HEADERS:
            return fragment
        self._stream_id, self._flags, self._parts = frame.stream_id, frame.flags, [fragment]
        return None

    def resume(self, frame: InboundFrame) -> tuple[int, int, bytes] | None:
        """Take the frame that follows. Returns (stream id, flags of HEADERS, block) when the block is complete."""
        if frame.kind != f.CONTINUATION or frame.stream_id != self._stream_id:
            raise ConnectionFault(
                Http2Error.PROTOCOL_ERROR, "a header block was interrupted by another frame"
            )
        self._parts.append(frame.payload)
        if len(self._parts) > self._limits.max_continuation_frames:
            limit = self._limits.max_continuation_frames
            raise _flood("CONTINUATION in one block", "max_continuation_frames", limit)
        if not frame.flags & f.END_HEADERS:
            return None
        whole = (self._stream_id, self._flags, b"".join(self._parts))
        self._stream_id, self._parts = 0, []
        return whole
