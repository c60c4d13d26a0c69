"""Observers are told, and change nothing: neither for the call nor for each other, nor for later calls."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from barewire import rpc
from barewire.rpc import AttemptObserver, CallObserver, Metadata, Status
from barewire.rpc.observer import AttemptKind
from tests.support.rpc_service import Item, servicer, serving

HEAD, TRAILER = ("head", "original"), ("trailer", "original")


class Spoiler(CallObserver, AttemptObserver):
    """Writes into all that it is given, and notes what it was."""

    def __init__(self, seen: list[tuple[str, Any]]) -> None:
        self._seen = seen

    def _spoil(self, event: str, metadata: Metadata) -> None:
        self._seen.append((event, metadata.get("head") or metadata.get("trailer")))
        metadata.set("head", "spoilt")
        metadata.set("trailer", "spoilt")

    def head(self, metadata: Metadata) -> None:
        self._spoil("head", metadata)

    def ended(self, status: Status) -> None:
        self._spoil("ended", status.trailing_metadata)

    def attempt_started(self, previous_attempts: int, kind: AttemptKind) -> AttemptObserver:
        return Spoiler(self._seen)


class Spoiling(rpc.Interceptor):
    """Two spoilers for each call."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, Any]] = []

    async def intercept(self, call: rpc.InterceptedCall, proceed: rpc.Proceed) -> None:
        call.observe(Spoiler(self.seen))
        call.observe(Spoiler(self.seen))
        await proceed()


async def unary(request: Any, context: Any) -> Any:
    await context.send_initial_metadata([HEAD])
    context.set_trailing_metadata([TRAILER])
    if request.number:
        await context.abort(rpc.StatusCode.NOT_FOUND, "no")
    return request


@pytest.mark.parametrize("side", ["client", "server"])
@pytest.mark.parametrize("fails", [False, True])
async def test_each_has_metadata_of_its_own(side: str, fails: bool) -> None:
    spoiling = Spoiling()
    options: dict[str, Any] = {"interceptors": [spoiling]}
    if side == "client":
        options = {"channel": options}
    async with serving(servicer(Unary=unary), **options) as (stub, _, _):
        for _ in range(3):  # the client remembers trailers that it has seen before
            call = stub.Unary(Item(number=int(fails)))
            assert (await call.code()) is (rpc.StatusCode.NOT_FOUND if fails else rpc.StatusCode.OK)
            assert (await call.initial_metadata()).get_all("head") == ["original"]
            assert (await call.trailing_metadata()).get_all("trailer") == ["original"]
    assert {value for _, value in spoiling.seen} == {"original"}
    calls = 2 + 2 * (side == "client")  # a client's attempts have observers, too
    assert [event for event, _ in spoiling.seen].count("ended") == 3 * calls


async def test_one_that_raises_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(CallObserver):
        def head(self, metadata: Metadata) -> None:
            raise RuntimeError("broken")

        ended = received = head  # type: ignore[assignment]

    class Observing(rpc.Interceptor):
        async def intercept(self, call: rpc.InterceptedCall, proceed: rpc.Proceed) -> None:
            call.observe(Broken())
            await proceed()

    with caplog.at_level(logging.ERROR, "barewire.rpc.observer"):
        async with serving(servicer(Unary=unary), channel={"interceptors": [Observing()]}) as (stub, _, _):
            await stub.Unary(Item())
    assert [record.message for record in caplog.records] == [
        "Broken.head raised",
        "Broken.received raised",
        "Broken.ended raised",
    ]
