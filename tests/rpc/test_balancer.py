"""Balancers of the user's own, and what their pickers may answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import pytest

from barewire.rpc.balancer import QUEUEING, BalancerChannel, Drop, Fail, Fixed, PickedCall, Picker, PickResult
from barewire.rpc.connectivity import ConnectivityState as State
from barewire.rpc.endpoint_balancer import Child, EndpointBalancer
from barewire.rpc.errors import RpcConfigurationError
from barewire.rpc.resolver import Endpoint
from barewire.rpc.status import Status, StatusCode
from barewire.rpc.subchannel import Subchannel
from tests.support.rpc_channel_core import FakeCall, VirtualChannel

A, B = "10.0.0.1:1", "10.0.0.2:1"


class Scripted:
    """A balancer that publishes what the test says."""

    instances: ClassVar[list[Scripted]] = []

    def __init__(self, channel: BalancerChannel) -> None:
        self.channel = channel
        self.subchannels: list[Subchannel] = []
        self.closed = False
        Scripted.instances.append(self)

    def update(self, endpoints: Sequence[Endpoint], config: Mapping[str, Any]) -> None:
        if config.get("bad"):
            raise RpcConfigurationError("scripted: bad")
        for endpoint in endpoints:
            self.subchannels.append(self.channel.new_subchannel(endpoint.addresses[0], self.changed))

    def changed(self, subchannel: Subchannel) -> None:
        raise RuntimeError("oops")

    def exit_idle(self) -> None: ...

    def close(self) -> None:
        self.closed = True
        for subchannel in self.subchannels:
            subchannel.shut_down()


def scripted() -> tuple[VirtualChannel, Scripted]:
    channel = VirtualChannel(A, balancers={"scripted": Scripted}, policy="scripted").begin()
    return channel, Scripted.instances[-1]


@pytest.mark.rule(84)
def test_r84_complete_queue_fail_drop() -> None:
    channel, balancer = scripted()
    assert channel.call().status is None  # it has published nothing yet
    unavailable = Status(StatusCode.UNAVAILABLE, "not today")
    balancer.channel.publish(State.TRANSIENT_FAILURE, Fixed(Fail(unavailable)))
    assert channel.call().status == unavailable
    patient = channel.call(wait_for_ready=True)
    assert patient.status is None
    balancer.channel.publish(State.READY, QUEUEING)
    assert channel.call().status is None
    balancer.channel.publish(State.READY, Fixed(balancer.subchannels[0]))
    assert patient.status is None  # not connected: it goes on waiting
    balancer.channel.publish(State.READY, Fixed(Drop(unavailable)))
    assert patient.status == unavailable  # even those that would wait


@pytest.mark.rule(49)
@pytest.mark.parametrize("code", list(StatusCode))
def test_r49_codes_of_applications_are_rewritten(code: StatusCode) -> None:
    channel, balancer = scripted()
    balancer.channel.publish(State.READY, Fixed(Drop(Status(code, "said the picker"))))
    status = channel.call().status
    assert status is not None
    assert "said the picker" in status.message
    rewritten = code in {
        StatusCode.OK,
        StatusCode.INVALID_ARGUMENT,
        StatusCode.NOT_FOUND,
        StatusCode.ALREADY_EXISTS,
        StatusCode.FAILED_PRECONDITION,
        StatusCode.ABORTED,
        StatusCode.OUT_OF_RANGE,
        StatusCode.DATA_LOSS,
    }
    assert status.code is (StatusCode.INTERNAL if rewritten else code)
    assert (code.name in status.message) == rewritten


def test_faults_of_balancers_cost_calls_only() -> None:
    channel, balancer = scripted()

    class Broken:
        def pick(self, call: PickedCall) -> PickResult:
            raise KeyError("nothing to pick")

    balancer.channel.publish(State.READY, Broken())
    status = channel.call(wait_for_ready=True).status
    assert status is not None
    assert status.code is StatusCode.INTERNAL
    assert "KeyError" in status.message
    forgotten: Any = None
    balancer.channel.publish(State.READY, Fixed(forgotten))
    status = channel.call(wait_for_ready=True).status
    assert status is not None
    assert status.code is StatusCode.INTERNAL
    assert "returned None, which is no PickResult" in status.message
    balancer.subchannels[0].connect()  # `changed` raises
    assert channel.state is State.TRANSIENT_FAILURE
    status = channel.call().status
    assert status is not None
    assert "the balancer 'scripted' raised RuntimeError: oops" in status.message


def test_a_config_that_cannot_work_is_refused() -> None:
    channel, balancer = scripted()
    balancer.channel.publish(State.READY, QUEUEING)
    channel.resolve(B, config={"loadBalancingConfig": [{"scripted": {"bad": True}}]})
    assert not balancer.closed
    assert [str(each.address) for each in balancer.subchannels] == [A]
    channel.resolve(B, config={"loadBalancingConfig": [{"pick_first": {}}]})
    channel.accept(B)
    assert balancer.closed
    channel.resolve(B, config={"loadBalancingConfig": [{"scripted": {"bad": True}}]})
    assert Scripted.instances[-1].closed
    assert channel.state is State.READY
    balancer.channel.publish(State.SHUTDOWN, QUEUEING)  # it has been closed: nobody listens
    assert channel.state is State.READY


@pytest.mark.rule(76)
def test_r76_skipped_states_are_shown() -> None:
    channel, balancer = scripted()
    balancer.channel.publish(State.IDLE, QUEUEING)
    balancer.channel.publish(State.READY, QUEUEING)
    assert channel.states == [State.IDLE, State.CONNECTING, State.IDLE, State.CONNECTING, State.READY]


class ByTenant(EndpointBalancer):
    """Calls of one tenant go to one server: a balancer as users write them."""

    def make_picker(self, ready: Sequence[Child]) -> Picker:
        class Tenants:
            def pick(self, call: PickedCall) -> PickResult:
                tenant = str(call.metadata.get("tenant", ""))
                return ready[len(tenant) % len(ready)].picker.pick(call)

        return Tenants()


def test_a_balancer_on_the_base_class() -> None:
    channel = VirtualChannel(A, B, balancers={"by_tenant": ByTenant}, policy="by_tenant").begin()
    a, b = channel.accept(A), channel.accept(B)
    for tenant, link in (("even", a), ("odd", b), ("four", a)):
        call = FakeCall()
        call.metadata.add("tenant", tenant)
        channel.submit(call)
        assert call.link is link


class LeastLoaded(EndpointBalancer):
    """Fewest open calls first."""

    def make_picker(self, ready: Sequence[Child]) -> Picker:
        subchannels = [child.subchannel for child in ready if child.subchannel is not None]

        class Least:
            def pick(self, call: PickedCall) -> PickResult:
                return min(subchannels, key=lambda each: each.open_calls)

        return Least()


def test_least_loaded() -> None:
    channel = VirtualChannel(A, B, balancers={"least": LeastLoaded}, policy="least").begin()
    a, b = channel.accept(A), channel.accept(B)
    calls = [channel.call() for _ in range(6)]
    assert len(a.core.calls) == len(b.core.calls) == 3
    for call in calls:
        if call.link is b:
            call.ended(Status(StatusCode.OK))
    assert {channel.call().link for _ in range(3)} == {b}
