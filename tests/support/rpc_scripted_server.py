"""A server on a real socket that does what it is told, however wrong, for the first call; then it behaves."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterable
from typing import Any

from hyperframe import frame as hf

from .rpc_raw_peer import HEAD, OK, PREFACE, RawPeer, envelope

CLOSE = object()  # in a script: close the connection
SILENCE = object()  # in a script: keep it, and say nothing more on it

Script = Callable[[RawPeer, int], Iterable[Any]]


def good_answer(peer: RawPeer, stream_id: int) -> Iterable[Any]:
    """An empty message, and OK."""
    return (
        peer.headers(stream_id, HEAD),
        peer.data(stream_id, envelope(b"")),
        peer.headers(stream_id, OK, True),
    )


class ScriptedServer:
    """`script(peer, stream_id)` gives what the first request is answered with; `peer` makes the frames. Without
    `handshake` nobody gets anything."""

    def __init__(
        self, script: Script, settings: dict[int, int] | None = None, *, handshake: bool = True
    ) -> None:
        self._script: Script | None = script
        self._settings = settings
        self._handshake = handshake
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets: list[socket.socket] = []
        self.connections = 0
        self.target = f"127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self._listener.accept()
                self.connections += 1
                self._sockets.append(sock)
                if self._handshake:
                    threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        peer = RawPeer()
        with contextlib.suppress(OSError):
            sock.sendall(peer.settings(self._settings).serialize())
            data = b""
            while received := sock.recv(65536):
                data = (data + received).removeprefix(PREFACE)
                while len(data) >= 9:
                    frame, length = hf.Frame.parse_frame_header(memoryview(data[:9]))
                    if len(data) < 9 + length:
                        break
                    frame.parse_body(memoryview(data[9 : 9 + length]))
                    data = data[9 + length :]
                    if not self._answer(sock, peer, frame):
                        return

    def _answer(self, sock: socket.socket, peer: RawPeer, frame: hf.Frame) -> bool:
        """Answer a frame. False if nothing more is to be read."""
        if isinstance(frame, hf.SettingsFrame) and "ACK" not in frame.flags:
            sock.sendall(peer.settings(ack=True).serialize())
        elif isinstance(frame, hf.PingFrame) and "ACK" not in frame.flags:
            sock.sendall(peer.ping(frame.opaque_data, ack=True).serialize())
        elif isinstance(frame, hf.HeadersFrame | hf.DataFrame) and "END_STREAM" in frame.flags:
            script, self._script = self._script or good_answer, None
            for step in script(peer, frame.stream_id):
                if step is CLOSE:
                    sock.close()
                if step is CLOSE or step is SILENCE:
                    return False
                sock.sendall(step.serialize())
        return True

    def close(self) -> None:
        self._listener.close()
        for sock in self._sockets:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()

    def __enter__(self) -> ScriptedServer:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
