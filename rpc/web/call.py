"""A call that a client makes of us in another form than gRPC's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ..header_blocks import HeaderField
from ..headers import Request
from ..server_call import ServerCall
from ..status import Http2Error, Status
from .translation import Translation

if TYPE_CHECKING:
    from ..server_connection import ServerConnection


class WebCall(ServerCall):
    """A ServerCall in all that its handler sees; a translation makes the head, the messages and the end on the wire."""

    __slots__ = ("_add_fields", "_ending", "_translation")

    def __init__(
        self,
        connection: ServerConnection,
        stream_id: int,
        request: Request,
        deadline: float | None,
        *,
        translation: Translation,
        add_fields: Callable[[list[HeaderField]], list[HeaderField]],
    ) -> None:
        """`add_fields`: a response's header list with what the protocol has no say in."""
        super().__init__(connection, stream_id, request, deadline)
        self._translation = translation
        self._add_fields = add_fields
        self._reader = translation.reader(self._reader)
        self._ending = False  # the end of the body is in the queue, with nothing in front of it

    def send_message(self, payload: bytes) -> int:
        size = super().send_message(payload)
        if not self.ended:
            envelope = self._outgoing[-1]
            self._outgoing[-1] = message = self._translation.message(envelope)
            self.queued_bytes += len(message) - len(envelope)
        return size

    def pump(self) -> int:
        if self._head is not None:
            self._send_head(self._head, end_stream=False)
            self._head = None
        sent = self._pump_data(end_with_data=self._ending) if self.queued_bytes else 0
        if self._trailers is not None and not self.queued_bytes:
            sent += self._end(self._trailers)
            self._trailers = None
        if self._ending and not self.queued_bytes and not self.ended:
            self._close()
        return sent

    def _send_head(self, head: list[HeaderField], *, end_stream: bool) -> None:
        fields = self._add_fields(self._translation.head(head))
        self._connection.http2.send_headers(self.stream_id, fields, end_stream=end_stream)

    def _end(self, fields: list[HeaderField]) -> int:
        """Send the trailers: in the body, or in the head where that is all there is."""
        if fields[0][0] == b":status":
            self._send_head(fields, end_stream=True)
            self._close()
            return 0
        self._ending = True
        end = self._translation.end(fields)
        self._outgoing.append(end)
        self.queued_bytes = len(end)
        return self._pump_data(end_with_data=True)

    def _close(self) -> None:
        self._connection.http2.reset(self.stream_id, Http2Error.NO_ERROR)  # what has not come need not
        self.finish_locally(None, complete=True)

    def _count_sent(self, messages: int) -> None:
        if not self._ending:  # the end is no message
            super()._count_sent(messages)

    def fail(self, status: Status, error_code: int = Http2Error.CANCEL) -> None:
        if self._head_offset:  # behind half a message, the end would be taken for its other half
            error_code = Http2Error.INTERNAL_ERROR
        super().fail(status, error_code)
