"""round_robin and weighted_round_robin: calls in turn over all endpoints that are ready (R83)."""

from __future__ import annotations

import heapq
import random
from collections.abc import Sequence

from .balancer import PickedCall, Picker, PickResult
from .endpoint_balancer import Child, EndpointBalancer, elsewhere


class RoundRobin(EndpointBalancer):
    """Each ready endpoint in turn, from a random one on."""

    def make_picker(self, ready: Sequence[Child]) -> Picker:
        return _Turns([child.picker for child in ready], self.channel.rng)


class WeightedRoundRobin(EndpointBalancer):
    """Endpoints get calls in proportion to their weight, evenly spread. Without weight (0 or less): as if it were 1."""

    def make_picker(self, ready: Sequence[Child]) -> Picker:
        weights = [float(max(child.endpoint.weight, 0) or 1) for child in ready]
        pickers = [child.picker for child in ready]
        if len(set(weights)) == 1:
            return _Turns(pickers, self.channel.rng)
        return _WeightedTurns(pickers, weights, self.channel.rng)


class _Turns:
    def __init__(self, pickers: Sequence[Picker], rng: random.Random) -> None:
        self._pickers = pickers
        self._next = rng.randrange(len(pickers))

    def pick(self, call: PickedCall) -> PickResult:
        if call.tried:
            return elsewhere(call, (self._take_turn() for _ in self._pickers))
        return self._take_turn().pick(call)

    def _take_turn(self) -> Picker:
        number = self._next
        self._next = number + 1 if number + 1 < len(self._pickers) else 0
        return self._pickers[number]


class _WeightedTurns:
    """Earliest deadline first: an endpoint of weight w is due every 1/w."""

    def __init__(self, pickers: list[Picker], weights: list[float], rng: random.Random) -> None:
        self._pickers = pickers
        self._periods = [1 / weight for weight in weights]
        # They begin anywhere in their periods: many clients that start together do not all call the heaviest first.
        self._due = [(rng.random() * period, number) for number, period in enumerate(self._periods)]
        heapq.heapify(self._due)

    def pick(self, call: PickedCall) -> PickResult:
        if call.tried:
            return elsewhere(call, (self._take_turn(entry) for entry in sorted(self._due)))
        return self._take_turn(self._due[0]).pick(call)

    def _take_turn(self, entry: tuple[float, int]) -> Picker:
        due, number = entry
        later = due + self._periods[number], number
        if entry is self._due[0]:
            heapq.heapreplace(self._due, later)
        else:
            self._due[self._due.index(entry)] = later
            heapq.heapify(self._due)
        return self._pickers[number]
