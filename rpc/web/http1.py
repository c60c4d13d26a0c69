"""HTTP/1.1 with the verbs of Http2Connection, for servers: h11 behind them. The only file that imports h11.

A request and its response are a stream; they come one after the other. What HTTP/2 has for several of them, windows and
PING above all, does nothing here: TCP holds a sender back, and whoever feeds this asks `reading` whether it may.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from http import HTTPStatus

import h11

from ..gate import ConnectionFault
from ..header_blocks import HeaderBlock, HeaderField
from ..http2 import Http2Listener
from ..limits import Limits
from ..status import Http2Error

_MAX_WRITE = 64 * 1024  # of one message, in one chunk
# About one connection, not about what is asked for (RFC 9110, section 7.6.1), or said in another way in HTTP/2.
_HOP_BY_HOP = frozenset(
    {
        *(b"connection", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"upgrade", b"te"),
        *(b"trailer", b"http2-settings", b"host", b"expect"),
    }
)
_ABSOLUTE = re.compile(rb"https?://(?P<host>[^/?#]+)(?P<path>.*)", re.IGNORECASE | re.DOTALL)


class Http1Connection:
    """The server's side of one HTTP/1.1 connection."""

    peer_max_header_list_size: int | None = None
    peer_max_concurrent_streams = 1
    stream_window = 2**31 - 1  # nothing is ever given back
    settings_agreed = False  # and nothing can change that
    max_data_frame = _MAX_WRITE
    connection_send_window = 2**31 - 1
    windows = (0, 0)

    def __init__(self, listener: Http2Listener, limits: Limits) -> None:
        self._listener = listener
        self._limits = limits
        self._h11 = h11.Connection(h11.SERVER, max_incomplete_event_size=limits.max_header_list_size)
        self._out: list[bytes] = []
        self._first = True
        self._draining = False  # say "connection: close" with the next response
        self._cut = False  # a response cannot be finished
        self._to_discard = limits.max_receive_message_size  # of a request that has got its answer
        self._discarding = False
        self._head_only = False  # the answer to HEAD has no body
        self.highest_remote_stream_id = -1
        self.progressed = False

    # -- inbound --------------------------------------------------------------------------------------------------

    def receive(self, data: bytes, now: float) -> None:
        """Take bytes from the client and tell the listener. Raises ConnectionFault; then nothing more can come."""
        if data:
            self._h11.receive_data(data)
        try:
            # What comes behind a request that says "close" is nothing.
            while self._h11.their_state not in (h11.MUST_CLOSE, h11.CLOSED):
                if not self._take(self._h11.next_event()):
                    break
        except h11.RemoteProtocolError as error:
            self._answer(error.error_status_hint, str(error))
            raise ConnectionFault(Http2Error.PROTOCOL_ERROR, str(error)) from error

    def _take(self, event: object) -> bool:
        """Act on what the client did. False if that was all for now."""
        stream_id = self.highest_remote_stream_id
        match event:
            case h11.Request():
                self._begin(event)
            case h11.Data():
                if self._discarding:
                    self._to_discard -= len(event.data)
                else:
                    self._listener.data_received(stream_id, bytes(event.data), len(event.data), False)
            case h11.EndOfMessage():
                if not self._discarding:
                    self._listener.data_received(stream_id, b"", 0, True)
                self._next_if_over()
            case _:
                return False
        return True

    def _begin(self, request: h11.Request) -> None:
        self.highest_remote_stream_id += 2
        self._discarding = False
        self._head_only = request.method == b"HEAD"
        if request.http_version[:2] != b"1.":
            raise h11.RemoteProtocolError("HTTP/1.1 or HTTP/2 is spoken here", 505)
        fields = list(request.headers)
        if {b"content-length", b"transfer-encoding"} <= {name for name, _ in fields}:
            raise h11.RemoteProtocolError("both Content-Length and Transfer-Encoding", 400)  # smuggling
        if self._h11.they_are_waiting_for_100_continue:
            self._send(h11.InformationalResponse(status_code=100, headers=[]))
        if self._first:
            self._first = False
            self._listener.settings_received()  # the handshake, such as it is
        block = HeaderBlock(_as_http2(request, fields))
        self._listener.headers_received(self.highest_remote_stream_id, block, False)

    @property
    def has_next(self) -> bool:
        """Whether the next request has begun to come while this one is answered."""
        return self._h11.their_state not in (h11.IDLE, h11.SEND_BODY) and bool(self._h11.trailing_data[0])

    @property
    def awaits_head(self) -> bool:
        """Whether there is no request to be answered."""
        return self._h11.their_state is h11.IDLE

    @property
    def head_begun(self) -> bool:
        """Whether the head of a request has come in part."""
        return self.awaits_head and bool(self._h11.trailing_data[0])

    @property
    def awaits_body(self) -> bool:
        """Whether more of a request is to come."""
        return self._h11.their_state is h11.SEND_BODY

    def _next_if_over(self) -> None:
        if self._h11.our_state is h11.DONE and self._h11.their_state is h11.DONE:
            self._h11.start_next_cycle()

    # -- outbound -------------------------------------------------------------------------------------------------

    def data_to_send(self) -> bytes:
        """The bytes that have to go out next."""
        data = b"".join(self._out)
        self._out.clear()
        return data

    def _send(self, event: h11.Event) -> None:
        data = self._h11.send(event)
        if data:
            self._out.append(data)

    def send_headers(self, stream_id: int, headers: Sequence[HeaderField], end_stream: bool = False) -> None:
        """Send the head of the response, with END_STREAM all of it."""
        self.progressed = True
        status = int(headers[0][1])
        fields = [field for field in headers if field[0][:1] != b":"]
        if end_stream:
            fields.append((b"content-length", b"0"))
        if self._draining:
            fields.append((b"connection", b"close"))
        self._send(h11.Response(status_code=status, headers=fields, reason=HTTPStatus(status).phrase))
        if end_stream:
            self._end_response()

    def send_data(self, stream_id: int, data: bytes, end_stream: bool = False) -> None:
        """Send a part of the response's body."""
        self.progressed = True
        if data and not self._head_only:
            self._send(h11.Data(data=data))
        if end_stream:
            self._end_response()

    def _end_response(self) -> None:
        self._send(h11.EndOfMessage())
        self._next_if_over()

    def reset(self, stream_id: int, error_code: int) -> None:
        """The stream is over for us. What comes of its request is dropped; a response that cannot be finished is cut
        off, with the connection."""
        if stream_id != self.highest_remote_stream_id:
            return
        self._discarding = True
        if self._h11.our_state is h11.SEND_RESPONSE:
            self._answer(400, "malformed request")
        elif self._h11.our_state is h11.SEND_BODY:
            self._cut = True

    def _answer(self, status: int, reason: str) -> None:
        """Answer what is no request, as far as that can still be done. The connection is not going to be used again."""
        if self._h11.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            self._draining = True
            body = reason.encode()
            head = [(b":status", b"%d" % status), (b"content-type", b"text/plain; charset=utf-8")]
            self.send_headers(0, [*head, (b"content-length", b"%d" % len(body))])
            self.send_data(0, body, end_stream=True)

    def time_out(self) -> None:
        """The client takes too long to send its request, if it has begun one."""
        if self.head_begun or self.awaits_body:
            self._answer(408, "the request did not come in time")

    @property
    def over(self) -> bool:
        """Whether nothing more can be done with the connection. One that is closed while the client still sends would
        take the answer with it, so some of that is waited for."""
        if self._cut or self._h11.our_state is h11.ERROR:
            return True
        unanswered = self.awaits_body and self._to_discard > 0
        return self._h11.our_state is h11.MUST_CLOSE and not unanswered

    # -- what HTTP/2 has ------------------------------------------------------------------------------------------

    @property
    def open_stream_count(self) -> int:
        return 0 if self.awaits_head else 1

    def send_goaway(self, last_stream_id: int, error_code: int, debug_data: bytes = b"") -> None:
        """Tell the client, with the next response, to make another connection."""
        self._draining = True

    def send_window(self, stream_id: int) -> int:
        return self.connection_send_window

    def oversize(self, headers: Sequence[HeaderField]) -> int:
        return 0

    def ping(self, payload: bytes) -> None:
        """There is none."""

    def count_refusal(self) -> None:
        """The next request waits for this answer."""

    def open_stream_window(self, stream_id: int, size: int) -> None:
        """There is none."""

    def open_connection_window(self, size: int) -> None:
        """There is none."""


def _as_http2(request: h11.Request, fields: list[HeaderField]) -> list[HeaderField]:
    """The header list that this would be in HTTP/2 (RFC 9113, section 8.3.1)."""
    host, path = next((value for name, value in fields if name == b"host"), b""), request.target
    if absolute := _ABSOLUTE.fullmatch(path):  # has precedence (RFC 9112, section 3.2.2)
        host, path = absolute["host"], absolute["path"] or b"/"
    dropped = set(_HOP_BY_HOP)
    for name, value in fields:
        if name == b"connection":
            dropped.update(option.strip().lower() for option in value.split(b","))
    return [
        (b":method", request.method),
        (b":scheme", b"http"),
        (b":path", path),
        *([(b":authority", host)] if host else []),
        *(field for field in fields if field[0] not in dropped),
    ]
