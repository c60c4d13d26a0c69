"""outlier_detection around other balancers, in virtual time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from barewire.rpc import Endpoint
from barewire.rpc.balancer import Balancer, BalancerChannel, Fixed
from barewire.rpc.connectivity import ConnectivityState as State
from barewire.rpc.errors import RpcConfigurationError
from barewire.rpc.status import Status, StatusCode
from barewire.rpc.subchannel import Subchannel
from tests.support.rpc_channel_core import FakeCall, FakeLink, VirtualChannel

A, B, C = "10.0.0.1:1", "10.0.0.2:1", "10.0.0.3:1"
OK = Status(StatusCode.OK)
BROKEN = Status(StatusCode.INTERNAL, "broken", from_peer=True)
LOST_HEDGE = Status(StatusCode.CANCELLED, "another attempt has been faster", reached_server=False)


def config(child: str = "round_robin", name: str = "outlier_detection", **more: Any) -> dict[str, Any]:
    ejection = {"threshold": 50, "minimumHosts": 0, "requestVolume": 4}
    policy = {
        "maxEjectionPercent": 50,
        "failurePercentageEjection": ejection,
        "childPolicy": [{"unheard_of": {}}, {child: {}}],
    }
    return {"loadBalancingConfig": [{name: {**policy, **more}}]}


def connected(*endpoints: str | Endpoint, settings: Any = None, **options: Any) -> VirtualChannel:
    endpoints = endpoints or (A, B, C)
    channel = VirtualChannel(*endpoints, service_config=settings or config(), **options).begin()
    for address in channel.dialing:
        channel.accept(address)
    return channel


def traffic(
    channel: VirtualChannel, *failing: str, count: int = 30, failure: Status = BROKEN
) -> Counter[str]:
    """Make calls, of which those to `failing` fail. Returns where they went."""
    seen: Counter[str] = Counter()
    for _ in range(count):
        call = channel.call()
        assert call.link is not None
        seen[call.link.address] += 1
        call.ended(failure if call.link.address in failing else OK)
    return seen


def drained(channel: VirtualChannel) -> list[FakeLink]:
    return [link for link in channel.links if link.core.drained]


@pytest.mark.parametrize("name", ["outlier_detection", "outlier_detection_experimental"])
def test_an_endpoint_whose_calls_fail_is_out_for_a_while(name: str) -> None:
    channel = connected(settings=config(name=name))
    assert traffic(channel, B) == {A: 10, B: 10, C: 10}
    channel.advance(9.9)
    assert traffic(channel, B) == {A: 10, B: 10, C: 10}  # nobody has looked yet
    channel.advance(0.1)
    assert traffic(channel) == {A: 15, C: 15}
    assert (channel.state, channel.dialing, drained(channel)) == (State.READY, [], [])
    channel.advance(30)
    assert set(traffic(channel)) == {A, C}
    channel.advance(10)
    assert traffic(channel) == {A: 10, B: 10, C: 10}  # on its old connection
    assert len(channel.links) == 3


def test_no_more_than_allowed_are_out() -> None:
    channel = connected()
    traffic(channel, A, B, C)
    channel.advance(10)
    assert len(traffic(channel)) == 1  # two of three are more than 50 %, one was not


def test_all_may_be_out_and_calls_say_why() -> None:
    channel = connected(settings=config(maxEjectionPercent=100))
    traffic(channel, A, B, C)
    channel.advance(10)
    assert channel.state is State.TRANSIENT_FAILURE
    status = channel.call().status
    assert status is not None
    assert status.code is StatusCode.UNAVAILABLE
    assert f"{B}: ejected by outlier detection (10 of its 10 calls failed)" in status.message
    patient = channel.call(wait_for_ready=True)
    channel.advance(40)
    assert patient.link is not None
    assert channel.state is State.READY
    assert len(channel.links) == 3


def test_what_this_client_gave_up_for_another_attempt_is_no_failure() -> None:
    channel = connected()
    traffic(channel, B, failure=LOST_HEDGE)
    channel.advance(10)
    assert set(traffic(channel, count=6)) == {A, B, C}
    traffic(channel, B, failure=Status(StatusCode.DEADLINE_EXCEEDED, "too late"))
    channel.advance(10)
    assert set(traffic(channel)) == {A, C}


def test_a_connection_that_is_lost_meanwhile() -> None:
    channel = connected()
    traffic(channel, B)
    channel.advance(10)
    next(link for link in channel.links if link.address == B).lose()
    assert set(traffic(channel)) == {A, C}
    channel.advance(40)
    assert channel.dialing == [B]  # nobody was told while it was out; now it is asked for again
    assert set(traffic(channel)) == {A, C}
    channel.accept(B)
    assert set(traffic(channel)) == {A, B, C}


def test_an_endpoint_is_out_with_all_its_addresses() -> None:
    channel = connected(Endpoint(A, B), C)  # two servers
    traffic(channel, A)
    channel.advance(10)
    assert channel.dialing == [B]  # the endpoint's pick_first goes on, but that is out, too
    channel.accept(B)
    assert set(traffic(channel)) == {C}
    channel.advance(40)
    assert set(traffic(channel)) in ({A, C}, {B, C})
    assert len(drained(channel)) == 1


def test_who_is_back_says_what_else_is_wrong() -> None:
    channel = VirtualChannel(A, B, policy="round_robin").begin()
    channel.refuse(A)
    (subchannel,) = (each for each in channel._subchannels if str(each.address) == A)
    subchannel.eject("its calls fail")
    channel.refuse(B)
    assert channel.last_error == f"{A}: its calls fail; {B}: refused"
    subchannel.readmit()
    channel.resolve(A, B)
    assert channel.last_error == f"{A}: refused; {B}: refused"


def test_another_list_of_endpoints() -> None:
    channel = connected()
    traffic(channel, B)
    channel.advance(10)
    channel.resolve(A, B)  # who is out stays out
    assert set(traffic(channel)) == {A}
    channel.resolve(A)
    channel.resolve(A, B)  # who was away begins anew
    channel.accept(B)
    assert set(traffic(channel)) == {A, B}


def test_another_config_turns_it_off_and_on() -> None:
    channel = connected()
    traffic(channel, B)
    channel.advance(10)
    assert set(traffic(channel)) == {A, C}
    channel.resolve(A, B, C, config=config(failurePercentageEjection=None))
    assert set(traffic(channel, B)) == {A, B, C}
    assert channel.call().trackers == ()
    channel.advance(100)
    assert set(traffic(channel)) == {A, B, C}
    channel.resolve(A, B, C, config=config(interval="5s"))
    traffic(channel, C)
    channel.advance(5)
    assert set(traffic(channel)) == {A, B}


def test_a_shorter_interval_counts_from_the_last_sweep() -> None:
    channel = connected(settings=config(interval="100s"))
    channel.advance(30)
    traffic(channel, B)
    channel.resolve(A, B, C, config=config(interval="20s"))
    channel.advance(0)
    assert set(traffic(channel)) == {A, C}


def test_an_interval_of_nothing_leaves_time_for_other_things() -> None:
    channel = connected(settings=config(interval="0s"))
    traffic(channel, B)
    channel.advance(0.02)
    assert set(traffic(channel)) == {A, C}


def test_the_child_is_replaced_gracefully() -> None:
    channel = connected()
    traffic(channel, B)
    channel.advance(10)
    channel.resolve(A, B, C, config=config("weighted_round_robin"))
    assert channel.dialing == [A, C] or channel.dialing == [A, B, C]
    assert set(traffic(channel)) == {A, C}  # on the old one's connections
    for address in channel.dialing:
        channel.accept(address)
    assert set(traffic(channel)) == {A, C}  # its new subchannel is out as the old one was
    channel.advance(40)
    assert set(traffic(channel)) == {A, B, C}


def test_pick_first_goes_on_with_the_next_address() -> None:
    channel = connected(A, B, settings=config("pick_first"))
    assert traffic(channel, A) == {A: 30}
    channel.advance(10)
    call = channel.call()
    assert channel.dialing == [B]
    channel.accept(B)
    assert call.link is not None
    assert call.link.address == B


@pytest.mark.rule(87)
def test_r87_health_is_watched_again_after_readmission() -> None:
    channel = connected(settings=config() | {"healthCheckConfig": {"serviceName": ""}})
    for link in channel.links:
        link.core.watches[0].end(StatusCode.UNIMPLEMENTED)
    traffic(channel, B)
    channel.advance(10)
    assert set(traffic(channel)) == {A, C}
    channel.advance(40)
    (link,) = (link for link in channel.links if link.address == B)
    assert set(traffic(channel)) == {A, C}  # until it has said that it is well
    link.core.watches[-1].end(StatusCode.UNIMPLEMENTED)
    assert set(traffic(channel)) == {A, B, C}


class Plain(Balancer):
    """A balancer of the user's, without the base class: the first subchannel that is READY."""

    def __init__(self, channel: BalancerChannel) -> None:
        self.channel = channel
        self.subchannels: list[Subchannel] = []

    def update(self, endpoints: Sequence[Endpoint], config: Mapping[str, Any]) -> None:
        if config.get("bad"):
            raise RpcConfigurationError("plain: bad")
        for endpoint in endpoints:
            self.subchannels.append(self.channel.new_subchannel(endpoint.addresses[0], self.changed))
            self.subchannels[-1].connect()

    def changed(self, subchannel: Subchannel) -> None:
        ready = [each for each in self.subchannels if each.state is State.READY]
        if ready:
            self.channel.publish(State.READY, Fixed(ready[0]))

    def exit_idle(self) -> None: ...

    def close(self) -> None:
        for subchannel in self.subchannels:
            subchannel.shut_down()


