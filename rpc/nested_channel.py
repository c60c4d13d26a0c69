"""Balancers inside balancers: what is to the inner one its channel."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping

from .balancer import BalancerChannel, BalancerFactory, Picker
from .connectivity import ConnectivityState
from .subchannel import Subchannel
from .target import Target
from .timers import TimerHandle


class NestedChannel:
    """A `BalancerChannel` that passes everything on to another one; subclasses change what they care about."""

    def __init__(self, channel: BalancerChannel) -> None:
        self._channel = channel

    @property
    def target(self) -> object:
        return self._channel.target

    @property
    def balancers(self) -> Mapping[str, BalancerFactory]:
        return self._channel.balancers

    @property
    def rng(self) -> random.Random:
        return self._channel.rng

    @property
    def connection_attempt_delay(self) -> float:
        return self._channel.connection_attempt_delay

    @property
    def health_check_service(self) -> str | None:
        return self._channel.health_check_service

    def now(self) -> float:
        return self._channel.now()

    def schedule(self, when: float, callback: Callable[[], object]) -> TimerHandle:
        return self._channel.schedule(when, callback)

    def new_subchannel(self, address: Target, on_change: Callable[[Subchannel], object]) -> Subchannel:
        return self._channel.new_subchannel(address, on_change)

    def publish(self, state: ConnectivityState, picker: Picker) -> None:
        self._channel.publish(state, picker)

    def request_resolution(self) -> None:
        self._channel.request_resolution()
