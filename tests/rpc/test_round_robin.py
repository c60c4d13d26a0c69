"""round_robin and weighted_round_robin in virtual time."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from barewire.rpc import Endpoint
from barewire.rpc.connectivity import ConnectivityState as State
from barewire.rpc.connectivity import aggregate
from barewire.rpc.status import Status, StatusCode
from tests.support.rpc_channel_core import VirtualChannel

A, B, C = "10.0.0.1:1", "10.0.0.2:1", "10.0.0.3:1"
OK = Status(StatusCode.OK)


def picks(channel: VirtualChannel, count: int) -> list[str]:
    """Where calls go, one after the other."""
    found: list[str] = []
    for _ in range(count):
        call = channel.call()
        assert call.link is not None
        found.append(call.link.address)
        call.ended(OK)
    return found


@pytest.mark.rule(83)
def test_r83_every_ready_endpoint_in_turn() -> None:
    channel = VirtualChannel(A, B, C, policy="round_robin").begin()
    assert channel.dialing == [A, B, C]  # all at once
    waiting = channel.call()
    channel.accept(A)
    assert channel.state is State.READY
    assert waiting.link is not None
    assert picks(channel, 3) == [A, A, A]
    channel.accept(B)
    channel.accept(C)
    found = picks(channel, 9)
    assert found[:3] == found[3:6] == found[6:]
    assert set(found) == {A, B, C}


@pytest.mark.rule(83)
def test_r83_the_first_is_random() -> None:
    first = set()
    for seed in range(30):
        channel = VirtualChannel(A, B, policy="round_robin").begin()
        channel.rng.seed(seed)
        channel.accept(A)
        channel.accept(B)
        first.add(picks(channel, 1)[0])
    assert first == {A, B}


@pytest.mark.rule(83)
def test_r83_states_add_up() -> None:
    assert aggregate([State.READY, State.TRANSIENT_FAILURE]) is State.READY
    assert aggregate([State.TRANSIENT_FAILURE, State.CONNECTING]) is State.CONNECTING
    assert aggregate([State.TRANSIENT_FAILURE, State.IDLE]) is State.CONNECTING
    assert aggregate([State.TRANSIENT_FAILURE]) is aggregate([]) is State.TRANSIENT_FAILURE


@pytest.mark.rule(83)
@pytest.mark.rule(81)
def test_r83_a_lost_connection_is_made_again_at_once() -> None:
    channel = VirtualChannel(A, B, policy="round_robin").begin()
    link = channel.accept(A)
    channel.accept(B)
    assert set(picks(channel, 2)) == {A, B}
    asked = channel.resolver.asked
    link.lose()
    assert channel.dialing == [A]
    assert channel.resolver.asked > asked
    assert picks(channel, 2) == [B, B]
    channel.refuse(A)
    assert channel.state is State.READY
    channel.advance(1.1)
    channel.accept(A)
    assert set(picks(channel, 2)) == {A, B}


@pytest.mark.rule(83)
def test_r83_all_failing_names_all() -> None:
    channel = VirtualChannel(A, B, policy="round_robin").begin()
    call = channel.call()
    channel.refuse(A, "no route")
    assert channel.state is State.CONNECTING
    assert call.status is None
    channel.refuse(B, "refused")
    assert channel.state is State.TRANSIENT_FAILURE
    assert call.status is not None
    assert "10.0.0.1:1: no route; 10.0.0.2:1: refused" in call.status.message


def test_updates_keep_connections() -> None:
    channel = VirtualChannel(A, B, policy="round_robin").begin()
    a, b = channel.accept(A), channel.accept(B)
    channel.resolve(B, C)
    assert a.core.drained
    assert not b.core.drained
    assert channel.dialing == [C]
    assert picks(channel, 2) == [B, B]
    channel.resolve()
    assert channel.state is State.TRANSIENT_FAILURE
    assert b.core.drained


def test_an_endpoint_with_two_addresses_has_one_connection() -> None:
    channel = VirtualChannel(Endpoint(A, B), C, policy="round_robin").begin()
    assert channel.dialing == [A, C]
    channel.advance(0.3)
    assert channel.dialing == [A, C, B]
    channel.accept(B)
    assert channel.dialing == [C]
    assert picks(channel, 2) == [B, B]


def test_weights() -> None:
    endpoints = [Endpoint(A, weight=5), Endpoint(B, weight=3), Endpoint(C, weight=0)]
    channel = VirtualChannel(*endpoints, policy="weighted_round_robin").begin()
    for address in (A, B, C):
        channel.accept(address)
    found = picks(channel, 900)
    assert Counter(found) == pytest.approx({A: 500, B: 300, C: 100}, abs=2)
    # Evenly spread: the heaviest is never far away, nor does it come in long rows.
    assert all(A in found[n : n + 3] for n in range(897))
    assert all(set(found[n : n + 4]) != {A} for n in range(896))
    channel.resolve(Endpoint(A), Endpoint(B))
    assert Counter(picks(channel, 100)) == {A: 50, B: 50}


# -- choosing a policy --------------------------------------------------------------------------------------------


def config(*names: str) -> Any:
    return {"loadBalancingConfig": [{name: {}} for name in names]}


@pytest.mark.rule(86)
def test_r86_who_chooses() -> None:
    assert VirtualChannel(A, B).begin().dialing == [A]
    assert VirtualChannel(A, B, policy="round_robin").begin().dialing == [A, B]
    chosen = VirtualChannel(
        A, B, policy="round_robin", service_config=config("unknown", "pick_first", "round_robin")
    )
    assert chosen.begin().dialing == [A]
    older = VirtualChannel(A, B, service_config={"loadBalancingPolicy": "round_robin"})
    assert older.begin().dialing == [A, B]


@pytest.mark.rule(86)
def test_r86_the_old_balancer_serves_until_the_new_one_can() -> None:
    channel = VirtualChannel(A, B)
    old = channel.begin().accept(A)
    channel.resolve(A, B, config=config("round_robin"))
    assert channel.dialing == [A, B]
    assert channel.state is State.READY
    assert channel.call().link is old
    new = channel.accept(B)
    assert old.core.drained
    assert channel.call().link is new
    # The old one leaves READY before the new one gets there.
    channel.resolve(A, config=config("pick_first"))
    assert channel.call().link is new
    new.lose()
    assert channel.state is State.CONNECTING
    assert channel.dialing == [A]
    # A policy that is replaced before it has served.
    channel.resolve(A, config=config("round_robin"))
    channel.resolve(A, config=config("weighted_round_robin"))
    assert channel.dialing.count(A) == 1
    channel.accept(A)
    assert channel.state is State.READY


@pytest.mark.rule(85)
@pytest.mark.rule(86)
def test_r85_a_bad_config_changes_nothing() -> None:
    channel = VirtualChannel(A).begin()
    link = channel.accept(A)
    channel.resolve(B, config=config("nobody_knows"))
    assert channel.call().link is link
    assert channel.dialing == []
    channel.resolve(B, config={"methodConfig": "none"})  # the endpoints count, with the config from before
    assert channel.dialing == [B]
    fresh = VirtualChannel(A)
    call = fresh.call()
    fresh.resolve(A, config={"loadBalancingConfig": 3})
    assert fresh.state is State.TRANSIENT_FAILURE
    assert call.status is not None
    assert "loadBalancingConfig" in call.status.message
    fresh.resolve(A)
    fresh.accept(A)
    assert fresh.state is State.READY


def test_the_resolvers_config_can_be_ignored() -> None:
    channel = VirtualChannel(A, B)
    channel.resolver_configs = False
    channel.connect()
    channel.resolve(A, B, config=config("round_robin"))
    assert channel.dialing == [A]


@pytest.mark.rule(83)
@pytest.mark.parametrize("policy", ["round_robin", "least_request"])
def test_r83_an_endpoint_is_the_same_with_its_addresses_in_another_order(policy: str) -> None:
    channel = VirtualChannel(Endpoint(A, B), C, policy=policy).begin()
    links = [channel.accept(A), channel.accept(C)]
    channel.resolve(C, Endpoint(B, A))
    assert channel.dialing == []
    assert not any(link.core.drained for link in links)
    assert set(picks(channel, 20)) == {A, C}
    links[0].lose()
    assert channel.dialing == [B]  # now it counts
    channel.refuse(B)
    assert channel.dialing == [A]
    channel.accept(A)
    assert set(picks(channel, 20)) == {A, C}
