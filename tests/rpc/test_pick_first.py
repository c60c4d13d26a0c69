"""pick_first in virtual time: happy eyeballs, sticky failure, backoff, one connection."""

from __future__ import annotations

import pytest

from barewire.rpc import Channel
from barewire.rpc.backoff import BackoffPolicy
from barewire.rpc.connectivity import ConnectivityState as State
from barewire.rpc.errors import RpcConfigurationError
from barewire.rpc.limits import Limits
from barewire.rpc.pick_first import interleave
from barewire.rpc.status import Status, StatusCode
from tests.support.rpc_channel_core import VirtualChannel, target

A, B, C = "10.0.0.1:1", "10.0.0.2:1", "10.0.0.3:1"
A6, B6 = "[2001:db8::1]:1", "[2001:db8::2]:1"
OK = Status(StatusCode.OK)


@pytest.mark.rule(77)
def test_r77_nothing_happens_before_the_first_call() -> None:
    channel = VirtualChannel(A)
    channel.advance(100)
    assert channel.state is State.IDLE
    assert channel.resolver.starts == 0
    call = channel.call()
    assert channel.state is State.CONNECTING
    channel.resolve(A)
    link = channel.accept(A)
    assert call.link is link
    assert channel.states == [State.IDLE, State.CONNECTING, State.READY]


@pytest.mark.rule(77)
def test_r77_idle_timeout() -> None:
    channel = VirtualChannel(A)
    channel.idle_timeout = 100.0
    link = channel.begin().accept(A)
    call = channel.call()
    channel.advance(1000)
    assert channel.state is State.READY  # a call runs
    call.ended(OK)
    channel.advance(99)
    channel.call().ended(OK)
    channel.advance(99)
    assert channel.state is State.READY
    channel.advance(101)
    assert channel.state is State.IDLE
    assert link.core.drained
    assert channel.resolver.channel is None
    again = channel.call()
    assert channel.resolver.starts == 2
    channel.resolve(A)
    assert channel.accept(A) is again.link


@pytest.mark.rule(82)
def test_r82_attempts_overlap_after_the_delay() -> None:
    channel = VirtualChannel(A, B, C).begin()
    assert channel.dialing == [A]
    channel.advance(0.2)
    assert channel.dialing == [A]
    channel.advance(0.06)
    assert channel.dialing == [A, B]
    channel.refuse(B)  # a failure brings the next one at once
    assert channel.dialing == [A, C]
    link = channel.accept(C)
    assert channel.dialing == []  # the slow one is given up
    assert channel.call().link is link


@pytest.mark.rule(82)
def test_r82_a_failure_of_an_earlier_attempt_does_not_hurry_the_next() -> None:
    channel = VirtualChannel(A, B, C).begin()
    channel.advance(0.3)
    channel.refuse(A)
    assert channel.dialing == [B]
    channel.advance(0.25)
    assert channel.dialing == [B, C]


@pytest.mark.rule(82)
def test_r82_families_take_turns() -> None:
    channel = VirtualChannel(A6, B6, A, B).begin()
    channel.advance(5)
    assert channel.dialing == [A6, A, B6, B]
    assert interleave([target(each) for each in (A, B, A6)]) == [target(each) for each in (A, A6, B)]
    assert interleave([]) == []


@pytest.mark.rule(82)
@pytest.mark.rule(79)
def test_r82_failure_is_sticky_and_names_every_address() -> None:
    channel = VirtualChannel(A, B).begin()
    waiting, patient = channel.call(), channel.call(wait_for_ready=True)
    channel.refuse(A, "no route")
    assert waiting.status is None  # the pass is not over
    channel.refuse(B, "[Errno 111] refused")
    assert channel.state is State.TRANSIENT_FAILURE
    assert waiting.status is not None
    assert waiting.status.code is StatusCode.UNAVAILABLE
    assert waiting.status.message == (
        "cannot connect to test:name: 10.0.0.1:1: no route; 10.0.0.2:1: Connection refused"
    )
    assert channel.resolver.asked == 1  # R81
    before = list(channel.states)
    channel.advance(1.01)  # the backoff of both is over
    assert channel.dialing == [A, B]
    channel.refuse_all()
    assert channel.states == before  # still failing, without CONNECTING in between
    assert channel.resolver.asked == 2
    assert channel.call().status is not None
    channel.advance(1.7)
    link = channel.accept(B)
    assert channel.state is State.READY
    assert patient.link is link
    assert channel.dialing == []


