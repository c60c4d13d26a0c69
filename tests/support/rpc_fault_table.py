"""What can go wrong on a call, and what its caller has to be told."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from barewire.rpc.status import Http2Error

from .rpc_raw_peer import HEAD, OK, RawPeer, changed, envelope
from .rpc_scripted_server import CLOSE

# R41, R42: what RST_STREAM means.
RESET_CODES = {
    **dict.fromkeys(Http2Error, "INTERNAL"),
    Http2Error.REFUSED_STREAM: "UNAVAILABLE",
    Http2Error.CANCEL: "CANCELLED",
    Http2Error.ENHANCE_YOUR_CALM: "RESOURCE_EXHAUSTED",
    Http2Error.INADEQUATE_SECURITY: "PERMISSION_DENIED",
    0x77: "INTERNAL",
}

MESSAGE = b"\x0a\x08" + bytes(8)  # field 1, eight bytes

Frames = Callable[[RawPeer, int], Iterable[Any]]


def nothing(peer: RawPeer, stream: int) -> list[Any]:
    return []


def head(peer: RawPeer, stream: int) -> list[Any]:
    return [peer.headers(stream, HEAD)]


def half_a_message(peer: RawPeer, stream: int) -> list[Any]:
    return [*head(peer, stream), peer.data(stream, envelope(MESSAGE)[:7])]


def one_message(peer: RawPeer, stream: int) -> list[Any]:
    return [*head(peer, stream), peer.data(stream, envelope(b""))]


PHASES: dict[str, Frames] = {
    "before-headers": nothing,
    "after-headers": head,
    "mid-message": half_a_message,
    "after-the-last-message": one_message,
}


class Fault(NamedTuple):
    """`code` and `says` are what the call ends with: a status, and a part of its message."""

    name: str
    rule: int
    frames: Frames
    code: str
    says: str


def _with_trailers(*trailers: tuple[bytes, bytes]) -> Frames:
    return lambda peer, stream: [*one_message(peer, stream), peer.headers(stream, list(trailers), True)]


def _with_head(**changes: bytes | None) -> Frames:
    return lambda peer, stream: [
        peer.headers(stream, changed(HEAD, **changes)),
        peer.data(stream, envelope(b"")),
        peer.headers(stream, OK, True),
    ]


def _with_body(body: bytes, *, trailers: bool = True) -> Frames:
    def frames(peer: RawPeer, stream: int) -> list[Any]:
        frames = [*head(peer, stream), peer.data(stream, body, not trailers)]
        return [*frames, peer.headers(stream, OK, True)] if trailers else frames

    return frames


FAULTS = [
    Fault("no trailers", 20, _with_body(envelope(b""), trailers=False), "INTERNAL", "without trailers"),
    Fault("trailers without grpc-status", 20, _with_trailers((b"k", b"v")), "UNKNOWN", "without grpc-status"),
    Fault("status abc", 13, _with_trailers((b"grpc-status", b"abc")), "UNKNOWN", "grpc-status was 'abc'"),
    Fault("empty status", 13, _with_trailers((b"grpc-status", b"")), "UNKNOWN", "grpc-status was ''"),
    Fault("status -1", 13, _with_trailers((b"grpc-status", b"-1")), "UNKNOWN", "grpc-status was '-1'"),
    Fault("status 1e1", 13, _with_trailers((b"grpc-status", b"1e1")), "UNKNOWN", "grpc-status was '1e1'"),
    Fault("status 10**40", 13, _with_trailers((b"grpc-status", b"1" * 41)), "UNKNOWN", "grpc-status was"),
    Fault("status 99", 13, _with_trailers((b"grpc-status", b"99")), "UNKNOWN", "99"),
    Fault(
        "bad percent-encoding",
        15,
        _with_trailers((b"grpc-status", b"5"), (b"grpc-message", b"a%zz%E4%b")),
        "NOT_FOUND",
        "a%zz",
    ),
    Fault(
        "bad base64 in trailers",
        31,
        _with_trailers((b"grpc-status", b"0"), (b"x-bin", b"!!")),
        "INTERNAL",
        "malformed trailers",
    ),
    Fault("bad base64 in the head", 31, _with_head(x_bin=b"!!"), "INTERNAL", "x-bin"),
    Fault("unknown encoding", 53, _with_head(grpc_encoding=b"zstd"), "INTERNAL", "zstd"),
    Fault("content-type html", 43, _with_head(content_type=b"text/html"), "UNKNOWN", "text/html"),
    Fault("HTTP 503", 43, _with_head(_status=b"503"), "UNAVAILABLE", "503"),
    Fault("flag byte 2", 8, _with_body(envelope(b"", 2)), "INTERNAL", "flag byte 2"),
    Fault("flag byte 1 without encoding", 52, _with_body(envelope(b"", 1)), "INTERNAL", "grpc-encoding"),
    Fault("the length says more", 50, _with_body(envelope(bytes(9))[:9]), "INTERNAL", "middle of a message"),
    Fault("the length says less", 50, _with_body(envelope(b"") + b"\x09" * 9), "INTERNAL", "flag byte 9"),
    Fault("the length says 4 GiB", 47, _with_body(b"\0\xff\xff\xff\xff"), "RESOURCE_EXHAUSTED", "4294967295"),
    Fault("two messages", 46, _with_body(envelope(b"") * 2), "UNIMPLEMENTED", "second"),
    Fault("no message", 46, _with_body(b""), "UNIMPLEMENTED", "without a response"),
    Fault(
        "headers twice",
        16,
        lambda peer, stream: [*head(peer, stream), *head(peer, stream)],
        "INTERNAL",
        "second HEADERS",
    ),
    Fault(
        "DATA first",
        50,
        lambda peer, stream: [peer.data(stream, envelope(b""))],
        "INTERNAL",
        "DATA before HEADERS",
    ),
    Fault(
        "malformed field name",
        5,
        lambda peer, stream: [peer.headers(stream, [*HEAD, (b"UPPER", b"")])],
        "INTERNAL",
        "UPPER",
    ),
    Fault(
        "an interrupted header block",
        75,
        lambda peer, stream: [
            _unended(peer, stream),
            peer.data(stream, envelope(b"")),
        ],
        "UNAVAILABLE",
        "header block was interrupted",
    ),
    Fault(
        "a frame that is too large",
        75,
        lambda peer, stream: [peer.data(stream, bytes(20_000))],
        "UNAVAILABLE",
        "FRAME_SIZE_ERROR",
    ),
    Fault("closed", 44, lambda peer, stream: [CLOSE], "UNAVAILABLE", "was lost"),
    Fault(
        "closed in the middle",
        44,
        lambda peer, stream: [*half_a_message(peer, stream), CLOSE],
        "UNAVAILABLE",
        "was lost",
    ),
    Fault(
        "GOAWAY, then closed",
        60,
        lambda peer, stream: [peer.goaway(stream, 2, b"tired"), CLOSE],
        "UNAVAILABLE",
        "was lost",
    ),
    Fault(
        "GOAWAY before the call",
        60,
        lambda peer, stream: [peer.goaway(0, 0, b"max_age"), CLOSE],
        "UNAVAILABLE",
        "max_age",
    ),
]

# What a peer may say too much, or too late; the call ends well.
HARMLESS: dict[str, Frames] = {
    "DATA after END_STREAM": lambda peer, stream: [
        *one_message(peer, stream),
        peer.headers(stream, OK, True),
        peer.data(stream, b"late"),
    ],
    "trailers twice": lambda peer, stream: [
        *one_message(peer, stream),
        peer.headers(stream, OK, True),
        peer.headers(stream, [(b"grpc-status", b"5")], True),
    ],
    "RST_STREAM after the trailers": lambda peer, stream: [
        *one_message(peer, stream),
        peer.headers(stream, OK, True),
        peer.reset(stream, 2),
    ],
    "grpc-status twice": _with_trailers((b"grpc-status", b"0"), (b"grpc-status", b"5")),
    "grpc-status in the head": _with_head(grpc_status=b"5"),
    "GOAWAY before the response": lambda peer, stream: [
        peer.goaway(stream),
        *one_message(peer, stream),
        peer.headers(stream, OK, True),
    ],
    "GOAWAY within the response": lambda peer, stream: [
        *half_a_message(peer, stream),
        peer.goaway(2**31 - 1),
        peer.goaway(stream),
        peer.data(stream, envelope(MESSAGE)[7:]),
        peer.headers(stream, OK, True),
    ],
    "padding everywhere": lambda peer, stream: [
        peer.headers(stream, HEAD, padding=200),
        peer.data(stream, envelope(b""), padding=255),
        peer.headers(stream, OK, True, padding=1),
    ],
}


def _unended(peer: RawPeer, stream: int) -> Any:
    frame = peer.headers(stream, HEAD)
    frame.flags.discard("END_HEADERS")
    return frame
