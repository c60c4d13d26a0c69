"""What browsers are told about pages of other origins."""

from __future__ import annotations

from typing import Any

import pytest

from barewire.rpc import RpcConfigurationError, Web
from tests.support.web_echo import PAGE, Echo, frame, request

pytestmark = pytest.mark.rule(101)

OTHER = "http://other.example"


def preflight(origin: str = PAGE, **fields: str) -> bytes:
    asked = {"access_control_request_method": "POST", "content_type": "", "origin": origin, **fields}
    return request(b"", **asked).replace(b"POST /", b"OPTIONS /", 1)


def test_a_preflight_of_an_allowed_page() -> None:
    answer = Echo().feed(preflight(access_control_request_headers="content-type,x-grpc-web,x-own")).answer
    assert answer.status == 204
    assert not answer.body
    assert answer.fields == {
        "vary": "origin",
        "access-control-allow-origin": PAGE,
        "access-control-allow-methods": "POST",
        "access-control-allow-headers": "content-type,x-grpc-web,x-own",
        "access-control-max-age": "7200",
    }


def test_a_preflight_of_another_page_says_why_not() -> None:
    echo = Echo().feed(preflight(OTHER) + request())
    refused, served = echo.answers
    assert refused.status == 403
    assert refused.fields["vary"] == "origin"
    assert not any(name.startswith("access-control") for name in refused.fields)
    assert refused.body == b"pages of 'http://other.example' may not call here (Web(origins=...))"
    assert served.trailers["grpc-status"] == "0"  # on the same connection


@pytest.mark.parametrize("fields", [{"origin": ""}, {"access_control_request_method": ""}])
def test_other_options_requests_are_refused_as_before(fields: dict[str, str]) -> None:
    assert Echo().feed(preflight(**fields)).answer.status == 405


def test_a_response_shows_the_page_its_status_and_metadata() -> None:
    answer = Echo().feed(request(origin=PAGE)).answer
    assert answer.fields["access-control-allow-origin"] == PAGE
    assert answer.fields["access-control-expose-headers"] == (
        "grpc-status, grpc-message, grpc-status-details-bin, grpc-accept-encoding, x-head"
    )
    trailers_only = Echo().feed(request(b"", origin=PAGE, x_echo_why="because")).answer
    assert trailers_only.fields["x-echo-why"] == "because"
    assert "x-echo-why" in trailers_only.fields["access-control-expose-headers"]


@pytest.mark.parametrize("origin", [OTHER, "null", PAGE + ".evil.example", ""])
def test_other_pages_are_told_nothing(origin: str) -> None:
    answer = Echo().feed(request(origin=origin)).answer
    assert answer.fields["vary"] == "origin"
    assert not any(name.startswith("access-control") for name in answer.fields)


def test_a_page_may_read_why_its_request_is_refused() -> None:
    answer = Echo().feed(request(origin=PAGE, content_type="text/plain")).answer
    assert answer.status == 415
    assert answer.fields["access-control-allow-origin"] == PAGE


@pytest.mark.parametrize(
    ("web", "expected"),
    [
        (Web(), None),
        (Web(origins="*"), "*"),
        (Web(origins=lambda origin: origin.endswith(".example")), OTHER),
        (Web(origins=[PAGE, OTHER], credentials=True), OTHER),
    ],
)
def test_who_is_allowed(web: Web, expected: str | None) -> None:
    for data in (request(origin=OTHER), preflight(OTHER)):
        fields = Echo(web).feed(data).answer.fields
        assert fields.get("access-control-allow-origin") == expected
        assert fields.get("access-control-allow-credentials") == ("true" if web.credentials else None)
        assert ("vary" in fields) is (expected != "*")


def test_a_function_that_fails_allows_nobody(caplog: pytest.LogCaptureFixture) -> None:
    def fails(origin: str) -> bool:
        raise KeyError(origin)

    called, asked = Echo(Web(origins=fails)).feed(request(origin=OTHER) + preflight(OTHER)).answers
    assert called.messages == [b"hello"]  # who is no browser may call anyway
    assert asked.status == 403
    assert "access-control-allow-origin" not in called.fields | asked.fields
    assert [record.exc_info is not None for record in caplog.records] == [True, True]
    assert "Web(origins=...) failed at 'http://other.example'" in caplog.text


async def never_awaited(origin: str) -> bool:
    return False


@pytest.mark.parametrize(
    "options",
    [
        {"origins": ["https://page.example/"]},
        {"origins": ["page.example"]},
        {"origins": ["https://Page.example"]},
        {"origins": [3]},
        {"origins": never_awaited},
        {"origins": "*", "credentials": True},
        {"origins": [PAGE, "null"], "credentials": True},
        {"origins": "https://page.example:443"},
        {"max_age": 0},
        {"idle_timeout": "1"},
    ],
)
def test_options_that_make_no_sense(options: dict[str, Any]) -> None:
    with pytest.raises(RpcConfigurationError, match=next(iter(set(options) - {"credentials"}))):
        Web(**options)


def test_without_h11(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "barewire.rpc.web.http1", None)
    monkeypatch.delattr("barewire.rpc.web.http1", raising=False)
    with pytest.raises(RpcConfigurationError, match=r"barewire\[web\]"):
        Web()
    echo = Echo(Web(http1=False))
    echo.feed(request(frame(b"")))
    assert echo.output.startswith(b"HTTP/1.1 505 ")
    assert echo.ended
