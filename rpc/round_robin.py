"""round_robin: calls in turn over all endpoints that are ready (R83)."""

from __future__ import annotations

import random
from collections.abc import Sequence

from .balancer import PickedCall, Picker, PickResult
from .endpoint_balancer import Child, EndpointBalancer, elsewhere


class RoundRobin(EndpointBalancer):
    """Each ready endpoint in turn, from a random one on."""

    def make_picker(self, ready: Sequence[Child]) -> Picker:
        return Turns([child.picker for child in ready], self.channel.rng)


class Turns:
    """One after the other."""

    def __init__(self, pickers: Sequence[Picker], rng: random.Random) -> None:
        self._pickers = pickers
        self._next = rng.randrange(len(pickers))

    def pick(self, call: PickedCall) -> PickResult:
        if call.tried and (result := elsewhere(call, (self._take_turn() for _ in self._pickers))):
            return result
        return self._take_turn().pick(call)

    def _take_turn(self) -> Picker:
        number = self._next
        self._next = number + 1 if number + 1 < len(self._pickers) else 0
        return self._pickers[number]
