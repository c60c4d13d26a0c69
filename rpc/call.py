"""What calls of both sides share: a queue of outgoing bytes, messages coming in, windows.

Calls do no I/O. They are made by a connection core and tell it when they have something to send.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from .call_states import Arrival, Inbound, Outbound
from .compression import Codec, Uncompressed
from .envelope import PREFIX_SIZE, Envelope, EnvelopeError, EnvelopeReader, MessageReader, encode_envelope
from .events import CallEnded, MessageReceived, SendReady
from .limits import Limits
from .status import Http2Error, Status, StatusCode

if TYPE_CHECKING:
    from .connection import Connection


class MessageTooLarge(ValueError):
    """A message is over `max_send_message_size`."""


def check_send_size(payload: bytes, limits: Limits) -> None:
    """Raises MessageTooLarge for a message that is too large to be sent."""
    limit = limits.max_send_message_size
    if limit is not None and len(payload) > limit:
        raise MessageTooLarge(
            f"message of {len(payload)} bytes is over the limit of {limit} (max_send_message_size)"
        )


class Call:
    """What the calls of both sides share.

    `sink` belongs to the shell: whatever it wants to find again when an event names this call.
    """

    __slots__ = (
        "_body_left",
        "_connection",
        "_credit",
        "_decoder",
        "_encoder",
        "_end_told",
        "_head_offset",
        "_outgoing",
        "_partial_kept",
        "_reader",
        "_unread",
        "code",
        "deadline",
        "ended",
        "inbound",
        "outbound",
        "queued_bytes",
        "sink",
        "stream_id",
        "wants_send_ready",
    )
    _transitions: dict[tuple[Inbound, Arrival], Inbound]

    def __init__(self, connection: Connection, deadline: float | None) -> None:
        limits = connection.limits
        self._connection = connection
        self.stream_id = 0
        self.deadline = deadline
        self.sink: Any = None
        self.ended = False
        self.code: StatusCode | None = None  # how it ended, or is going to
        self._end_told = False
        self.inbound = Inbound.AWAITING_HEAD
        self.outbound = Outbound.AWAITING_HEAD
        self._encoder: Codec | None = None
        self._decoder: Codec | None = None
        self._outgoing: deque[bytes] = deque()
        self._head_offset = 0  # how much of _outgoing[0] has gone
        self.queued_bytes = 0
        self.wants_send_ready = False
        self._reader: MessageReader = EnvelopeReader(
            limits.max_receive_message_size, "max_receive_message_size"
        )
        self._partial_kept = 0  # what of the reader's partial message is counted in the connection
        self._unread = 0  # bytes of whole messages that the application has not consumed
        self._credit = 0  # bytes received that the stream's window has not been given back
        self._body_left: int | None = None  # of the content-length that the peer announced

    # -- sending --------------------------------------------------------------------------------------------------

    @property
    def must_wait(self) -> bool:
        """Whether so much is queued that the sender should wait for SendReady."""
        return self.queued_bytes > self._connection.limits.send_buffer

    def send_message(self, payload: bytes) -> int:
        """Queue one message; one that is `Uncompressed` goes plain in a call that compresses (R57). Returns its size on
        the wire in bytes, without the prefix.

        Raises MessageTooLarge if it is over `max_send_message_size`, RuntimeError after the end of sending.
        """
        if self.ended:
            return 0
        if self.outbound in (Outbound.ENDING, Outbound.ENDED):
            raise RuntimeError("the last message has been sent already")
        check_send_size(payload, self._connection.limits)
        if self._encoder is not None and type(payload) is not Uncompressed:
            data = encode_envelope(self._encoder.compress(payload), compressed=True)
        else:
            data = encode_envelope(payload)
        self._outgoing.append(data)
        self.queued_bytes += len(data)
        self._connection.has_output(self)
        return len(data) - PREFIX_SIZE

    def _take(self, size: int) -> bytes:
        """Up to `size` queued bytes, in order."""
        queue = self._outgoing
        if size >= self.queued_bytes and not self._head_offset:
            self._count_sent(len(queue))
            data = queue.popleft() if len(queue) == 1 else b"".join(queue)
            queue.clear()
            self.queued_bytes = 0
            return data
        parts: list[bytes] = []
        whole = 0
        needed = size
        while needed and queue:
            chunk = queue[0]
            part = chunk[self._head_offset : self._head_offset + needed]
            parts.append(part)
            needed -= len(part)
            self._head_offset += len(part)
            if self._head_offset == len(chunk):
                queue.popleft()
                self._head_offset = 0
                whole += 1
        self.queued_bytes -= size - needed
        if whole:
            self._count_sent(whole)
        return b"".join(parts)

    def _count_sent(self, messages: int) -> None:
        streams = self._connection.streams
        streams.messages_sent += messages
        streams.last_message_sent = self._connection.now

    def pump(self) -> int:
        """Hand at most one DATA frame, and what goes before and after it, to HTTP/2. Returns its size in bytes, or 0
        if nothing more can go now."""
        raise NotImplementedError

    def _pump_data(self, *, end_with_data: bool) -> int:
        http2 = self._connection.http2
        room = min(http2.send_window(self.stream_id), http2.max_data_frame)
        if room <= 0:
            self._connection.stalls.shut(self)
            return 0  # the peer's WINDOW_UPDATE brings us back
        stalled = self._connection.stalls.since
        if stalled:
            stalled.pop(self, None)
        data = self._take(room)
        end_stream = end_with_data and not self.queued_bytes
        if end_stream:
            self.outbound = Outbound.ENDED
        http2.send_data(self.stream_id, data, end_stream)
        if self.wants_send_ready and self.queued_bytes <= self._connection.limits.send_buffer // 2:
            self.wants_send_ready = False
            self._connection.emit(SendReady(self))
        return len(data)

    # -- receiving ------------------------------------------------------------------------------------------------

    def consumed(self, size: int) -> bool:
        """The application has taken a message of this `size` (see MessageReceived). Returns whether there is something
        to send now, because that lets the peer send more."""
        if self.ended:  # then all of it has been given back
            return False
        self._unread -= size
        return self._connection.consumed(size) | self.give_back()

    def give_back(self) -> bool:
        """Open the stream's window by what is neither unread nor behind something unread.

        The beginning of a message that is not complete is given back as it comes when the application waits for it:
        a message may be larger than the window (R72). Behind unread messages it is held back.
        """
        held = self._unread + self._reader.partial_size if self._unread else 0
        size = self._credit - held
        http2 = self._connection.http2
        if size >= http2.stream_window // 4 and not self.ended:
            if self._partial_kept and not self._connection.incomplete.may_go_on(self):
                return False
            self._credit -= size
            http2.open_stream_window(self.stream_id, size)
            self._connection.window_given_back()
            return True
        return False

    def _arrived(self, arrival: Arrival) -> bool:
        """Move on. False if `arrival` must not come in this state; then the call has been ended."""
        state = self._transitions.get((self.inbound, arrival))
        if state is None:
            self._violated(f"{arrival.name} arrived in state {self.inbound.name}")
            return False
        self.inbound = state
        return True

    def data_received(self, data: bytes, flow_size: int, end_stream: bool) -> None:
        """DATA came."""
        ignored = self.inbound is Inbound.IGNORED
        if not self._arrived(Arrival.DATA_END if end_stream else Arrival.DATA) or ignored:
            return
        if self._body_left is not None and not self._count_body(len(data), end_stream):
            return
        self._credit += flow_size
        partial = self._reader.partial_size
        try:
            envelopes = self._reader.feed(data) if data else []
            fault = None
        except EnvelopeError as error:
            envelopes, fault = error.received, error
        if envelopes and not self._messages_received(envelopes):
            return
        if fault is not None:
            self.fail(Status(fault.code, fault.reason))
            return
        if envelopes and self._partial_kept:
            self._connection.incomplete.passed(self)
        partial = self._reader.partial_size - partial
        if partial and not self._keep_partial(partial):
            return
        self.give_back()
        if end_stream:
            self._body_ended()

    def _messages_received(self, envelopes: list[Envelope]) -> bool:
        """Hand whole messages on. False if one of them has ended the call."""
        connection = self._connection
        streams = connection.streams
        streams.messages_received += len(envelopes)
        streams.last_message_received = connection.now
        for envelope in envelopes:
            if envelope.compressed and self._decoder is None:
                reason = "a message has the compressed flag, but the call has no grpc-encoding"
                self.fail(Status(StatusCode.INTERNAL, reason))
                return False
            size = len(envelope.payload) + PREFIX_SIZE
            self._unread += size
            connection.unread(size)
            connection.emit(MessageReceived(self, envelope, size))
        return True

    def _count_body(self, size: int, end_stream: bool) -> bool:
        """Hold the body to its content-length (RFC 9113, section 8.1.1). False if that has ended the call."""
        assert self._body_left is not None
        self._body_left -= size
        if self._body_left < 0 or (end_stream and self._body_left):
            self._violated("the body is not as long as its content-length says")
            return False
        return True

    def _keep_partial(self, size: int) -> bool:
        """Incomplete messages have grown by `size`, or shrunk. False if that was too much, and has ended the call."""
        incomplete = self._connection.incomplete
        kept, self._partial_kept = self._partial_kept, self._partial_kept + size
        incomplete.size += size
        if not kept:
            incomplete.begun()
        elif not self._partial_kept:
            incomplete.over(self)
        if size > 0 and incomplete.size > incomplete.limit:
            reason = (
                f"{incomplete.size} bytes of incomplete messages on one connection are over the limit of "
                f"{incomplete.limit} (max_unfinished_bytes); this call was the one that went over"
            )
            self.fail(Status(StatusCode.RESOURCE_EXHAUSTED, reason))
            return False
        return True

    def _drop_partial(self) -> None:
        """Nobody is going to need what has come of an incomplete message."""
        if self._partial_kept:
            incomplete = self._connection.incomplete
            incomplete.size -= self._partial_kept
            self._partial_kept = 0
            self._reader.drop()
            incomplete.over(self)

    def _body_ended(self) -> None:
        if self._reader.partial_size:
            self.fail(Status(StatusCode.INTERNAL, "the stream ended in the middle of a message"))
        else:
            self._data_ended()

    def open(self, envelope: Envelope) -> bytes:
        """The bytes of a received message. Raises CompressionError if they cannot be decompressed (R54, R58).

        For the application to do when it takes the message: a window full of compressed messages would be a thousand
        times as much in memory.
        """
        if not envelope.compressed or self._decoder is None:
            return envelope.payload
        return self._decoder.decompress(envelope.payload, self._connection.limits.max_receive_message_size)

    def _data_ended(self) -> None:
        """END_STREAM came on DATA."""
        raise NotImplementedError

    def _violated(self, reason: str) -> None:
        """The peer broke the order of things on this stream (R16)."""
        self.fail(
            Status(StatusCode.INTERNAL, f"protocol violation by the peer: {reason}"),
            Http2Error.PROTOCOL_ERROR,
        )

    # -- ending ---------------------------------------------------------------------------------------------------

    def fail(self, status: Status, error_code: int = Http2Error.CANCEL) -> None:
        """End the call from here: `status` becomes its outcome and the peer gets RST_STREAM."""
        raise NotImplementedError

    def finish_locally(self, status: Status | None, *, complete: bool = False) -> None:
        """Mark the call as over and, with a status, say so. What is queued is dropped.

        `complete` tells that the server ended the stream with END_STREAM.
        """
        if self.ended:
            return
        self.ended = True
        if status is not None:
            self.code = status.code
        self._count_end(complete)
        self.outbound = Outbound.ENDED
        self.inbound = Inbound.ENDED
        self._outgoing.clear()
        self.queued_bytes = 0
        connection = self._connection
        self._drop_partial()
        if self._unread:  # nobody is going to consume it
            connection.consumed(self._unread)
            self._unread = 0
        if self.wants_send_ready:
            self.wants_send_ready = False
            connection.emit(SendReady(self))
        if status is not None:
            self._tell_end(status)
        connection.call_ended(self)

    def _count_end(self, complete: bool) -> None:
        calls, streams = self._connection.calls, self._connection.streams
        if complete and self.code == StatusCode.OK:
            calls.succeeded += 1
        else:
            calls.failed += 1
        if complete:
            streams.succeeded += 1
        elif self.stream_id:
            streams.failed += 1

    def _tell_end(self, status: Status) -> None:
        """Say how the call ended; the first time counts."""
        if not self._end_told:
            self._end_told = True
            self._connection.emit(CallEnded(self, status))
