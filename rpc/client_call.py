"""A call that we make: one stream, from the request's headers to the response's trailers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .call import Call
from .call_states import CLIENT_INBOUND, Arrival, Inbound, Outbound
from .call_tracking import CallTracker, tell_started
from .compression import CODECS, Codec
from .events import ResponseStarted
from .header_blocks import HeaderBlock, HeaderField
from .headers import parse_response_head, parse_trailers
from .metadata import Metadata
from .status import Http2Error, Status, StatusCode

if TYPE_CHECKING:
    from .client_connection import ClientConnection


_NO_METADATA = Metadata()  # shared, as that of a remembered block is: who hands it out copies it


class ClientCall(Call):
    """A call that we make."""

    __slots__ = ("_headers", "initial_metadata", "trackers")
    _transitions = CLIENT_INBOUND
    _connection: ClientConnection

    def __init__(
        self,
        connection: ClientConnection,
        headers: Sequence[HeaderField],
        deadline: float | None,
        encoder: Codec | None,
    ) -> None:
        super().__init__(connection, deadline)
        self._headers = headers
        self._encoder = encoder
        self.initial_metadata = _NO_METADATA
        self.trackers: tuple[CallTracker, ...] = ()  # of the balancer that has placed it

    def track(self, trackers: tuple[CallTracker, ...]) -> None:
        """The balancer wants to know how it ends; told by whoever gets its CallEnded."""
        self.trackers = trackers
        tell_started(trackers)

    @property
    def head_received(self) -> bool:
        """Whether the response has begun; then `initial_metadata` is complete."""
        return self.inbound is not Inbound.AWAITING_HEAD

    def begin(self) -> None:
        """Open the stream."""
        self.outbound = Outbound.ENDING if self.outbound is Outbound.ENDING else Outbound.BODY
        self.stream_id = self._connection.http2.open_stream(self._headers)

    def end_sending(self) -> None:
        """The application has sent its last message (R09)."""
        if self.outbound in (Outbound.BODY, Outbound.AWAITING_HEAD):
            self.outbound = Outbound.ENDING
            self._connection.has_output(self)

    def pump(self) -> int:
        if not self.stream_id:
            return 0
        if self.queued_bytes:
            return self._pump_data(end_with_data=self.outbound is Outbound.ENDING)
        if self.outbound is Outbound.ENDING:
            self.outbound = Outbound.ENDED
            self._connection.http2.send_data(self.stream_id, b"", end_stream=True)
        return 0

    def cancel(self, status: Status | None = None) -> None:
        """Give the call up (R40)."""
        self.fail(
            status or Status(StatusCode.CANCELLED, "cancelled by the application", reached_server=False)
        )

    def fail(self, status: Status, error_code: int = Http2Error.CANCEL) -> None:
        if self.ended:
            return
        if self.stream_id:
            self._connection.http2.reset(self.stream_id, error_code)
        self.finish_locally(status)

    def headers_received(self, block: HeaderBlock, end_stream: bool) -> None:
        """HEADERS came: the response head, trailers, or both in one."""
        trailers_only = end_stream and self.inbound is Inbound.AWAITING_HEAD
        if not self._arrived(Arrival.HEADERS_END if end_stream else Arrival.HEADERS):
            return
        max_size = self._connection.limits.max_header_list_size
        if not end_stream:
            self._take_head(block, max_size)
            return
        self._close(parse_trailers(block, max_size, trailers_only=trailers_only))

    def _take_head(self, block: HeaderBlock, max_size: int) -> None:
        head = parse_response_head(block, max_size)
        if head.fault is not None:
            self.fail(head.fault)
            return
        if head.encoding != "identity":
            self._decoder = CODECS.get(head.encoding)
            if self._decoder is None:
                reason = f"the server used grpc-encoding {head.encoding!r}, which was not offered to it"
                self.fail(Status(StatusCode.INTERNAL, reason))
                return
        self.initial_metadata = head.metadata
        self._connection.emit(ResponseStarted(self))

    def _close(self, status: Status) -> None:
        if self._reader.partial_size and status.code is StatusCode.OK:
            status = Status(StatusCode.INTERNAL, "the response ended in the middle of a message")
        if self.outbound is not Outbound.ENDED:
            # The server is done; what we still had to say does not matter (R18).
            self._connection.http2.reset(self.stream_id, Http2Error.NO_ERROR)
        self.finish_locally(status, complete=True)

    def _data_ended(self) -> None:
        self._close(Status(StatusCode.INTERNAL, "the response ended without trailers"))
