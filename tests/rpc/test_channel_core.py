"""The channel core under random use: states change legally, no call is lost, and every call ends."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from barewire.rpc.connectivity import (
    CHANNEL_TRANSITIONS,
    SUBCHANNEL_TRANSITIONS,
    ConnectivityState,
    channel_steps,
)
from barewire.rpc.status import Status, StatusCode
from tests.support.rpc_channel_core import FakeCall, VirtualChannel

State = ConnectivityState
ADDRESSES = ["10.0.0.1:1", "10.0.0.2:1", "10.0.0.3:1", "[::1]:1"]
PLAIN: list[dict[str, Any]] = [
    {"pick_first": {}},
    {"round_robin": {}},
    {"weighted_round_robin": {"enableOobLoadReport": True}},
    {"least_request": {}},
]
EJECTION = {"threshold": 10, "minimumHosts": 1, "requestVolume": 1}
WATCHED: list[dict[str, Any]] = [
    {
        "outlier_detection": {
            "interval": "1s",
            "maxEjectionPercent": 50,
            "failurePercentageEjection": EJECTION,
            "childPolicy": [child],
        }
    }
    for child in PLAIN
]
POLICIES = [*PLAIN, *WATCHED, {"random_subsetting": {"subsetSize": 2, "childPolicy": WATCHED[1:]}}]


class Channels(RuleBasedStateMachine):
    """Servers come, refuse, hang up and come back, names change, time passes, calls are made."""

    @initialize(policy=st.sampled_from(POLICIES), connections=st.sampled_from([1, 3]), blocking=st.booleans())
    def set_up(self, policy: dict[str, Any], connections: int, blocking: bool) -> None:
        config = {"loadBalancingConfig": [policy]}
        self.channel = VirtualChannel(service_config=config, stream_limit=2)
        self.channel.max_connections_per_subchannel = connections
        self.channel.waits_for_attempts = blocking
        self.calls: list[FakeCall] = []

    @rule(wait=st.booleans())
    def call(self, wait: bool) -> None:
        was = self.channel.state
        call = self.channel.call(wait)
        self.calls.append(call)
        if was is State.TRANSIENT_FAILURE and not (wait or self.channel.waits_for_attempts):
            assert call.status is not None  # R79
            assert call.status.code is StatusCode.UNAVAILABLE

    @rule()
    def connect(self) -> None:
        self.channel.connect()
        self.channel.settle()

    @rule(
        addresses=st.lists(st.sampled_from(ADDRESSES), max_size=4), policy=st.sampled_from([None, *POLICIES])
    )
    def resolve(self, addresses: list[str], policy: dict[str, Any] | None) -> None:
        if self.channel.resolver.channel is not None:
            config = None if policy is None else {"loadBalancingConfig": [policy]}
            self.channel.resolve(*addresses, config=config)

    @rule()
    def fail_to_resolve(self) -> None:
        if self.channel.resolver.channel is not None:
            self.channel.resolver.channel.failed(OSError("no such name"))
            self.channel.settle()

    @precondition(lambda self: self.channel.dials)
    @rule(data=st.data(), well=st.booleans())
    def attempt_ends(self, data: Any, well: bool) -> None:
        address = data.draw(st.sampled_from(self.channel.dialing))
        if well:
            self.channel.accept(address)
        else:
            self.channel.refuse(address)

    @precondition(lambda self: any(link.core.accepts_calls for link in self.channel.links))
    @rule(data=st.data(), goaway=st.booleans())
    def connection_ends(self, data: Any, goaway: bool) -> None:
        open_links = [link for link in self.channel.links if link.core.accepts_calls]
        data.draw(st.sampled_from(open_links)).lose(goaway=goaway)
        self.channel.settle()

    @rule(data=st.data(), code=st.sampled_from([StatusCode.OK, StatusCode.INTERNAL]))
    def call_ends(self, data: Any, code: StatusCode) -> None:
        started = [call for call in self.calls if call.link is not None and call.status is None]
        if started:
            data.draw(st.sampled_from(started)).ended(Status(code))

    @rule(data=st.data())
    def call_is_cancelled(self, data: Any) -> None:
        open_calls = [call for call in self.calls if call.status is None]
        if open_calls:
            data.draw(st.sampled_from(open_calls)).ended(Status(StatusCode.CANCELLED))

    @rule(seconds=st.sampled_from([0.1, 0.3, 1.0, 25.0, 200.0, 4000.0]))
    def time_passes(self, seconds: float) -> None:
        self.channel.advance(seconds)

    @precondition(lambda self: not any(call.status is None for call in self.channel._pending))
    @rule()
    def idle(self) -> None:
        """What a blocking channel does when nobody waits."""
        self.channel.enter_idle()

    @invariant()
    def no_call_is_lost(self) -> None:
        pending = self.channel._pending
        for call in self.calls:
            if call.status is None:
                assert (call.link is not None) != (call in pending)
        assert self.channel._attempts == len(self.channel.dials)

    @invariant()
    def waiting_has_a_reason(self) -> None:
        if self.channel.state is State.READY and not self.channel.dials:
            assert not any(call.status is None for call in self.channel._pending)
        if self.channel.state is State.IDLE:
            assert not any(call.status is None for call in self.channel._pending)

    @invariant()
    def no_connection_is_forgotten(self) -> None:
        """A link that takes calls belongs to a subchannel that lives; the channel itself has none on others."""
        kept = {id(link) for each in self.channel._subchannels for link in each.links}
        for link in self.channel.links:
            assert id(link) in kept or not (link.core.accepts_calls or link.core.watches)
        assert all(each.open_calls >= 0 for each in self.channel._subchannels)

    def teardown(self) -> None:
        if not hasattr(self, "channel"):
            return
        self.channel.shut_down()
        assert self.channel.state is State.SHUTDOWN
        assert not self.channel.dials
        assert not self.channel._subchannels
        assert all(call.status is not None or call.link is not None for call in self.calls)
        call = self.channel.call(wait_for_ready=True)
        assert call.status is not None
        assert call.status.code is StatusCode.CANCELLED
        self.channel.advance(10_000)
        assert not self.channel.dials
        assert self.channel.timers.next_due() is None


TestChannels = Channels.TestCase
TestChannels.settings = settings(max_examples=150, stateful_step_count=40)
pytestmark = [pytest.mark.rule(76), pytest.mark.rule(79)]


def test_a_call_that_hears_of_the_resolver_may_make_another() -> None:
    """As an observer on asyncio may."""

    class Curious(FakeCall):
        def name_resolved(self) -> None:
            calls.append(channel.call())

    channel = VirtualChannel("10.0.0.1:1")
    calls: list[FakeCall] = [Curious()]
    channel.submit(calls[0])
    channel.begin()
    channel.accept("10.0.0.1:1")
    assert [call.link is not None for call in calls] == [True, True]


@pytest.mark.rule(76)
def test_r76_the_tables_are_whole() -> None:
    for table in (CHANNEL_TRANSITIONS, SUBCHANNEL_TRANSITIONS):
        assert set(table) == set(State)
        assert not table[State.SHUTDOWN]
        assert all(
            State.SHUTDOWN in targets for state, targets in table.items() if state is not State.SHUTDOWN
        )
    for before in State:
        for after in State:
            state = before
            for step in channel_steps(before, after):
                assert step in CHANNEL_TRANSITIONS[state]
                state = step
            assert state is (before if before is State.SHUTDOWN else after)
