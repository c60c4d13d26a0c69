from __future__ import annotations

import pytest

from barewire.rpc.status import (
    Http2Error,
    Status,
    StatusCode,
    http2_error_name,
    status_of_http,
    status_of_reset,
)

_HTTP = {
    400: "INTERNAL",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "UNIMPLEMENTED",
    429: "UNAVAILABLE",
    431: "INTERNAL",
    502: "UNAVAILABLE",
    503: "UNAVAILABLE",
    504: "UNAVAILABLE",
}
_RESET = {
    "NO_ERROR": "INTERNAL",
    "PROTOCOL_ERROR": "INTERNAL",
    "INTERNAL_ERROR": "INTERNAL",
    "FLOW_CONTROL_ERROR": "INTERNAL",
    "SETTINGS_TIMEOUT": "INTERNAL",
    "FRAME_SIZE_ERROR": "INTERNAL",
    "COMPRESSION_ERROR": "INTERNAL",
    "CONNECT_ERROR": "INTERNAL",
    "REFUSED_STREAM": "UNAVAILABLE",
    "CANCEL": "CANCELLED",
    "ENHANCE_YOUR_CALM": "RESOURCE_EXHAUSTED",
    "INADEQUATE_SECURITY": "PERMISSION_DENIED",
}


@pytest.mark.rule(43)
@pytest.mark.parametrize("http_status", range(100, 600))
def test_r43_http_statuses(http_status: int) -> None:
    assert status_of_http(http_status).name == _HTTP.get(http_status, "UNKNOWN")


@pytest.mark.rule(41)
@pytest.mark.rule(42)
@pytest.mark.parametrize("name", _RESET)
def test_r41_r42_reset_codes(name: str) -> None:
    assert status_of_reset(Http2Error[name]).name == _RESET[name]


def test_unknown_reset_codes() -> None:
    assert status_of_reset(0xDEAD) is StatusCode.INTERNAL
    assert http2_error_name(0xDEAD) == "0xdead"
    assert http2_error_name(8) == "CANCEL"


def test_codes_are_those_of_the_specification() -> None:
    assert [code.value for code in StatusCode] == list(range(17))
    assert StatusCode.UNAUTHENTICATED == 16
    assert Status(StatusCode.OK).reached_server
