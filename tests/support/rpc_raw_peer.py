"""A scripted HTTP/2 peer. It builds and reads frames with hyperframe and hpack, so that tests of our framing do not
lean on our framing, and it does what it is told, however wrong."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

import hpack
from hyperframe import frame as hf

from barewire.rpc.client_connection import ClientConnection
from barewire.rpc.connection import Connection
from barewire.rpc.events import CallEnded, CallStarted, ConnectionEnded, Event, MessageReceived
from barewire.rpc.headers import request_headers
from barewire.rpc.limits import Limits
from barewire.rpc.server_connection import ServerConnection
from barewire.rpc.status import Status

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

Fields = list[tuple[bytes, bytes]]
AnyFrame = TypeVar("AnyFrame", bound=hf.Frame)

REQUEST: Fields = [
    (b":method", b"POST"),
    (b":scheme", b"http"),
    (b":path", b"/test.Service/Method"),
    (b":authority", b"test"),
    (b"te", b"trailers"),
    (b"content-type", b"application/grpc"),
]
HEAD: Fields = [(b":status", b"200"), (b"content-type", b"application/grpc")]
OK: Fields = [(b"grpc-status", b"0")]


def envelope(payload: bytes, flag: int = 0) -> bytes:
    """A message with its prefix, made by hand."""
    return bytes((flag,)) + len(payload).to_bytes(4, "big") + payload


def changed(fields: Fields, **changes: bytes | None) -> Fields:
    """`fields` with some replaced, added, or (None) removed. In names, `_` stands for `-` and a leading `_` for `:`."""
    wanted = {name.replace("_", "-").encode(): value for name, value in changes.items()}
    wanted = {(b":" + name[1:] if name.startswith(b"-") else name): value for name, value in wanted.items()}
    kept = [(name, wanted.pop(name, value) if name in wanted else value) for name, value in fields]
    return [(name, value) for name, value in [*kept, *wanted.items()] if value is not None]


class RawPeer:
    """Talks to one core. `send` delivers frames; `frames` holds all that the core has sent since `forget`."""

    core: Connection

    def __init__(self) -> None:
        self.now = 1000.0
        self.encoder = hpack.Encoder()
        self.decoder = hpack.Decoder()
        self.decoder.max_header_list_size = 2**24
        self.frames: list[hf.Frame] = []
        self.events: list[Event] = []
        self._rest = b""
        self._block = b""

    # -- out ------------------------------------------------------------------------------------------------------

    def deliver(self, data: bytes) -> None:
        """Give the core raw bytes, and take what it has to say."""
        self.core.receive(data, self.now)
        self.take()

    def send(self, *frames: hf.Frame) -> None:
        """Give the core frames."""
        self.deliver(b"".join(frame.serialize() for frame in frames))

    def headers(
        self, stream_id: int, fields: Fields, end: bool = False, *, split: int = 0, padding: int = 0
    ) -> Any:
        """A HEADERS frame; with `split`, HEADERS and CONTINUATION frames of that size as one unknown frame."""
        block = self.encoder.encode(fields)
        flags = ["END_STREAM"] if end else []
        split = split or (16_000 if len(block) > 16_384 else 0)
        if not split:
            frame = hf.HeadersFrame(stream_id, block, flags=[*flags, "END_HEADERS"])
            if padding:
                frame.flags.add("PADDED")
                frame.pad_length = padding
            return frame
        parts = [block[i : i + split] for i in range(0, len(block), split)]
        frames: list[hf.Frame] = [hf.HeadersFrame(stream_id, parts[0], flags=flags)]
        frames += [hf.ContinuationFrame(stream_id, part) for part in parts[1:]]
        frames[-1].flags.add("END_HEADERS")
        return Joined(frames)

    @staticmethod
    def data(
        stream_id: int, payload: bytes = b"", end: bool = False, *, padding: int | None = None
    ) -> hf.Frame:
        frame = hf.DataFrame(stream_id, payload, flags=["END_STREAM"] if end else [])
        if padding is not None:
            frame.flags.add("PADDED")
            frame.pad_length = padding
        return frame

    @staticmethod
    def reset(stream_id: int, code: int = 8) -> hf.Frame:
        return hf.RstStreamFrame(stream_id, error_code=code)

    @staticmethod
    def settings(values: dict[int, int] | None = None, *, ack: bool = False) -> hf.Frame:
        return hf.SettingsFrame(0, settings=values or {}, flags=["ACK"] if ack else [])

    @staticmethod
    def ping(payload: bytes = b"12345678", *, ack: bool = False) -> hf.Frame:
        return hf.PingFrame(0, opaque_data=payload, flags=["ACK"] if ack else [])

    @staticmethod
    def window(stream_id: int, increment: int) -> hf.Frame:
        return hf.WindowUpdateFrame(stream_id, window_increment=increment)

    @staticmethod
    def goaway(last_stream_id: int, code: int = 0, debug: bytes = b"") -> hf.Frame:
        return hf.GoAwayFrame(0, last_stream_id=last_stream_id, error_code=code, additional_data=debug)

    # -- in -------------------------------------------------------------------------------------------------------

    def pass_time(self, seconds: float) -> int:
        """Let time pass; timers fire as they become due. Returns how many PINGs the core has sent meanwhile."""
        before = len(self.of(hf.PingFrame))
        until = self.now + seconds
        while (due := self.core.next_timer()) is not None and due <= until:
            self.now = max(self.now, due)
            self.core.handle_timer(self.now)
            self.take()
        self.now = until
        return len(self.of(hf.PingFrame)) - before

    def take(self) -> list[hf.Frame]:
        """Take what the core has to say; returns the new frames. HEADERS come with their decoded `fields`."""
        while data := self.core.data_to_send(self.now):
            self._rest += data
        self.events += self.core.take_events()
        if self._rest.startswith(PREFACE):
            self._rest = self._rest[len(PREFACE) :]
        new: list[hf.Frame] = []
        while len(self._rest) >= 9 and not self._rest.startswith(b"HTTP/"):
            frame, length = hf.Frame.parse_frame_header(memoryview(self._rest[:9]))
            assert len(self._rest) >= 9 + length, "the core handed out half a frame"
            frame.parse_body(memoryview(self._rest[9 : 9 + length]))
            self._rest = self._rest[9 + length :]
            if isinstance(frame, hf.HeadersFrame | hf.ContinuationFrame):
                self._block += frame.data
                if "END_HEADERS" in frame.flags:
                    fields = self.decoder.decode(self._block, raw=True)
                    self._block = b""
                    opening = next((f for f in [*new, frame] if isinstance(f, hf.HeadersFrame)), frame)
                    target: Any = frame if isinstance(frame, hf.HeadersFrame) else opening
                    target.fields = [(bytes(name), bytes(value)) for name, value in fields]
            new.append(frame)
        self.frames += new
        return new

    @property
    def text(self) -> bytes:
        """What came that is no HTTP/2."""
        return self._rest

    def forget(self) -> None:
        """Forget the frames and events so far."""
        self.frames.clear()
        self.events.clear()

    def of(self, kind: type[AnyFrame], stream_id: int | None = None) -> list[AnyFrame]:
        """The frames of one kind that the core has sent."""
        return [
            frame for frame in self.frames if isinstance(frame, kind) and stream_id in (None, frame.stream_id)
        ]

    def fields(self, stream_id: int) -> list[Fields]:
        """The decoded header lists that came on a stream."""
        return [frame.fields for frame in self.of(hf.HeadersFrame, stream_id)]  # type: ignore[attr-defined]

    def trailers(self, stream_id: int) -> dict[bytes, bytes]:
        """The last header list of a stream, as a dict."""
        return dict(self.fields(stream_id)[-1])

    def body(self, stream_id: int) -> bytes:
        return b"".join(frame.data for frame in self.of(hf.DataFrame, stream_id))

    def resets(self, stream_id: int | None = None) -> list[int]:
        """The error codes of the RST_STREAM frames that came."""
        return [frame.error_code for frame in self.of(hf.RstStreamFrame, stream_id)]

    def goaways(self) -> list[tuple[int, int, bytes]]:
        """(last stream id, error code, debug data) of the GOAWAY frames that came."""
        return [(f.last_stream_id, f.error_code, f.additional_data) for f in self.of(hf.GoAwayFrame)]

    def endings(self) -> list[Status]:
        return [event.status for event in self.events if isinstance(event, CallEnded)]

    def messages(self) -> list[bytes]:
        return [
            event.call.open(event.envelope) for event in self.events if isinstance(event, MessageReceived)
        ]

    def started(self) -> list[Any]:
        return [event.call for event in self.events if isinstance(event, CallStarted)]

    @property
    def connection_ended(self) -> str | None:
        """Why the connection ended, None while it has not."""
        return next((event.reason for event in self.events if isinstance(event, ConnectionEnded)), None)


class Joined:
    """Several frames that travel together."""

    def __init__(self, frames: Iterable[hf.Frame]) -> None:
        self.frames = list(frames)

    def serialize(self) -> bytes:
        return b"".join(frame.serialize() for frame in self.frames)


class RawClient(RawPeer):
    """A scripted client of a server core."""

    def __init__(
        self,
        limits: Limits | None = None,
        settings: dict[int, int] | None = None,
        core: ServerConnection | None = None,
    ) -> None:
        super().__init__()
        self.core: ServerConnection = core or ServerConnection(limits)
        self.deliver(PREFACE + self.settings(settings).serialize())
        self.send(self.settings(ack=True))
        self.forget()

    def request(self, stream_id: int, *payloads: bytes, fields: Fields = REQUEST, end: bool = True) -> Any:
        """Send a request with messages. Returns the call, None if the server did not start one."""
        frames: list[Any] = [self.headers(stream_id, fields, end and not payloads)]
        for number, payload in enumerate(payloads):
            last = number == len(payloads) - 1
            frames.append(self.data(stream_id, envelope(payload), end and last))
        before = len(self.started())
        self.send(*frames)
        calls = self.started()[before:]
        return calls[0] if calls else None


class RawServer(RawPeer):
    """A scripted server for a client core."""

    def __init__(
        self,
        limits: Limits | None = None,
        settings: dict[int, int] | None = None,
        core: ClientConnection | None = None,
    ) -> None:
        super().__init__()
        self.core: ClientConnection = core or ClientConnection(limits, "the test server")
        self.take()
        self.send(self.settings(settings), self.settings(ack=True))
        self.forget()

    def call(self, *payloads: bytes, end: bool = True, timeout: float | None = None) -> Any:
        """Let the client start a call with messages."""
        headers = request_headers("/test.Service/Method", "test", "http", timeout=timeout)
        call = self.core.start_call(headers, None if timeout is None else self.now + timeout)
        for payload in payloads:
            call.send_message(payload)
        if end:
            call.end_sending()
        self.take()
        return call

    def status(self) -> Status:
        """How the only call ended."""
        (status,) = self.endings()
        return status

    def answer(self, *frames: Any) -> Status:
        """Let the client make a call, answer it with frames, return its outcome. Streams are numbered as they come:
        frames are functions of the stream's id."""
        self.events.clear()
        call = self.call(b"request")
        self.send(*(frame(call.stream_id) for frame in frames))
        return self.status()


class Raw:
    """Bytes that hyperframe would not make."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def serialize(self) -> bytes:
        return self.data
