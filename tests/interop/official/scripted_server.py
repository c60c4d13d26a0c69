"""An HTTP/2 server on raw frames that answers every call with the response of large_unary, and misbehaves as told.

It minds windows, so that it does wrong only what its `Script` says. It decodes no headers: any call is UnaryCall.
"""

from __future__ import annotations

import socket
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

import hpack
from hyperframe import frame as hf

from tests.support.rpc_raw_peer import HEAD, OK, PREFACE, envelope

WINDOW = 65_535
SETTINGS_INITIAL_WINDOW = 4
MAX_FRAME = 16_384


@dataclass
class Script:
    """What a server does other than answer. `response` is one whole message, without its prefix."""

    response: bytes
    settings: dict[int, int] = field(default_factory=dict)
    goaway_at_first: bool = False
    # Reset the call after that part of the data: 0 is after the head.
    reset_after: float | None = None
    pings: bool = False
    chunk: int = MAX_FRAME
    padding: int | None = None  # None: frames are not padded


class Connection:
    """One client, served by one thread."""

    def __init__(self, server: ScriptedServer, sock: socket.socket) -> None:
        self._server = server
        self._script = server.script
        self._socket = sock
        self._encoder = hpack.Encoder()
        self._initial_window = WINDOW
        self._window = WINDOW
        self._windows: dict[int, int] = {}
        # What is to be sent: bytes that need no window, or (stream, frame, how much of the window it takes).
        self._queue: deque[bytes | tuple[int, bytes, int]] = deque()
        self._calls = 0
        self.open_streams: set[int] = set()
        self.most_streams = 0
        self.unanswered_pings = 0

    def serve(self) -> None:
        """Until the client closes."""
        with suppress(OSError), self._socket:
            self._send(hf.SettingsFrame(0, settings=self._script.settings))
            for frame in self._frames():
                self._handle(frame)
                self._pump()

    def _frames(self) -> Iterator[hf.Frame]:
        data = b""
        preface = True
        while received := self._socket.recv(1 << 16):
            data += received
            if preface and len(data) >= len(PREFACE):
                data = data[len(PREFACE) :]
                preface = False
            while not preface and len(data) >= 9:
                frame, length = hf.Frame.parse_frame_header(memoryview(data[:9]))
                if len(data) < 9 + length:
                    break
                frame.parse_body(memoryview(data[9 : 9 + length]))
                data = data[9 + length :]
                yield frame

    def _handle(self, frame: hf.Frame) -> None:
        stream_id = frame.stream_id
        match frame:
            case hf.SettingsFrame() if "ACK" not in frame.flags:
                new = frame.settings.get(SETTINGS_INITIAL_WINDOW, self._initial_window)
                for stream in self._windows:
                    self._windows[stream] += new - self._initial_window
                self._initial_window = new
                self._send(hf.SettingsFrame(0, flags=["ACK"]))
            case hf.WindowUpdateFrame():
                if stream_id:
                    self._windows[stream_id] += frame.window_increment
                else:
                    self._window += frame.window_increment
            case hf.PingFrame():
                if "ACK" in frame.flags:
                    self.unanswered_pings -= 1
                else:
                    self._send(hf.PingFrame(0, opaque_data=frame.opaque_data, flags=["ACK"]))
            case hf.HeadersFrame():
                self._windows[stream_id] = self._initial_window
                self.open_streams.add(stream_id)
                self.most_streams = max(self.most_streams, len(self.open_streams))
            case hf.DataFrame() if frame.flow_controlled_length:
                for window in (0, stream_id):
                    self._send(hf.WindowUpdateFrame(window, window_increment=frame.flow_controlled_length))
            case _:
                pass
        if "END_STREAM" in frame.flags:
            self._answer(stream_id)

    def _send(self, frame: hf.Frame) -> None:
        self._queue.append(frame.serialize())

    def _ping(self) -> None:
        if self._script.pings:
            self.unanswered_pings += 1
            self._server.pings += 1
            self._send(hf.PingFrame(0, opaque_data=b"scripted"))

    def _headers(self, stream_id: int, fields: list[tuple[bytes, bytes]], *flags: str) -> None:
        block = self._encoder.encode(fields)
        self._send(hf.HeadersFrame(stream_id, block, flags=["END_HEADERS", *flags]))

    def _answer(self, stream_id: int) -> None:
        script = self._script
        self._calls += 1
        if script.goaway_at_first and self._server.connections == 1 and self._calls == 1:
            self._send(hf.GoAwayFrame(0, last_stream_id=stream_id))
        data = envelope(script.response)
        self._ping()
        self._headers(stream_id, HEAD)
        self._ping()
        end = len(data) if script.reset_after is None else int(len(data) * script.reset_after)
        for start in range(0, end, script.chunk):
            frame = hf.DataFrame(stream_id, data[start : min(end, start + script.chunk)])
            if script.padding is not None:
                frame.flags.add("PADDED")
                frame.pad_length = script.padding
            self._queue.append((stream_id, frame.serialize(), frame.flow_controlled_length))
        self._ping()
        if script.reset_after is None:
            self._headers(stream_id, OK, "END_STREAM")
        else:
            self._send(hf.RstStreamFrame(stream_id, error_code=0))
        self.open_streams.discard(stream_id)

    def _pump(self) -> None:
        """Send what the windows let through, in order."""
        ready: list[bytes] = []
        while self._queue:
            item = self._queue[0]
            if isinstance(item, tuple):
                stream_id, item, size = item
                if size > min(self._window, self._windows[stream_id]):
                    break
                self._window -= size
                self._windows[stream_id] -= size
            ready.append(item)
            self._queue.popleft()
        if ready:
            self._socket.sendall(b"".join(ready))


class ScriptedServer:
    """Listens on `port` of this machine until it is closed."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.connections = 0
        self.pings = 0
        self.served: list[Connection] = []
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._acceptor = threading.Thread(target=self._accept, daemon=True)
        self._acceptor.start()

    def _accept(self) -> None:
        with suppress(OSError):  # closed
            while True:
                sock, _ = self._listener.accept()
                self.connections += 1
                connection = Connection(self, sock)
                self.served.append(connection)
                thread = threading.Thread(target=connection.serve, daemon=True)
                self._threads.append(thread)
                thread.start()

    def wait_for_clients_to_go(self) -> None:
        """Returns when every client has closed its connection."""
        for thread in self._threads:
            thread.join(30)
            assert not thread.is_alive(), "a client did not close its connection"

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._acceptor.join(10)
