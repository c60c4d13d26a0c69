"""least_request: of a few endpoints chosen at random, the one with the fewest calls under way (A48)."""

from __future__ import annotations

import random
import weakref
from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Any

from .balancer import QUEUE, BalancerChannel, BalancerFactory, PickedCall, Picker, PickResult, Tracked
from .call_tracking import CallTracker
from .endpoint_balancer import Child, EndpointBalancer, elsewhere
from .json_fields import JsonObject, field_error, read_size
from .status import Status

_MOST_CHOICES = 10  # what a higher `choiceCount` counts as


class LeastRequest(EndpointBalancer):
    """See the module. Config: `choiceCount`, how many are compared for each call; 2 by default, from 2 to 10."""

    def __init__(self, channel: BalancerChannel) -> None:
        super().__init__(channel)
        self._choices = 2
        self._open_calls: weakref.WeakKeyDictionary[Child, OpenCalls] = weakref.WeakKeyDictionary()

    @staticmethod
    def parse_config(config: Mapping[str, Any], path: str, known: Mapping[str, BalancerFactory]) -> int:
        fields = JsonObject(config, path)
        choices = fields.get("choiceCount", read_size)
        if choices is None:
            return 2
        if choices < 2:
            raise field_error(fields.at("choiceCount"), f"has to be at least 2, and is {choices}")
        return min(choices, _MOST_CHOICES)

    def use_config(self, config: int) -> None:
        self._choices = config

    def make_picker(self, ready: Sequence[Child]) -> Picker:
        endpoints = [_Endpoint(child, self._open_calls.setdefault(child, OpenCalls())) for child in ready]
        return _LeastOfSome(endpoints, self._choices, self.channel.rng)


class OpenCalls(CallTracker):
    """How many calls are under way to one endpoint."""

    count = 0

    def started(self) -> None:
        self.count += 1

    def ended(self, status: Status) -> None:
        self.count -= 1


class _Endpoint:
    def __init__(self, child: Child, calls: OpenCalls) -> None:
        subchannel = child.subchannel
        self.calls = calls
        self._result: PickResult = QUEUE if subchannel is None else Tracked(subchannel, (calls,))

    def pick(self, call: PickedCall) -> PickResult:
        return self._result


class _LeastOfSome:
    def __init__(self, endpoints: Sequence[_Endpoint], choices: int, rng: random.Random) -> None:
        self._endpoints = endpoints
        self._choices = choices
        self._rng = rng

    def pick(self, call: PickedCall) -> PickResult:
        if call.tried and (result := elsewhere(call, sorted(self._endpoints, key=attrgetter("calls.count")))):
            return result
        chosen = self._rng.choices(self._endpoints, k=self._choices)  # one may be chosen twice, as in Envoy
        return min(chosen, key=attrgetter("calls.count")).pick(call)