def test_around_a_balancer_of_the_users_own() -> None:
    channel = connected(A, B, settings=config("plain"), balancers={"plain": Plain})
    assert traffic(channel, A) == {A: 30}
    channel.advance(10)
    assert traffic(channel) == {B: 30}
    channel.advance(40)
    assert traffic(channel) == {A: 30}


@pytest.mark.rule(85)
def test_r85_a_config_that_cannot_work_changes_nothing() -> None:
    channel = connected(balancers={"plain": Plain})
    traffic(channel, B)
    channel.advance(10)
    for bad in (
        config(maxEjectionPercent=101),
        config("unknown"),
        config(childPolicy=[]),
        config(childPolicy=[{"plain": {"bad": True}}]),
    ):
        channel.resolve(A, config=bad)
        assert set(traffic(channel)) == {A, C}
    channel.advance(40)
    assert set(traffic(channel)) == {A, B, C}


def test_nothing_is_left_when_the_channel_closes() -> None:
    channel = connected()
    channel.idle_timeout = None
    running = channel.call()
    channel.shut_down()
    running.ended(BROKEN)
    channel._idle_timer = None
    channel.advance(1000)
    assert channel.timers.next_due() is None
    assert len(drained(channel)) == 3


def test_calls_are_counted_in_waiting_and_hedging_too() -> None:
    """Whatever way a call takes to its connection."""
    channel = VirtualChannel(A, B, service_config=config()).begin()
    waiting = [channel.call() for _ in range(8)]
    channel.accept(A)
    for call in waiting:
        assert call.link is not None
        assert len(call.trackers) == 1
        call.ended(BROKEN)
    channel.accept(B)
    channel.advance(10)
    assert set(traffic(channel)) == {B}
    call = FakeCall()
    channel.submit(call)
    assert len(call.trackers) == 1
