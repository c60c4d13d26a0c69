"""A server's connection that takes calls of browsers as well: gRPC-Web, over HTTP/2 and HTTP/1.1."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, cast

from ..events import ReadingPaused
from ..frames import CLIENT_PREFACE
from ..gate import ConnectionFault
from ..header_blocks import HeaderBlock, HeaderField
from ..headers import (
    Request,
    RequestRefused,
    is_grpc_content_type,
    parse_request,
    response_headers,
    trailers,
)
from ..limits import Limits
from ..server_connection import CallMaker, ServerConnection
from ..status import Http2Error, Status, StatusCode
from .call import WebCall
from .grpc_web import GrpcWeb
from .options import Web

if TYPE_CHECKING:
    from ..http2 import Http2Connection
    from .http1 import Http1Connection
    from .http1_clock import Http1Clock

_HTTP2_BEGINS = CLIENT_PREFACE[:4]


class WebServerConnection(ServerConnection):
    """A ServerConnection that finds out by the first bytes what its client speaks."""

    def __init__(self, web: Web, limits: Limits | None = None, **options: Any) -> None:
        super().__init__(limits, **options)
        self.cors = web.cors
        self._web = web
        # The first bytes, as long as they may be either HTTP/1.1's or HTTP/2's.
        self._held: bytes | None = b"" if web.http1 else None
        self._http1: Http1Connection | None = None
        self._clock: Http1Clock | None = None
        self.reading_paused = False  # HTTP/1.1 has no windows to hold a client back with

    # -- what a request is ----------------------------------------------------------------------------------------

    def headers_received(self, stream_id: int, block: HeaderBlock, end_stream: bool) -> None:
        if self._http1 is not None and any(
            name == b"content-type" and is_grpc_content_type(value) for name, value in block.fields
        ):
            reason = "gRPC needs HTTP/2; over HTTP/1.1 there is application/grpc-web"
            self._refuse(stream_id, RequestRefused(505, StatusCode.INTERNAL, reason), end_stream)
            return
        super().headers_received(stream_id, block, end_stream)

    def _translate(
        self, stream_id: int, block: HeaderBlock, refused: RequestRefused, end_stream: bool
    ) -> tuple[Request, CallMaker] | None:
        fields = block.fields
        origin = next((value for name, value in fields if name == b"origin"), None)
        translation = GrpcWeb.of_request(fields) if refused.http_status == 415 else None
        if translation is None:
            self._refuse(stream_id, self._other_answer(refused, fields, origin), end_stream)
            return None
        request = parse_request(HeaderBlock(translation.request), self.limits.max_header_list_size)
        if isinstance(request, Request):
            if all(name != b"content-encoding" or value == b"identity" for name, value in fields):
                add_fields = partial(self._response_head, origin)
                return request, partial(WebCall, translation=translation, add_fields=add_fields)
            reason = "a body with a content-encoding is not supported; send it as it is"
            request = RequestRefused(415, StatusCode.UNIMPLEMENTED, reason, request.content_length)
        if request.http_status == 200:
            answer = response_headers() + trailers(Status(request.code, request.reason))
            head = self._response_head(origin, translation.head(answer))
            self.http2.count_refusal()
            self.http2.send_headers(stream_id, head, end_stream=True)
            self.http2.reset(stream_id, Http2Error.NO_ERROR)
        else:
            shown = (*self.cors.response_fields(origin),)
            self._refuse(stream_id, request._replace(fields=shown), end_stream)
        return None

    def _other_answer(
        self, refused: RequestRefused, fields: list[HeaderField], origin: bytes | None
    ) -> RequestRefused:
        """What is no call may be a browser's question whether it may make one. Any page may read a refusal."""
        if (b":method", b"OPTIONS") not in fields or not self.cors.is_preflight(fields):
            return refused._replace(fields=(*self.cors.response_fields(origin),))
        allowed = self.cors.preflight_fields(fields)
        if allowed is not None:
            return RequestRefused(204, StatusCode.OK, "", refused.content_length, (*allowed,))
        reason = f"pages of {(origin or b'').decode('latin-1')!a} may not call here (Web(origins=...))"
        shown = (*self.cors.response_fields(None),)
        return RequestRefused(403, StatusCode.PERMISSION_DENIED, reason, refused.content_length, shown)

    def _response_head(self, origin: bytes | None, head: list[HeaderField]) -> list[HeaderField]:
        """A response's header list with what browsers have to know of it."""
        return head + self.cors.response_fields(origin, [name for name, _ in head])

    # -- HTTP/1.1 or HTTP/2 ---------------------------------------------------------------------------------------

    def receive(self, data: bytes, now: float) -> None:
        if self._held is not None and not self.ended:
            data = self._held + data
            if _HTTP2_BEGINS.startswith(data):
                self._held = data
                return
            self._held = None
            if not data.startswith(_HTTP2_BEGINS):
                self._begin_http1(now)
        super().receive(data, now)
        if self._clock is not None:
            self._clock.moved(now)
            self._hold_back()

    def _begin_http1(self, now: float) -> None:
        from .http1 import Http1Connection
        from .http1_clock import Http1Clock

        self.now = now
        self._http1 = Http1Connection(self, self.limits)
        self._clock = Http1Clock(self, self._http1, self._web.idle_timeout)
        # It has the verbs that a server's connection and its calls use.
        self.http2 = cast("Http2Connection", self._http1)
        self.protocols = ("http/1.1", None)
        self._keepalive = None  # nothing to ask with
        if self.draining:
            self.http2.send_goaway(0, Http2Error.NO_ERROR)
            self._send_final_goaway(now)

    def data_to_send(self, now: float | None = None) -> bytes:
        data = super().data_to_send(now)
        http1, clock = self._http1, self._clock
        if http1 is None or clock is None or self.ended:
            return data
        if data:
            clock.moved(self.now)
        if http1.head_begun:  # it came before the last response was done
            try:
                http1.receive(b"", self.now)
            except ConnectionFault as fault:
                self._faulted(fault)
        self._hold_back()
        return data

    def _hold_back(self) -> None:
        """Have the shell read no more than is of use, as HTTP/2's windows would."""
        assert self._http1 is not None
        paused = self._unread > self.limits.stream_window or self._http1.has_next
        if paused is not self.reading_paused and not self.ended:
            self.reading_paused = paused
            self.emit(ReadingPaused(paused))

    @property
    def has_queued(self) -> bool:
        """Whether a call has bytes that the client has not taken."""
        return any(call.queued_bytes for call in self._calls.values())

    def drain(self, now: float, reason: bytes = b"") -> None:
        super().drain(now, reason)
        if self._http1 is not None:
            self._send_final_goaway(now)

    def _end_if_drained(self) -> None:
        super()._end_if_drained()
        if self._http1 is not None and self._http1.over and not self._calls:
            self._end("the last response has been sent")
