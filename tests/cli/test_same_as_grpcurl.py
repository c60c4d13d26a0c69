"""The same question to the same server, asked with grpcurl and with barewire: the same answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.grpcurl import Grpcurl, find_grpcurl

# What grpcurl prints of HTTP headers is not metadata here.
HTTP = ("content-type: ", "grpc-accept-encoding: ")


@pytest.fixture(scope="session")
def grpcurl(target: str) -> Grpcurl:
    return Grpcurl(find_grpcurl(), target)


QUESTIONS = [
    "list",
    "list rich.Svc",
    "describe",
    "describe rich.Outer",
    "describe rich.Outer.pick",
    "describe rich.Outer.Kind",
    "describe rich.note",
    "describe grpc.health.v1.Health.Check",
]


@pytest.mark.parametrize("question", QUESTIONS)
def test_list_and_describe(
    grpcurl: Grpcurl, barewire: Callable[..., Any], target: str, question: str
) -> None:
    verb, *name = question.split()
    theirs = grpcurl(verb, *name)
    ours = barewire(verb, target, *name)
    assert (ours.status, ours.out, ours.error) == (theirs.status, theirs.out, theirs.error) != (1, "", "")


@pytest.mark.parametrize(
    "flags",
    [
        ["rich.Svc/Zed", "-d", '{"x":1}{"x":2}'],
        ["rich.Svc/Zed", "-d", '{"x":1} {}', "-H", "a: b", "-H", "c-bin: q6ur", "-H", "A: c"],
        ["rich.Svc.Do"],
        ["rich.Svc/Do", "-d", "{}"],
        ["bookstore.Bookstore/GetBook", "-d", '{"id": "1"}'],
        ["bookstore.Bookstore/GetBook", "-d", '{"id": "2"}'],
        ["bookstore.Bookstore/ListBooks"],
        ["bookstore.Bookstore/AddBooks"],
        ["bookstore.Bookstore/AddBooks", "-d", '{"id":"1"}{"id":"2"}'],
        ["bookstore.Bookstore/Chat"],
        ["grpc.health.v1.Health/Check", "-d", '{"service": "?"}'],
        ["grpc.health.v1.Health/Check", "-emit-defaults"],
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("verbose", [False, True], ids=["", "verbose"])
def test_call(
    grpcurl: Grpcurl, barewire: Callable[..., Any], target: str, flags: list[str], verbose: bool
) -> None:
    method, *rest = flags
    rest += ["-v"] if verbose else []
    theirs = grpcurl(method, flags=tuple(rest))
    ours = barewire("call", target, method, *rest)
    assert without_http(ours.out) == without_http(theirs.out)
    assert (ours.status, ours.error) == (theirs.status, theirs.error)


def without_http(out: str) -> list[str]:
    return [line for line in out.splitlines() if line != "(empty)" and not line.startswith(HTTP)]


def test_details_of_an_error(grpcurl: Grpcurl, barewire: Callable[..., Any], target: str) -> None:
    theirs = grpcurl("rich.Svc/Do", flags=("-d", '{"name": "no"}'))
    ours = barewire("call", target, "rich.Svc/Do", "-d", '{"name": "no"}')
    assert ours.status == theirs.status == 64 + 9
    known, _, unknown = ours.error.partition("  3)")
    assert known == theirs.error.partition("  3)")[0]
    assert '"@value": "AQ=="' in unknown
