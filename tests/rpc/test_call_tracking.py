"""What pickers are told of the calls that they have placed, and what calls tell pickers about where they have been."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest

from barewire import rpc
from barewire.rpc.balancer import PickedCall, Picker, PickResult, Tracked
from barewire.rpc.call_tracking import CallTracker
from barewire.rpc.endpoint_balancer import Child, EndpointBalancer
from barewire.rpc.service_config import parse_service_config
from barewire.rpc.status import Status, StatusCode
from tests.support.rpc_attempts import World
from tests.support.rpc_channel_core import FakeCall, VirtualChannel

A, B = "10.0.0.1:1", "10.0.0.2:1"
UNAVAILABLE = StatusCode.UNAVAILABLE


class Notes(CallTracker):
    """Notes what it is told; None stands for a call that goes out."""

    def __init__(self) -> None:
        self.seen: list[Status | None] = []

    def started(self) -> None:
        self.seen.append(None)

    def ended(self, status: Status) -> None:
        self.seen.append(status)

    @property
    def codes(self) -> list[StatusCode | None]:
        return [status and status.code for status in self.seen]


def tracked(config: Any = None, **options: Any) -> tuple[World, Notes]:
    world, notes = World(config, **options), Notes()
    world.trackers = (notes,)
    return world, notes


def policy(kind: str, **more: Any) -> dict[str, Any]:
    return {"methodConfig": [{"name": [{}], kind: {"maxAttempts": 3, **more}}]}


RETRY = policy(
    "retryPolicy",
    initialBackoff="1s",
    maxBackoff="1s",
    backoffMultiplier=1,
    retryableStatusCodes=["UNAVAILABLE"],
)
HEDGE = policy("hedgingPolicy", hedgingDelay="1s", nonFatalStatusCodes=["UNAVAILABLE"])


def test_the_end_comes_with_the_servers_word() -> None:
    world, notes = tracked()
    world.answer = lambda attempt: attempt.fail(StatusCode.NOT_FOUND, "not here", x_load="7")
    world.call(b"x")
    _, status = notes.seen
    assert status is not None
    assert (status.code, status.message, status.from_peer) == (StatusCode.NOT_FOUND, "not here", True)
    assert status.trailing_metadata.get("x-load") == "7"


def test_each_way_to_end_is_told_once() -> None:
    world, notes = tracked()
    world.call(b"x").cancel()
    world.settle()
    world.call(b"x", timeout=1.0)
    world.advance(2)
    world.call(b"x")
    world.lose(world.connections[0])
    world.settle()
    assert notes.codes == [
        None,
        StatusCode.CANCELLED,
        None,
        StatusCode.DEADLINE_EXCEEDED,
        None,
        UNAVAILABLE,
    ]


def test_a_retry_is_picked_after_the_failure_was_told() -> None:
    world, notes = tracked(RETRY)
    world.answer = lambda attempt: (
        attempt.answer(b"yes") if len(world.served) == 3 else attempt.fail(UNAVAILABLE)
    )
    call = world.call(b"x")
    world.advance(10)
    assert call.code is StatusCode.OK
    assert notes.codes == [None, UNAVAILABLE, None, UNAVAILABLE, None, StatusCode.OK]


def test_hedges_are_told_of_one_by_one() -> None:
    world, notes = tracked(HEDGE, connections=3)
    world.call(b"x")
    world.advance(2.5)
    world.served[1].answer(b"yes")
    world.settle()
    assert sorted(map(str, notes.codes)) == sorted(
        map(str, [None] * 3 + [StatusCode.CANCELLED] * 2 + [StatusCode.OK])
    )


def test_a_call_that_learns_of_hedging_when_it_is_placed() -> None:
    """Then the pick of the call itself is not used; those of its hedges are."""
    world, notes = tracked(connections=0)
    call = world.call(b"x")
    world.service_config = parse_service_config(HEDGE)
    world.connect()
    world.answer = lambda attempt: attempt.answer(b"yes")
    world.advance(5)
    assert call.code is StatusCode.OK
    assert notes.codes.count(None) == notes.codes.count(StatusCode.OK)


def test_trackers_that_raise_cost_nothing(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(CallTracker):
        def started(self) -> None:
            raise KeyError("started")

        def ended(self, status: Status) -> None:
            raise KeyError("ended")

    world, notes = tracked()
    world.trackers = (Broken(), notes)
    world.answer = lambda attempt: attempt.answer(b"yes")
    assert world.call(b"x").code is StatusCode.OK
    assert notes.codes == [None, StatusCode.OK]
    assert caplog.text.count("Broken.") == 2


class Tracking(EndpointBalancer):
    """The first ready endpoint, tracked: as users write it."""

    notes = Notes()

    def make_picker(self, ready: Sequence[Child]) -> Picker:
        class First:
            def pick(self, call: PickedCall) -> PickResult:
                subchannel = ready[0].subchannel
                assert subchannel is not None
                return Tracked(subchannel, (Tracking.notes,))

        return First()


@pytest.mark.rule(84)
def test_r84_a_pick_that_is_not_used_is_not_told() -> None:
    Tracking.notes = notes = Notes()
    channel = VirtualChannel(A, balancers={"tracking": Tracking}, policy="tracking").begin()
    link = channel.accept(A)
    channel.advance(5)
    link.core.accepts_calls = False  # a GOAWAY that the balancer has not heard of yet
    call = channel.call()
    assert (call.status, notes.seen) == (None, [])
    again = channel.accept(A)
    assert call.link is again
    assert notes.codes == [None]
    call.ended(Status(StatusCode.OK))
    assert notes.codes == [None, StatusCode.OK]


@pytest.mark.rule(97)
@pytest.mark.parametrize("config", [RETRY, HEDGE], ids=["retry", "hedge"])
def test_r97_attempts_tell_where_the_call_has_been(config: Any) -> None:
    world = World(config, connections=3)
    world.answer = lambda attempt: attempt.fail(UNAVAILABLE)
    world.call(b"x")
    world.advance(10)
    assert world.tried == [[], [2], [2, 3]]


def test_a_transparent_retry_tells_it_too() -> None:
    world = World(connections=2)
    world.answer = lambda attempt: attempt.answer(b"yes") if len(world.served) == 2 else attempt.refuse()
    assert world.call(b"x").code is StatusCode.OK
    assert world.tried == [[], [2]]


@pytest.mark.rule(97)
@pytest.mark.parametrize("balancer", ["round_robin", "weighted_round_robin"])
def test_r97_other_endpoints_come_first(balancer: str) -> None:
    endpoints = [rpc.Endpoint(address, weight=weight) for address, weight in ((A, 1), (B, 50))]
    channel = VirtualChannel(*endpoints, policy=balancer).begin()
    links = {address: channel.accept(address) for address in (A, B)}
    for address, other in ((A, B), (B, A)):
        for _ in range(6):
            call = FakeCall()
            call.tried.append(rpc.Endpoint(address).addresses[0])
            channel.submit(call)
            assert call.link is links[other]


@pytest.mark.rule(97)
@pytest.mark.parametrize(
    ("balancer", "expected"),
    [
        ("round_robin", {A: 30, B: 30}),
        ("weighted_round_robin", {A: 10, B: 50}),
        ("least_request", {B: 60}),  # A is busy
    ],
)
def test_r97_who_has_been_everywhere_goes_where_others_go(balancer: str, expected: dict[str, int]) -> None:
    endpoints = [rpc.Endpoint(address, weight=weight) for address, weight in ((A, 1), (B, 5))]
    policy = {"loadBalancingConfig": [{balancer: {"choiceCount": 10}}]}
    channel = VirtualChannel(*endpoints, service_config=policy).begin()
    busy = channel.accept(A)
    for _ in range(100):
        channel.call()
    channel.accept(B)
    found: Counter[str] = Counter()
    for _ in range(60):
        call = FakeCall()
        call.tried.extend(rpc.Endpoint(A, B).addresses)
        channel.submit(call)
        assert call.link is not None
        found[call.link.address] += 1
    assert busy.core.open_calls >= 100
    assert found == pytest.approx(expected, abs=1)
