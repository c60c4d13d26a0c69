"""Codes, messages and details of failed calls."""

from __future__ import annotations

from typing import Any

import pytest

from .clients.outcome import Client, Outcome

CODES = [
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
]
MESSAGES = (
    "plain",
    "",
    "100% of %41 %zz",
    "\t\ttest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n",
    "Grüße, 世界" * 40,
)


def failing(client: Client, code: int, message: str = "no", detail: str = "", **more: Any) -> Any:
    status = client.interop.Status(code=code, message=message, detail=detail)
    return client.interop.Request(status=status, **more)


def detail_text(client: Client, outcome: Outcome) -> str:
    """The text of the error detail that came in the trailers."""
    (raw,) = (value for key, value in outcome.trailing if key == "grpc-status-details-bin")
    decode = getattr(client.interop.RichStatus, "FromString", None) or client.interop.RichStatus.decode
    rich = decode(raw)
    (packed,) = rich.details
    assert packed.type_url.endswith("/interop.Detail")
    decode = getattr(client.interop.Detail, "FromString", None) or client.interop.Detail.decode
    assert rich.code == 9
    return decode(packed.value).text


def test_every_code(client: Client) -> None:
    outcomes = [client.call("Unary", [failing(client, number)]).code for number in range(1, 17)]
    assert outcomes == CODES


@pytest.mark.rule(14)
@pytest.mark.parametrize("message", MESSAGES, ids=range(len(MESSAGES)))
def test_r14_message_survives(client: Client, message: str) -> None:
    unary = client.call("Unary", [failing(client, 9, message)])
    streamed = client.call("Bidi", [failing(client, 9, message)])
    assert (unary.code, unary.message) == ("FAILED_PRECONDITION", message)
    assert (streamed.code, streamed.message) == ("FAILED_PRECONDITION", message)


def test_failure_after_responses(client: Client) -> None:
    outcome = client.call("ServerStream", [failing(client, 10, "enough", response_count=3)])
    assert (outcome.code, outcome.message) == ("ABORTED", "enough")
    assert [response.index for response in outcome.responses] == [0, 1, 2]


def test_failure_before_any_response(client: Client) -> None:
    outcome = client.call("ServerStream", [failing(client, 7, "no entry")])
    assert (outcome.code, outcome.message, outcome.responses) == ("PERMISSION_DENIED", "no entry", [])


def test_failure_of_a_client_stream(client: Client) -> None:
    outcome = client.call("ClientStream", [failing(client, 11, "too far")] * 3)
    assert (outcome.code, outcome.message) == ("OUT_OF_RANGE", "too far")


def test_bookstore_errors(client: Client) -> None:
    missing = client.call("GetBook", [client.books.GetBookRequest(id="404")])
    nameless = client.call("GetBook", [client.books.GetBookRequest()])
    assert (missing.code, missing.message) == ("NOT_FOUND", "book not found")
    assert nameless.code == "INVALID_ARGUMENT"


@pytest.mark.rule(32)
def test_r32_error_details_and_trailing_metadata(client: Client) -> None:
    metadata = [("echo-trailing-a", "one"), ("echo-trailing-b-bin", b"\x00\xff\n")]
    for method in ("Unary", "ServerStream"):
        outcome = client.call(method, [failing(client, 9, "no", "because — ☃")], metadata=metadata)
        assert outcome.code == "FAILED_PRECONDITION"
        assert detail_text(client, outcome) == "because — ☃"
        assert [pair for pair in outcome.trailing if pair[0].startswith("echo-")] == metadata


@pytest.mark.rule(45)
def test_r45_unknown_service(client: Client) -> None:
    outcome = client.call("Nowhere", [client.interop.Request()])
    assert outcome.code == "UNIMPLEMENTED"


def test_the_channel_survives_failures(client: Client) -> None:
    for _ in range(20):
        client.call("Unary", [failing(client, 13)])
    assert client.call("Unary", [client.interop.Request(response_size=1)]).response.payload == b"\0"
