"""least_request and random_subsetting, in virtual time."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from barewire import rpc
from barewire.rpc import Endpoint
from barewire.rpc.balancer import BalancerFactory
from barewire.rpc.errors import RpcConfigurationError
from barewire.rpc.pick_first import PickFirst
from barewire.rpc.status import Status, StatusCode
from tests.support.rpc_channel_core import FakeCall, VirtualChannel

A, B, C = "10.0.0.1:1", "10.0.0.2:1", "10.0.0.3:1"
OK = Status(StatusCode.OK)


def channel_of(*addresses: str, policy: str, seed: int = 1, **config: Any) -> VirtualChannel:
    channel = VirtualChannel(*addresses, service_config={"loadBalancingConfig": [{policy: config}]})
    channel.rng.seed(seed)
    channel.begin()
    for address in channel.dialing:
        channel.accept(address)
    return channel


def where(call: FakeCall) -> str:
    assert call.link is not None
    return call.link.address


@pytest.mark.parametrize("name", ["least_request", "least_request_experimental"])
def test_the_slow_one_gets_fewer_calls(name: str) -> None:
    channel = channel_of(A, B, C, policy=name)
    counts: Counter[str] = Counter()
    for _ in range(300):
        call = channel.call()
        counts[where(call)] += 1
        if where(call) != A:  # A answers nothing at all
            call.ended(OK)
    assert counts[A] < 60
    assert min(counts[B], counts[C]) > 90


def test_with_many_choices_the_least_busy_is_always_found() -> None:
    channel = channel_of(A, B, policy="least_request", choiceCount=1000)  # counts as 10
    calls = [channel.call() for _ in range(20)]
    assert Counter(map(where, calls)) == {A: 10, B: 10}
    for call in calls:
        if where(call) == A:
            call.ended(OK)
    assert {where(channel.call()) for _ in range(10)} == {A}


def test_counts_outlive_changes_of_the_list() -> None:
    channel = channel_of(A, policy="least_request", choiceCount=10)
    for _ in range(5):
        channel.call()
    channel.resolve(A, B)
    channel.accept(B)
    assert {where(channel.call()) for _ in range(5)} == {B}


@pytest.mark.rule(97)
def test_r97_further_attempts_go_elsewhere() -> None:
    channel = channel_of(A, B, policy="least_request")
    for address, other in ((A, B), (B, A)):
        for _ in range(10):
            call = FakeCall()
            call.tried.append(Endpoint(address).addresses[0])
            channel.submit(call)
            assert where(call) == other


@pytest.mark.rule(85)
@pytest.mark.parametrize(
    ("policy", "config", "place"),
    [
        ("least_request", {"choiceCount": 1}, "least_request.choiceCount has to be at least 2"),
        ("least_request", {"choiceCount": "many"}, "least_request.choiceCount"),
        (
            "random_subsetting",
            {"childPolicy": [{"round_robin": {}}]},
            "random_subsetting.subsetSize is missing",
        ),
        (
            "random_subsetting",
            {"subsetSize": 0, "childPolicy": [{"round_robin": {}}]},
            "random_subsetting.subsetSize has to be at least 1",
        ),
        ("random_subsetting", {"subsetSize": 1}, "random_subsetting.childPolicy is missing"),
    ],
)
def test_r85_faults_are_named_with_their_place(policy: str, config: dict[str, Any], place: str) -> None:
    """The channel is not made, at whatever depth the fault is."""
    fault = re.escape(f"service config: $.loadBalancingConfig[0].{place}")
    with pytest.raises(RpcConfigurationError, match=fault):
        channel_of(A, policy=policy, **config)
    around = {"subsetSize": 1, "childPolicy": [{"unheard_of": {}}, {policy: config}]}
    fault = re.escape(f"$.loadBalancingConfig[0].random_subsetting.childPolicy[1].{place}")
    with pytest.raises(RpcConfigurationError, match=fault):
        channel_of(A, policy="random_subsetting", **around)


@pytest.mark.rule(85)
@pytest.mark.parametrize("channel", [rpc.Channel, rpc.sync.Channel])
def test_r85_a_channel_whose_policy_cannot_work_is_not_made(channel: Callable[..., object]) -> None:
    for policy, missing in (("outlier_detection", "childPolicy"), ("random_subsetting", "subsetSize")):
        fault = re.escape(f"$.loadBalancingConfig[0].{policy}.{missing} is missing")
        with pytest.raises(RpcConfigurationError, match=fault):
            channel("localhost:1", load_balancing=policy)
    weights = {"loadBalancingConfig": [{"weighted_round_robin": {"blackoutPeriod": 1}}]}
    fault = re.escape("$.loadBalancingConfig[0].weighted_round_robin.blackoutPeriod has to be a duration")
    with pytest.raises(RpcConfigurationError, match=fault):
        channel("localhost:1", service_config=weights)


def test_r86_a_balancer_of_the_users_own_is_given_what_its_parser_makes() -> None:
    given: list[object] = []

    class Own(PickFirst):
        @staticmethod
        def parse_config(config: Mapping[str, Any], path: str, known: Mapping[str, BalancerFactory]) -> Any:
            assert (path, "own" in known) == ("$.loadBalancingConfig[0].own", True)
            if config != {"size": 1}:
                raise RpcConfigurationError(f"{path} is wrong")
            return config["size"]

        def update(self, endpoints: Sequence[Endpoint], config: Any) -> None:
            given.append(config)
            super().update(endpoints, False)

    def channel(size: int) -> VirtualChannel:
        config = {"loadBalancingConfig": [{"own": {"size": size}}]}
        return VirtualChannel(A, service_config=config, balancers={"own": Own})

    channel(1).begin()
    assert given == [1]
    with pytest.raises(RpcConfigurationError, match="own is wrong"):
        channel(2)
    assert given == [1]


# -- random_subsetting --------------------------------------------------------------------------------------------

MANY = [f"10.0.1.{number}:1" for number in range(30)]


def subset(channel: VirtualChannel) -> set[str]:
    return {where(channel.call()) for _ in range(60)}


def subsetting(*addresses: str, seed: int = 1, size: int = 4) -> VirtualChannel:
    child = [{"round_robin": {}}]
    return channel_of(
        *addresses, policy="random_subsetting_experimental", seed=seed, subsetSize=size, childPolicy=child
    )


def test_every_client_has_a_few_of_its_own() -> None:
    subsets = [subset(subsetting(*MANY, seed=seed)) for seed in range(30)]
    assert all(len(each) == 4 for each in subsets)
    assert len(set().union(*subsets)) > 25
    assert subset(subsetting(A, B, size=4)) == {A, B}


def test_one_that_comes_or_goes_changes_one_at_most() -> None:
    channel = subsetting(*MANY)
    before = subset(channel)
    for gone in MANY:
        channel.resolve(*[address for address in MANY if address != gone])
        for address in channel.dialing:
            channel.accept(address)
        assert len(subset(channel) - before) == (gone in before)
    channel.resolve(*reversed(MANY))
    for address in channel.dialing:
        channel.accept(address)
    assert subset(channel) == before


def test_subsets_and_outliers_together() -> None:
    """What is out stays in the subset: its place is not filled."""
    outliers = {
        "failurePercentageEjection": {"minimumHosts": 1, "requestVolume": 1, "threshold": 10},
        "childPolicy": [{"least_request": {}}],
    }
    channel = channel_of(
        *MANY, policy="random_subsetting", subsetSize=3, childPolicy=[{"outlier_detection": outliers}]
    )
    seen = subset(channel)
    assert len(seen) == 3
    for _ in range(30):
        call = channel.call()
        call.ended(Status(StatusCode.UNKNOWN, from_peer=True) if where(call) == min(seen) else OK)
    channel.advance(10)
    assert subset(channel) == seen - {min(seen)}
