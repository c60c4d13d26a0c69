"""A forwarder between a client and a server that notes what only the wire tells: which messages went compressed.

It reads frame headers and DATA, and changes nothing. That way the flag of a message is seen alike for every peer, also
for those whose API does not show it.
"""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from dataclasses import dataclass, field

from tests.support.rpc_raw_peer import PREFACE

_DATA = 0
_PADDED = 0x8


@dataclass
class Stream:
    """The compressed flags (0 or 1) of the messages of one call, in order."""

    requests: list[int] = field(default_factory=list)
    responses: list[int] = field(default_factory=list)


class _FlagReader:
    """One direction of one connection: bytes in, flags out."""

    def __init__(self, connection: _Connection, *, requests: bool) -> None:
        self._connection = connection
        self._requests = requests
        self._preface = len(PREFACE) if requests else 0
        self._frames = b""
        self._messages: dict[int, bytearray] = {}

    def feed(self, data: bytes) -> None:
        self._frames += data
        if self._preface:
            if len(self._frames) < self._preface:
                return
            self._frames = self._frames[self._preface :]
            self._preface = 0
        start = 0
        while len(self._frames) - start >= 9:
            end = start + 9 + int.from_bytes(self._frames[start : start + 3], "big")
            if len(self._frames) < end:
                break
            self._frame(self._frames[start:end])
            start = end
        self._frames = self._frames[start:]

    def _frame(self, frame: bytes) -> None:
        kind, flags, stream_id = frame[3], frame[4], int.from_bytes(frame[5:9], "big")
        if kind != _DATA:
            return
        body = frame[9:]
        if flags & _PADDED:
            body = body[1 : len(body) - body[0]]
        buffer = self._messages.setdefault(stream_id, bytearray())
        buffer += body
        while len(buffer) >= 5 and len(buffer) >= 5 + int.from_bytes(buffer[1:5], "big"):
            stream = self._connection.stream(stream_id)
            (stream.requests if self._requests else stream.responses).append(buffer[0])
            del buffer[: 5 + int.from_bytes(buffer[1:5], "big")]


class _Connection:
    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._streams: dict[int, Stream] = {}

    def stream(self, stream_id: int) -> Stream:
        with self._wire.lock:
            if stream_id not in self._streams:
                self._streams[stream_id] = Stream()
                self._wire.noted.append(self._streams[stream_id])
            return self._streams[stream_id]


class Wire:
    """Listens on `port`, and forwards to a server on this machine. `noted` has the calls in the order they began."""

    def __init__(self, server_port: int) -> None:
        self.lock = threading.Lock()
        self.noted: list[Stream] = []
        self._server_port = server_port
        self._sockets: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def last(self) -> Stream:
        """The call that began last."""
        return self.noted[-1]

    def _accept(self) -> None:
        with suppress(OSError):  # closed
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._server_port))
                self._sockets += [client, server]
                connection = _Connection(self)
                for source, sink, requests in ((client, server, True), (server, client, False)):
                    reader = _FlagReader(connection, requests=requests)
                    threading.Thread(target=self._pump, args=(source, sink, reader), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, reader: _FlagReader) -> None:
        with suppress(OSError):
            while data := source.recv(1 << 16):
                reader.feed(data)
                sink.sendall(data)
        with suppress(OSError):
            sink.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        for each in (self._listener, *self._sockets):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
