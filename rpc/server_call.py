"""A call that a client makes of us: one stream, from its request's headers to our trailers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .call import Call
from .call_states import SERVER_INBOUND, Arrival, Inbound, Outbound
from .compression import CODECS, Codec
from .events import RequestEnded
from .header_blocks import HeaderField
from .headers import Request, response_headers, trailers
from .metadata import Metadata
from .status import Http2Error, Status, StatusCode

if TYPE_CHECKING:
    from .call_stats import MethodStats
    from .server_connection import ServerConnection


class ServerCall(Call):
    """A call that a client makes of us."""

    __slots__ = ("_head", "_trailers", "recorded", "request")
    _transitions = SERVER_INBOUND
    _connection: ServerConnection

    def __init__(
        self, connection: ServerConnection, stream_id: int, request: Request, deadline: float | None
    ) -> None:
        super().__init__(connection, deadline)
        self.stream_id = stream_id
        self.request = request
        self.inbound = Inbound.BODY
        self._body_left = request.content_length
        self._decoder = CODECS.get(request.encoding)
        self._head: list[HeaderField] | None = None
        self._trailers: list[HeaderField] | None = None
        self.recorded: tuple[MethodStats, float] | None = None  # whom to tell the end, and when the call came

    def headers_received(self, end_stream: bool) -> None:
        """Request trailers came, or END_STREAM with the head."""
        ignored = self.inbound is Inbound.IGNORED
        if not self._arrived(Arrival.HEADERS_END if end_stream else Arrival.HEADERS) or ignored:
            return
        if self._body_left is None or self._count_body(0, end_stream):
            self._body_ended()

    def _data_ended(self) -> None:
        self._connection.emit(RequestEnded(self))

    @property
    def head_sent(self) -> bool:
        """Whether the response head has gone, or is on its way."""
        return self.outbound is not Outbound.AWAITING_HEAD

    def set_compression(self, codec: Codec | None) -> None:
        """Compress the messages to come, if the client takes it (R56)."""
        self._encoder = codec if codec is not None and codec.name in self.request.accept_encoding else None

    def send_initial_metadata(self, metadata: Metadata | None = None) -> None:
        """Send the response head now; without this it goes with the first message (R93).

        Raises ValueError or TypeError for metadata that may not be sent, and RuntimeError if the head has gone.
        """
        if self.outbound is not Outbound.AWAITING_HEAD:
            raise RuntimeError("initial metadata has been sent already")
        encoding = self._encoder.name.encode() if self._encoder is not None else None
        head = response_headers(metadata or (), encoding, self._connection.accept_encoding)
        if size := self._connection.http2.oversize(head):
            self.fail(Status(StatusCode.RESOURCE_EXHAUSTED, self._too_large("initial metadata", size)))
            return
        self._head = head
        self.outbound = Outbound.BODY
        self._connection.has_output(self)

    def _too_large(self, what: str, size: int) -> str:
        """Why header lists cannot be sent (R30)."""
        limit = self._connection.http2.peer_max_header_list_size
        return (
            f"the {what} of the response would make headers of {size} bytes as HTTP/2 counts; the client takes {limit} "
            "(its SETTINGS_MAX_HEADER_LIST_SIZE)"
        )

    def finish(self, status: Status) -> None:
        """Send the trailers, after all messages that are queued; a call without messages gets a Trailers-Only
        response (R10, R11). What the client still sends is ignored from now on."""
        if self.ended or self.outbound in (Outbound.ENDING, Outbound.ENDED):
            return
        fields = self._trailers_for(status)
        if size := self._connection.http2.oversize(fields):
            code = StatusCode.RESOURCE_EXHAUSTED if status.code is StatusCode.OK else status.code
            status = Status(code, self._too_large("status and trailing metadata", size))
            fields = self._trailers_for(status)
            if self._connection.http2.oversize(fields):  # not even that
                self._connection.http2.reset(self.stream_id, Http2Error.INTERNAL_ERROR)
                self.finish_locally(status)
                return
        self.code = status.code
        self._trailers = fields
        self.outbound = Outbound.ENDING
        if self.inbound is Inbound.BODY:
            self.inbound = Inbound.IGNORED
            self._drop_partial()
        self._connection.has_output(self)

    def _trailers_for(self, status: Status) -> list[HeaderField]:
        if self.outbound is not Outbound.AWAITING_HEAD:
            return trailers(status)
        compressed = self.request.encoding != "identity"  # then the client is told what else is taken (R55)
        accepted = self._connection.accept_encoding if compressed else None
        return response_headers(accept_encoding=accepted) + trailers(status)

    def pump(self) -> int:
        http2 = self._connection.http2
        if self._head is not None:
            http2.send_headers(self.stream_id, self._head)
            self._head = None
        sent = self._pump_data(end_with_data=False) if self.queued_bytes else 0
        if self._trailers is not None and not self.queued_bytes:
            http2.send_headers(self.stream_id, self._trailers, end_stream=True)
            self._trailers = None
            if self.inbound is not Inbound.ENDED:
                http2.reset(self.stream_id, Http2Error.NO_ERROR)  # R18
            self.finish_locally(None, complete=True)
        return sent

    def fail(self, status: Status, error_code: int = Http2Error.CANCEL) -> None:
        """The call cannot go on. What our side decides (a fault of the client's bytes, a passed deadline) is answered
        with trailers, a broken stream with RST_STREAM; the application learns of all.

        Trailers go out even where a message is cut or the handler's own status waits behind one. RST_STREAM CANCEL may
        be sent there, but all clients whose own timer is a little late take it for a cancellation (R35).
        """
        if self.ended:
            return
        answerable = error_code == Http2Error.CANCEL and status.code is not StatusCode.CANCELLED
        if answerable and self.outbound is Outbound.ENDING:
            if not self.queued_bytes:
                return  # its status leaves with the next bytes
            self.outbound = Outbound.BODY
        self._tell_end(status)
        self.code = status.code
        if answerable:
            self._outgoing.clear()
            self.queued_bytes = self._head_offset = 0
            self.finish(status)
            return
        self._connection.http2.reset(self.stream_id, error_code)
        self.finish_locally(None)
