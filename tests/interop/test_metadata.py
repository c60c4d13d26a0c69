"""Metadata both ways: text and `-bin`, initial and trailing, repeated keys, on every shape."""

from __future__ import annotations

import pytest

from .clients.outcome import Client

INITIAL: list[tuple[str, str | bytes]] = [
    ("echo-initial-text", "plain value, with a comma; and 100%"),
    ("echo-initial-twice", "first"),
    ("echo-initial-twice", "second"),
    ("echo-initial-bytes-bin", bytes(range(256))),
    ("echo-initial-empty-bin", b""),
]
TRAILING: list[tuple[str, str | bytes]] = [
    ("echo-trailing-text", "~ !"),
    ("echo-trailing-bin", b"\xab\xab\xab"),
    ("echo-trailing-twice-bin", b"\x00"),
    ("echo-trailing-twice-bin", b"a,b"),
]


@pytest.mark.rule(26)
@pytest.mark.parametrize("method", ["Unary", "ServerStream", "ClientStream", "Bidi"])
def test_r26_metadata_comes_back(client: Client, method: str) -> None:
    request = client.interop.Request(response_count=1)
    outcome = client.call(method, [request], metadata=[*INITIAL, *TRAILING, ("not-echoed", "x")])
    assert outcome.code == "OK"
    assert len(outcome.responses) == 1
    assert sorted(outcome.initial, key=lambda pair: pair[0]) == sorted(INITIAL, key=lambda pair: pair[0])
    assert sorted(outcome.trailing, key=lambda pair: pair[0]) == sorted(TRAILING, key=lambda pair: pair[0])


@pytest.mark.rule(28)
def test_r28_order_within_a_key(client: Client) -> None:
    metadata = [("echo-initial-n", str(n)) for n in range(20)]
    outcome = client.call("Unary", [client.interop.Request()], metadata=metadata)
    assert outcome.initial == metadata


def test_metadata_of_a_failed_call(client: Client) -> None:
    status = client.interop.Status(code=5, message="no")
    request = client.interop.Request(status=status)
    for method in ("Unary", "ClientStream", "Bidi"):
        outcome = client.call(method, [request], metadata=[*INITIAL, *TRAILING])
        assert outcome.code == "NOT_FOUND"
        assert sorted(outcome.trailing, key=lambda pair: pair[0]) == sorted(
            TRAILING, key=lambda pair: pair[0]
        )


def test_many_metadata_keys(client: Client) -> None:
    metadata = [(f"echo-initial-{n}", "v" * 20) for n in range(60)]
    outcome = client.call("Unary", [client.interop.Request()], metadata=metadata)
    assert outcome.code == "OK", outcome
    assert sorted(outcome.initial) == sorted(metadata)
