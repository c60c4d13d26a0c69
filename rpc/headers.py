"""Header lists ↔ typed values: requests, response heads and trailers (PROTOCOL-HTTP2, "Requests" and "Responses").

Everything that can be wrong with a header list is found here, once per distinct header block: the result is kept with
the block (`HeaderBlock.parsed`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from .compression import ACCEPTED
from .header_blocks import HeaderBlock, HeaderField
from .metadata import (
    STATUS_DETAILS,
    BadMetadata,
    Metadata,
    MetadataValue,
    decode_metadata,
    encode_metadata,
)
from .status import Status, StatusCode, http2_error_name, status_of_http, status_of_reset
from .timeout import decode_timeout, encode_timeout
from .version import USER_AGENT

CONTENT_TYPE = b"application/grpc"
_USER_AGENT = USER_AGENT.encode()

_FIELD_NAME = re.compile(rb"[!#$%&'*+\-.^_`|~0-9a-z]+")
_BAD_VALUE = re.compile(rb"[\x00\r\n]")
_CONNECTION_SPECIFIC = frozenset(
    {b"connection", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"upgrade"}
)
_MESSAGE_ESCAPE = re.compile(rb"[^\x20-\x24\x26-\x7e]")


# -- requests -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Request:
    """What a call asks for. `timeout` is in seconds, None for no deadline."""

    path: str
    metadata: Metadata
    timeout: float | None = None
    authority: str = ""
    scheme: str = "http"
    encoding: str = "identity"
    accept_encoding: tuple[str, ...] = ()
    content_type: str = "application/grpc"
    content_length: int | None = None


class RequestRefused(NamedTuple):
    """Why a request is not a gRPC call.

    `http_status` is what to answer with; 200 stands for an answer in gRPC's own form, with `code`; 0 for RST_STREAM
    with PROTOCOL_ERROR, as HTTP/2 asks for malformed requests. `fields` go into the answer's head.
    """

    http_status: int
    code: StatusCode
    reason: str
    content_length: int | None = None
    fields: tuple[HeaderField, ...] = ()


def request_headers(
    path: str,
    authority: str,
    scheme: str,
    metadata: Iterable[HeaderField] = (),
    timeout: float | None = None,
    encoding: bytes | None = None,
) -> list[HeaderField]:
    """The header list of a call, in the order of the specification (R01-R03, R33). `metadata` is as `encode_metadata`
    gives it, `timeout` in seconds."""
    headers = [
        (b":method", b"POST"),
        (b":scheme", scheme.encode()),
        (b":path", path.encode()),
        (b":authority", authority.encode()),
    ]
    if timeout is not None:
        headers.append((b"grpc-timeout", encode_timeout(timeout)))
    headers += (
        (b"te", b"trailers"),
        (b"content-type", CONTENT_TYPE),
        (b"user-agent", _USER_AGENT),
        (b"grpc-accept-encoding", ACCEPTED),
    )
    if encoding is not None:
        headers.append((b"grpc-encoding", encoding))
    headers += metadata
    return headers


def parse_request(block: HeaderBlock, max_size: int) -> Request | RequestRefused:
    """A received header list as a Request, or why it is none (R01-R05, R23, R30, R31, R34)."""
    if block.parsed is None:
        block.parsed = _parse_request(block, max_size)
    return block.parsed


def _parse_request(block: HeaderBlock, max_size: int) -> Request | RequestRefused:
    if block.size > max_size:
        reason = f"header list of {block.size} bytes is over the server's limit of {max_size}"
        return RequestRefused(431, StatusCode.RESOURCE_EXHAUSTED, f"{reason} (max_header_list_size)")
    fault = _malformed(block.fields, required=(b":method", b":scheme", b":path"), allowed=(b":authority",))
    if fault:
        return RequestRefused(0, StatusCode.INTERNAL, fault)
    fields = dict(reversed(block.fields))  # the first of each name
    length = fields.get(b"content-length")
    if length is not None and not (length.isdigit() and len(length) < 20):
        return RequestRefused(0, StatusCode.INTERNAL, f"content-length {_show(length)} is no number")
    content_length = None if length is None else int(length)
    if fields[b":method"] != b"POST":
        reason = f"gRPC requests are POST, not {_show(fields[b':method'])}"
        if fields[b":method"] == b"HEAD":  # its answer has no body to say so in
            reason = ""
        return RequestRefused(405, StatusCode.INTERNAL, reason, content_length)
    content_type = fields.get(b"content-type", b"")
    if not is_grpc_content_type(content_type):
        shown = _show(content_type) if content_type else "missing"
        reason = f"content-type is {shown}, not application/grpc"
        return RequestRefused(415, StatusCode.INTERNAL, reason, content_length)
    hosts = {value for name, value in block.fields if name in (b":authority", b"host")}
    if sum(name == b"host" for name, _ in block.fields) > 1 or (
        len(hosts) > 1 and b":authority" not in fields
    ):
        return RequestRefused(400, StatusCode.INTERNAL, "more than one host header", content_length)
    try:
        timeout = decode_timeout(fields[b"grpc-timeout"]) if b"grpc-timeout" in fields else None
        metadata = decode_metadata(block.fields)
    except ValueError as error:  # BadMetadata is one
        return RequestRefused(200, StatusCode.INTERNAL, str(error))
    return Request(
        path=fields[b":path"].decode("latin-1"),
        metadata=metadata,
        timeout=timeout,
        authority=fields.get(b":authority", fields.get(b"host", b"")).decode("latin-1"),
        scheme=fields[b":scheme"].decode("latin-1"),
        encoding=fields.get(b"grpc-encoding", b"identity").decode("latin-1"),
        accept_encoding=_split_list(fields.get(b"grpc-accept-encoding", b"")),
        content_type=content_type.decode("latin-1"),
        content_length=content_length,
    )


def request_trailers_fault(block: HeaderBlock) -> str | None:
    """What makes the trailers of a request malformed; None if they are well-formed."""
    return _malformed(block.fields, required=())


def is_grpc_content_type(value: bytes) -> bool:
    """application/grpc, alone or followed by "+…" or ";…" (R03)."""
    return value.startswith(CONTENT_TYPE) and value[len(CONTENT_TYPE) :][:1] in (b"", b"+", b";")


def _split_list(value: bytes) -> tuple[str, ...]:
    return tuple(item.strip() for item in value.decode("latin-1").split(",") if item.strip())


def _malformed(
    fields: Sequence[HeaderField], required: tuple[bytes, ...], allowed: tuple[bytes, ...] = ()
) -> str | None:
    """What makes a header list malformed in the sense of RFC 9113, section 8.2 and 8.3; None if it is well-formed."""
    pseudo: set[bytes] = set()
    regular_seen = False
    for name, value in fields:
        if name.startswith(b":"):
            if regular_seen:
                return f"pseudo-header field {_show(name)} after regular fields"
            if name in pseudo or name not in required + allowed:
                return f"pseudo-header field {_show(name)} is repeated or not expected here"
            pseudo.add(name)
            continue
        regular_seen = True
        if not _FIELD_NAME.fullmatch(name):
            return f"field name {_show(name)} has characters that HTTP/2 does not allow"
        if _BAD_VALUE.search(value):
            return f"value of field {_show(name)} holds NUL, CR or LF"
        if name in _CONNECTION_SPECIFIC:
            return f"connection-specific field {_show(name)}"
        if name == b"te" and value != b"trailers":
            return "field te with a value other than trailers"
    missing = [_show(name) for name in required if name not in pseudo]
    if missing:
        return f"pseudo-header field {', '.join(missing)} is missing"
    return "empty :path" if b":path" in required and (b":path", b"") in fields else None


def _show(name: bytes) -> str:
    return ascii(name[:64].decode("latin-1"))


# -- responses ----------------------------------------------------------------------------------------------------

_RESPONSE_HEAD = [(b":status", b"200"), (b"content-type", CONTENT_TYPE)]
_OK_TRAILERS = [(b"grpc-status", b"0")]


def response_headers(
    metadata: Iterable[tuple[str, MetadataValue]] = (),
    encoding: bytes | None = None,
    accept_encoding: bytes | None = None,
) -> list[HeaderField]:
    """The head of a response. Raises ValueError or TypeError for metadata that may not be sent."""
    headers = list(_RESPONSE_HEAD)
    if encoding is not None:
        headers.append((b"grpc-encoding", encoding))
    if accept_encoding is not None:
        headers.append((b"grpc-accept-encoding", accept_encoding))
    if metadata:
        headers += encode_metadata(metadata)
    return headers


def trailers(status: Status) -> list[HeaderField]:
    """The trailers that carry `status` (R11, R13, R14, R32)."""
    if status.code is StatusCode.OK and not (status.message or status.details or status.trailing_metadata):
        return _OK_TRAILERS
    headers = [(b"grpc-status", b"%d" % status.code)]
    if status.message:
        headers.append((b"grpc-message", encode_message(status.message)))
    metadata = list(status.trailing_metadata)
    if status.details and STATUS_DETAILS not in status.trailing_metadata:
        metadata.append((STATUS_DETAILS, status.details))
    return headers + encode_metadata(metadata)


def refusal_headers(refused: RequestRefused) -> list[HeaderField]:
    """The head of an answer to a request that is not gRPC; `reason` follows as its body, if there is one."""
    head = [(b":status", b"%d" % refused.http_status), *refused.fields]
    return [*head, (b"content-type", b"text/plain; charset=utf-8")] if refused.reason else head


class ResponseHead(NamedTuple):
    """The first header list of a response. `fault` is set when it does not begin a gRPC response."""

    metadata: Metadata
    encoding: str
    accept_encoding: tuple[str, ...]
    fault: Status | None


def parse_response_head(block: HeaderBlock, max_size: int) -> ResponseHead:
    """A received response head (R12, R43)."""
    if not isinstance(block.parsed, ResponseHead):
        block.parsed = _parse_response_head(block, max_size)
    return block.parsed


def _parse_response_head(block: HeaderBlock, max_size: int) -> ResponseHead:
    fields = dict(reversed(block.fields))
    fault = _response_fault(block, fields, max_size)
    try:
        metadata = decode_metadata(block.fields)
    except BadMetadata as error:
        metadata, fault = Metadata(), fault or Status(StatusCode.INTERNAL, str(error))
    return ResponseHead(
        metadata,
        fields.get(b"grpc-encoding", b"identity").decode("latin-1"),
        _split_list(fields.get(b"grpc-accept-encoding", b"")),
        fault,
    )


def _response_fault(block: HeaderBlock, fields: dict[bytes, bytes], max_size: int) -> Status | None:
    if block.size > max_size:
        text = f"response header list of {block.size} bytes is over the limit of {max_size} (max_header_list_size)"
        return Status(StatusCode.INTERNAL, text)
    malformed = _malformed(block.fields, required=(b":status",))
    if malformed:
        return Status(StatusCode.INTERNAL, f"malformed response: {malformed}")
    http_status = fields[b":status"]
    content_type = fields.get(b"content-type", b"")
    if http_status == b"200" and is_grpc_content_type(content_type):
        return None
    # grpc-status may stand here too, but means something only where the stream ends (R19).
    code = status_of_http(int(http_status)) if re.fullmatch(rb"[0-9]{3}", http_status) else StatusCode.UNKNOWN
    shown = _show(content_type) if content_type else "none"
    return Status(
        code,
        f"the peer answered with HTTP status {_show(http_status)} and content-type {shown}, which is not gRPC",
    )


def parse_trailers(block: HeaderBlock, max_size: int, *, trailers_only: bool) -> Status:
    """The status that trailers carry (R10-R15, R20, R43). `trailers_only`: they came as the whole response."""
    parsed = block.parsed
    if not isinstance(parsed, _Outcome) or parsed.trailers_only is not trailers_only:
        parsed = block.parsed = _Outcome(trailers_only, _parse_trailers(block, max_size, trailers_only))
    return parsed.status


class _Outcome(NamedTuple):
    trailers_only: bool
    status: Status


def _parse_trailers(block: HeaderBlock, max_size: int, trailers_only: bool) -> Status:
    if block.size > max_size:
        text = f"trailers of {block.size} bytes are over the limit of {max_size} (max_header_list_size)"
        return Status(StatusCode.INTERNAL, text)
    malformed = _malformed(block.fields, required=(b":status",) if trailers_only else ())
    if malformed:
        return Status(StatusCode.INTERNAL, f"malformed trailers: {malformed}")
    if any(name == b"grpc-status" for name, _ in block.fields):
        return _status_of_fields(block)
    if trailers_only:
        head = _parse_response_head(block, max_size)
        if head.fault is not None:
            return head.fault
    return Status(StatusCode.UNKNOWN, "the response ended without grpc-status")


def _status_of_fields(block: HeaderBlock) -> Status:
    fields = dict(reversed(block.fields))
    text = fields[b"grpc-status"]
    message = decode_message(fields.get(b"grpc-message", b""))
    try:
        number = int(text) if text.isdigit() and len(text) <= 10 else -1
        code = StatusCode(number)
    except ValueError:
        code = StatusCode.UNKNOWN
        message = f"{message} [grpc-status was {_show(text)}]".lstrip()
    try:
        metadata = decode_metadata(block.fields)
        details = metadata.get(STATUS_DETAILS)
    except BadMetadata as error:
        return Status(StatusCode.INTERNAL, f"malformed trailers: {error}", from_peer=False)
    return Status(code, message, details if isinstance(details, bytes) else b"", metadata, from_peer=True)


def reset_status(error_code: int) -> Status:
    """The status of a call whose stream the peer reset (R41, R42)."""
    name = http2_error_name(error_code)
    return Status(
        status_of_reset(error_code),
        f"the peer reset the stream with {name}",
        from_peer=True,
        reached_server=name != "REFUSED_STREAM",
    )


# -- grpc-message -------------------------------------------------------------------------------------------------


def encode_message(message: str) -> bytes:
    """grpc-message: UTF-8, percent-encoded but for printable ASCII other than % (R14)."""
    text = message.encode("utf-8", "replace")
    return _MESSAGE_ESCAPE.sub(lambda match: b"%%%02X" % match[0][0], text)


def decode_message(text: bytes) -> str:
    """The text of a received grpc-message. What is badly encoded is kept as it came (R15)."""
    return unquote_to_bytes(text).decode("utf-8", "replace")
