"""HTTP/2 frames as bytes (RFC 9113, sections 4 and 6): what the gate reads and writes itself."""

from __future__ import annotations

import struct
from collections.abc import Iterable

CLIENT_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
FRAME_HEADER_SIZE = 9
_pack_header = struct.Struct(">HBBBL").pack  # the size has three bytes
MAX_FRAME_SIZE = 16_384  # what we accept, and advertise by not saying otherwise

DATA = 0x0
HEADERS = 0x1
PRIORITY = 0x2
RST_STREAM = 0x3
SETTINGS = 0x4
PUSH_PROMISE = 0x5
PING = 0x6
GOAWAY = 0x7
WINDOW_UPDATE = 0x8
CONTINUATION = 0x9

END_STREAM = 0x1
ACK = 0x1
END_HEADERS = 0x4
PADDED = 0x8
HAS_PRIORITY = 0x20

# SETTINGS identifiers
HEADER_TABLE_SIZE = 0x1
ENABLE_PUSH = 0x2
MAX_CONCURRENT_STREAMS = 0x3
INITIAL_WINDOW_SIZE = 0x4
MAX_FRAME_SIZE_SETTING = 0x5
MAX_HEADER_LIST_SIZE = 0x6
_KNOWN_SETTINGS = frozenset(
    (
        HEADER_TABLE_SIZE,
        ENABLE_PUSH,
        MAX_CONCURRENT_STREAMS,
        INITIAL_WINDOW_SIZE,
        MAX_FRAME_SIZE_SETTING,
        MAX_HEADER_LIST_SIZE,
    )
)


def frame(kind: int, flags: int, stream_id: int, payload: bytes = b"") -> bytes:
    """One frame."""
    size = len(payload)
    return _pack_header(size >> 8, size & 0xFF, kind, flags, stream_id) + payload


def goaway_frame(last_stream_id: int, error_code: int, debug_data: bytes = b"") -> bytes:
    """GOAWAY: no stream above `last_stream_id` is going to be handled."""
    return frame(GOAWAY, 0, 0, last_stream_id.to_bytes(4, "big") + error_code.to_bytes(4, "big") + debug_data)


def settings_frame(settings: Iterable[tuple[int, int]]) -> bytes:
    """SETTINGS with the given (identifier, value) pairs."""
    return frame(SETTINGS, 0, 0, b"".join(k.to_bytes(2, "big") + v.to_bytes(4, "big") for k, v in settings))


def without_unknown_settings(payload: bytes) -> bytes:
    """A SETTINGS payload with only what this RFC defines: the rest has to be ignored, and would be kept otherwise."""
    pairs = (payload[i : i + 6] for i in range(0, len(payload), 6))
    return b"".join(pair for pair in pairs if int.from_bytes(pair[:2], "big") in _KNOWN_SETTINGS)


def headers_frames(stream_id: int, block: bytes, max_size: int, *, end_stream: bool) -> bytes:
    """A header block as HEADERS, and as many CONTINUATION frames as the peer's limit asks for."""
    flags = END_STREAM if end_stream else 0
    if len(block) <= max_size:
        return frame(HEADERS, flags | END_HEADERS, stream_id, block)
    parts = [block[start : start + max_size] for start in range(0, len(block), max_size)]
    between = b"".join(frame(CONTINUATION, 0, stream_id, part) for part in parts[1:-1])
    return (
        frame(HEADERS, flags, stream_id, parts[0])
        + between
        + frame(CONTINUATION, END_HEADERS, stream_id, parts[-1])
    )


def reset_frame(stream_id: int, error_code: int) -> bytes:
    """RST_STREAM."""
    return frame(RST_STREAM, 0, stream_id, error_code.to_bytes(4, "big"))


def window_update_frame(stream_id: int, increment: int) -> bytes:
    """WINDOW_UPDATE."""
    return frame(WINDOW_UPDATE, 0, stream_id, increment.to_bytes(4, "big"))


def window_increment(payload: bytes) -> int:
    """How much a WINDOW_UPDATE opens a window; 0 if it is malformed."""
    return int.from_bytes(payload, "big") & 0x7FFFFFFF if len(payload) == 4 else 0


def header_block_fragment(flags: int, payload: bytes) -> bytes | None:
    """The part of a HEADERS payload that is header block, without padding and priority; None if it is malformed."""
    start, end = 0, len(payload)
    if flags & PADDED:
        if not payload:
            return None
        start, end = 1, end - payload[0]
    if flags & HAS_PRIORITY:
        start += 5
    return payload[start:end] if start <= end else None


def without_padding(payload: bytes) -> bytes | None:
    """The content of a padded DATA payload; None if it is malformed."""
    return payload[1 : len(payload) - payload[0]] if payload and payload[0] < len(payload) else None


def dependency(flags: int, payload: bytes) -> int:
    """The stream that a well-formed HEADERS payload with priority depends on."""
    start = 1 if flags & PADDED else 0
    return int.from_bytes(payload[start : start + 4], "big") & 0x7FFFFFFF
