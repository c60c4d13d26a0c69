"""The answer to a request that is HTTP/2 but not gRPC (R04, R05)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .call import Call
from .call_states import SERVER_INBOUND, Arrival, Inbound, Outbound
from .headers import RequestRefused, refusal_headers
from .limits import HTTP2_DEFAULT_WINDOW
from .status import Http2Error, Status

if TYPE_CHECKING:
    from .server_connection import ServerConnection


class Refusal(Call):
    """A status that the sender of the request can read, and the reason as text.

    The head goes at once. The end waits for the end of the request: until then the stream is open, and what comes on it
    is held to the rules. A request that goes on for longer than the first window is cut off.
    """

    __slots__ = ("_head",)
    _transitions = SERVER_INBOUND
    _connection: ServerConnection
    _credit: int

    def __init__(self, connection: ServerConnection, stream_id: int, refused: RequestRefused) -> None:
        super().__init__(connection, None)
        self.stream_id = stream_id
        self.inbound = Inbound.BODY
        self.outbound = Outbound.BODY
        self._body_left = refused.content_length
        self._head = refusal_headers(refused)
        if body := refused.reason.encode():
            self._outgoing.append(body)
            self.queued_bytes = len(body)
        connection.has_output(self)

    def headers_received(self, end_stream: bool) -> None:
        """Trailers came, or END_STREAM with the head."""
        if self._arrived(Arrival.HEADERS_END if end_stream else Arrival.HEADERS):
            self._go_on(0, end_stream)

    def data_received(self, data: bytes, flow_size: int, end_stream: bool) -> None:
        if self._arrived(Arrival.DATA_END if end_stream else Arrival.DATA):
            self._credit += flow_size
            self._go_on(len(data), end_stream)

    def _go_on(self, size: int, end_stream: bool) -> None:
        if self._body_left is not None and not self._count_body(size, end_stream):
            return
        if self.inbound is Inbound.BODY and self._credit > HTTP2_DEFAULT_WINDOW // 2:
            self.inbound = Inbound.IGNORED
        self._connection.has_output(self)

    def pump(self) -> int:
        http2 = self._connection.http2
        if self._head:
            http2.send_headers(self.stream_id, self._head)
            self._head = []
        may_end = self.inbound is not Inbound.BODY
        sent = self._pump_data(end_with_data=may_end) if self.queued_bytes else 0
        if not may_end or self.queued_bytes:
            return sent
        if self.outbound is not Outbound.ENDED:
            http2.send_data(self.stream_id, b"", end_stream=True)
        if self.inbound is not Inbound.ENDED:
            http2.reset(self.stream_id, Http2Error.NO_ERROR)
        self.finish_locally(None)
        return sent

    def _count_sent(self, messages: int) -> None:
        """The text is no message."""

    def fail(self, status: Status, error_code: int = Http2Error.CANCEL) -> None:
        if not self.ended:
            self._connection.http2.reset(self.stream_id, error_code)
            self.finish_locally(None)

    def _count_end(self, complete: bool) -> None:
        """It has been no call, and has not been counted as one."""
