"""Status codes, and how failures below gRPC translate to them.

Follows the gRPC documents statuscodes, http-grpc-status-mapping and the error section of PROTOCOL-HTTP2.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import IntEnum

from .metadata import Metadata


class StatusCode(IntEnum):
    """The canonical codes; the value is what `grpc-status` carries."""

    OK = 0
    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15
    UNAUTHENTICATED = 16

    @classmethod
    def _missing_(cls, value: object) -> StatusCode | None:
        """grpcio's codes are known by their number: servicers written for it pass them."""
        pair = getattr(value, "value", None)
        return cls(pair[0]) if isinstance(pair, tuple) and pair else None  # pyright: ignore[reportUnknownArgumentType]


class Http2Error(IntEnum):
    """HTTP/2 error codes (RFC 9113, section 7), as carried by RST_STREAM and GOAWAY."""

    NO_ERROR = 0x0
    PROTOCOL_ERROR = 0x1
    INTERNAL_ERROR = 0x2
    FLOW_CONTROL_ERROR = 0x3
    SETTINGS_TIMEOUT = 0x4
    STREAM_CLOSED = 0x5
    FRAME_SIZE_ERROR = 0x6
    REFUSED_STREAM = 0x7
    CANCEL = 0x8
    COMPRESSION_ERROR = 0x9
    CONNECT_ERROR = 0xA
    ENHANCE_YOUR_CALM = 0xB
    INADEQUATE_SECURITY = 0xC
    HTTP_1_1_REQUIRED = 0xD


def http2_error_name(code: int) -> str:
    """The name of an HTTP/2 error code; unknown ones in hexadecimal."""
    try:
        return Http2Error(code).name
    except ValueError:
        return f"0x{code:x}"


# R41, R42. What is missing here is INTERNAL.
_RESET_TO_STATUS = {
    Http2Error.REFUSED_STREAM: StatusCode.UNAVAILABLE,
    Http2Error.CANCEL: StatusCode.CANCELLED,
    Http2Error.ENHANCE_YOUR_CALM: StatusCode.RESOURCE_EXHAUSTED,
    Http2Error.INADEQUATE_SECURITY: StatusCode.PERMISSION_DENIED,
}

# R43. What is missing here is UNKNOWN.
_HTTP_TO_STATUS = {
    400: StatusCode.INTERNAL,
    401: StatusCode.UNAUTHENTICATED,
    403: StatusCode.PERMISSION_DENIED,
    404: StatusCode.UNIMPLEMENTED,
    429: StatusCode.UNAVAILABLE,
    431: StatusCode.INTERNAL,
    502: StatusCode.UNAVAILABLE,
    503: StatusCode.UNAVAILABLE,
    504: StatusCode.UNAVAILABLE,
}


def status_of_reset(error_code: int) -> StatusCode:
    """The status that a received RST_STREAM stands for."""
    return _RESET_TO_STATUS.get(error_code, StatusCode.INTERNAL)  # type: ignore[call-overload]


def status_of_http(http_status: int) -> StatusCode:
    """The status that an HTTP response without grpc-status stands for (clients only)."""
    return _HTTP_TO_STATUS.get(http_status, StatusCode.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Status:
    """How a call ended.

    `details` is the content of `grpc-status-details-bin` (a serialized google.rpc.Status) or empty. `from_peer` tells
    a status that the peer sent from one that was made here (deadline, lost connection, malformed response, …).
    `reached_server` is False when it is certain that no server application saw the call, so that it may be repeated.
    `final` is True for what was decided here about the whole call (such as a closed channel): no attempt follows.
    """

    code: StatusCode
    message: str = ""
    details: bytes = b""
    trailing_metadata: Metadata = field(default_factory=Metadata)
    from_peer: bool = False
    reached_server: bool = True
    final: bool = False

    def copy(self) -> Status:
        """The same, with metadata of its own."""
        return replace(self, trailing_metadata=self.trailing_metadata.copy())