@pytest.mark.rule(78)
def test_r78_backoff_is_counted_from_the_start_and_reset_by_success() -> None:
    channel = VirtualChannel(A, limits=Limits(connect_timeout=20)).begin()
    started = [channel.clock]

    def wait_for_attempt() -> float:
        while not channel.dials:
            channel.advance(0.1)
        started.append(channel.clock)
        return round(started[-1] - started[-2], 1)

    channel.refuse(A)
    gaps = []
    for _ in range(13):
        gaps.append(wait_for_attempt())
        channel.refuse(A)
    expected = [min(1.6**n, 120) for n in range(13)]
    assert gaps == pytest.approx(expected, abs=0.2)
    wait_for_attempt()
    channel.advance(20.1)  # it does not answer: the time counts
    assert channel.dialing == []
    assert channel.last_error == "10.0.0.1:1: no answer within 20 s (connect_timeout)"
    wait_for_attempt()
    link = channel.accept(A)
    channel.call()
    link.lose()
    assert channel.state is State.IDLE
    channel.call()
    started.append(channel.clock)
    channel.refuse(A)
    assert wait_for_attempt() == pytest.approx(1.0, abs=0.2)


@pytest.mark.rule(78)
def test_r78_jitter() -> None:
    delays = set()
    for seed in range(50):
        channel = VirtualChannel(A, backoff=BackoffPolicy()).begin()
        channel.rng.seed(seed)
        begun = channel.clock
        channel.refuse(A)
        while not channel.dials:
            channel.advance(0.01)
        delays.add(round(channel.clock - begun, 2))
    assert 0.8 <= min(delays) < 0.9
    assert 1.1 < max(delays) <= 1.21


@pytest.mark.rule(62)
@pytest.mark.rule(81)
def test_r62_a_lost_connection_makes_the_channel_idle() -> None:
    for goaway in (True, False):
        channel = VirtualChannel(A, B)
        link = channel.begin().accept(A)
        call = channel.call()
        link.lose(goaway=goaway)
        assert channel.state is State.IDLE
        assert channel.resolver.asked == 1
        assert (call.status is None) == goaway  # calls run on after GOAWAY
        channel.advance(1000)
        assert channel.dialing == []
        again = channel.call()
        assert channel.dialing == [A]
        assert again.link is None
        assert channel.accept(A) is again.link


@pytest.mark.rule(62)
def test_a_server_that_hangs_up_at_once_counts_as_failed() -> None:
    channel = VirtualChannel(A)
    link = channel.begin().accept(A)
    link.lose("closed by the peer", goaway=True)
    assert channel.state is State.IDLE
    call = channel.call()
    assert channel.dialing == []
    assert call.status is not None
    assert "closed by the peer" in call.status.message
    channel.advance(1)
    assert channel.dialing == [A]


def test_updates_keep_what_they_can() -> None:
    channel = VirtualChannel(A, B)
    link = channel.begin().accept(A)
    channel.resolve(B, A)
    assert channel.call().link is link  # connected is connected
    assert channel.dialing == []
    channel.resolve(B, C)
    assert link.core.drained
    assert channel.state is State.CONNECTING
    assert channel.dialing == [B]
    channel.resolve(C)
    assert channel.dialing == [C]
    other = channel.accept(C)
    assert channel.call().link is other
    channel.resolve()
    call = channel.call()
    assert channel.state is State.TRANSIENT_FAILURE
    assert call.status is not None
    assert "no addresses" in call.status.message


def test_updates_while_failing_try_the_new_addresses_at_once() -> None:
    channel = VirtualChannel(A).begin()
    channel.refuse(A)
    channel.resolve(A, B)
    assert channel.state is State.TRANSIENT_FAILURE
    assert channel.dialing == [B]  # A waits for its backoff
    channel.accept(B)
    assert channel.state is State.READY


@pytest.mark.rule(82)
def test_r82_shuffle() -> None:
    first = set()
    for seed in range(30):
        config = {"loadBalancingConfig": [{"pick_first": {"shuffleAddressList": True}}]}
        channel = VirtualChannel(A, B, C, service_config=config)
        channel.rng.seed(seed)
        first.add(channel.begin().dialing[0])
    assert first == {A, B, C}
    config = {"loadBalancingConfig": [{"pick_first": {"shuffleAddressList": 1}}]}
    with pytest.raises(
        RpcConfigurationError, match=r"pick_first\.shuffleAddressList has to be true or false"
    ):
        VirtualChannel(A, service_config=config)


@pytest.mark.rule(71)
def test_r71_further_connections_at_the_stream_limit() -> None:
    channel = VirtualChannel(A, stream_limit=2)
    channel.max_connections_per_subchannel = 2
    first = channel.begin().accept(A)
    assert [channel.call().link for _ in range(2)] == [first, first]
    third = channel.call()
    assert third.link is None
    assert channel.dialing == [A]
    second = channel.accept(A)
    assert third.link is second
    assert channel.call().link is second
    fifth = channel.call()  # both are full, and there may be no third one: it waits in the connection
    assert fifth.link is first
    assert channel.dialing == []
    first.lose()
    assert channel.state is State.READY
    second.core.calls.pop()
    assert channel.call().link is second


@pytest.mark.rule(71)
def test_r71_a_further_connection_that_fails_does_no_harm() -> None:
    channel = VirtualChannel(A, stream_limit=1)
    channel.max_connections_per_subchannel = 2
    first = channel.begin().accept(A)
    channel.call()
    waiting = channel.call()
    channel.refuse(A)
    assert channel.state is State.READY
    assert waiting.link is first
    assert channel.call().link is first  # no new attempt before the backoff is over
    channel.advance(1.1)
    assert channel.call().link is None
    assert channel.dialing == [A]


@pytest.mark.rule(73)
def test_r73_a_connection_whose_ids_are_used_up_is_replaced() -> None:
    channel = VirtualChannel(A)
    first = channel.begin().accept(A)
    channel.call()
    first.core.accepts_calls = False
    call = channel.call()
    assert channel.dialing == [A]
    assert first.core.drained
    assert channel.accept(A) is call.link


def test_waiting_calls_are_bounded() -> None:
    channel = VirtualChannel(A, limits=Limits(max_waiting_calls=2)).begin()
    calls = [channel.call(wait_for_ready=True) for _ in range(3)]
    assert calls[2].status is not None
    assert calls[2].status.code is StatusCode.RESOURCE_EXHAUSTED
    assert "max_waiting_calls" in calls[2].status.message
    calls[0].expired_while_pending()
    assert channel.call(wait_for_ready=True).status is None  # the dead one has made room


def test_options_are_checked() -> None:
    for options, complaint in [
        ({"load_balancing": "best"}, "load_balancing is 'best'; known are pick_first, round_robin"),
        ({"connection_attempt_delay": 0.01}, "connection_attempt_delay has to be seconds between 0.1 and 2"),
        ({"max_connections_per_subchannel": 11}, "max_connections_per_subchannel"),
        ({"service_config": {"loadBalancingConfig": [{"xds": {}}]}}, "asks for the balancer xds; known are"),
    ]:
        with pytest.raises(RpcConfigurationError, match=complaint):
            Channel("a:1", **options)
