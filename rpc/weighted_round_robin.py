"""weighted_round_robin: endpoints get calls by the load that they report (gRFC A58), or by weights from a resolver."""

from __future__ import annotations

import heapq
import random
from collections.abc import Mapping, Sequence
from typing import Any, cast

from .balancer import BalancerChannel, BalancerFactory, Fixed, PickedCall, Picker, PickResult, Tracked
from .call_tracking import CallTracker
from .endpoint_balancer import Child, EndpointBalancer, leads_elsewhere
from .endpoint_weights import ReportedWeight, WeightConfig, balanced, read_weight_config
from .load_report import LoadReport, encoded_report
from .load_watch import LoadWatch, watch_load
from .round_robin import Turns
from .status import Status
from .subchannel import Subchannel


class WeightedRoundRobin(EndpointBalancer):
    """Endpoints get calls in proportion to their weight, evenly spread.

    While fewer than two of them have told their load for long enough, the weights are those that the resolver gave the
    endpoints; one without weight (0 or less) counts as if it were 1.
    """

    def __init__(self, channel: BalancerChannel) -> None:
        super().__init__(channel)
        self.config = WeightConfig()

    @staticmethod
    def parse_config(
        config: Mapping[str, Any], path: str, known: Mapping[str, BalancerFactory]
    ) -> WeightConfig:
        return read_weight_config(config, path)

    def use_config(self, config: WeightConfig) -> None:
        self.config = config

    def new_child(self) -> Child:
        return WeightedChild(self)

    def make_picker(self, ready: Sequence[Child]) -> Picker:
        return _WeightedPicker(self.channel, cast(Sequence[WeightedChild], ready), self.config)


class WeightedChild(Child, CallTracker):
    """An endpoint that listens to what its server says of its load: at the end of each call, or in a stream."""

    def __init__(self, balancer: WeightedRoundRobin) -> None:
        super().__init__(balancer.channel, balancer.child_changed)
        self._balancer = balancer
        self._load_watch: LoadWatch | None = None
        self._last_report: tuple[bytes, LoadReport | None] = b"", None
        self._connection_before: Subchannel | None = None
        self.weight = ReportedWeight(balancer.config)

    def update(self, endpoint: Any, service: str | None) -> None:
        self.weight.config = self._balancer.config
        super().update(endpoint, service)
        self._listen()

    def close(self) -> None:
        self._stop_listening()
        super().close()

    def connection_changed(self) -> None:
        if self.subchannel is not self._connection_before:
            self._connection_before = self.subchannel
            self.weight.forget()
            self._stop_listening()
            self._listen()

    def tracked(self) -> Picker:
        """Its picker, but that reports of its calls are listened to, if that is where they come from."""
        subchannel = self.subchannel
        if subchannel is None or self.weight.config.stream_interval is not None:
            return self.picker
        return Fixed(Tracked(subchannel, (self,)))

    def ended(self, status: Status) -> None:
        data = encoded_report(status)
        if data is not None and data != self._last_report[0]:  # most calls tell what the one before has told
            self._last_report = data, LoadReport.of(status)
        report = self._last_report[1]
        if data is not None and report is not None:
            self._reported(report)

    def _reported(self, report: LoadReport) -> None:
        self.weight.update(report, self._channel.now())

    def _listen(self) -> None:
        """Have the stream that is wanted now."""
        interval, subchannel = self.weight.config.stream_interval, self.subchannel
        if self._load_watch is not None and self._load_watch.interval != interval:
            self._stop_listening()
        if self._load_watch is None and interval is not None and subchannel is not None:
            self._load_watch = watch_load(subchannel, interval, self._reported)

    def _stop_listening(self) -> None:
        if self._load_watch is not None:
            self._load_watch.close()
            self._load_watch = None


class _WeightedPicker:
    """Takes new weights from time to time, when it is asked: nothing happens while there are no calls."""

    def __init__(
        self, channel: BalancerChannel, children: Sequence[WeightedChild], config: WeightConfig
    ) -> None:
        self._channel = channel
        self._children = children
        self._config = config
        self._pickers = [child.tracked() for child in children]
        self._static = [float(max(child.endpoint.weight, 0) or 1) for child in children]
        self._weights: list[float] = []
        self._renew(channel.now())

    def pick(self, call: PickedCall) -> PickResult:
        now = self._channel.now()
        if now >= self._renew_at:
            self._renew(now)
        return self._turns.pick(call)

    def _renew(self, now: float) -> None:
        self._renew_at = now + self._config.update_interval
        weights = balanced([child.weight.at(now) for child in self._children], self._static)
        if weights != self._weights:
            self._weights = weights
            self._turns = _make_turns(self._pickers, weights, self._channel.rng)


def _make_turns(pickers: Sequence[Picker], weights: Sequence[float], rng: random.Random) -> Picker:
    if len(set(weights)) == 1:
        return Turns(pickers, rng)
    return WeightedTurns(pickers, weights, rng)


class WeightedTurns:
    """Earliest deadline first: an endpoint of weight w is due every 1/w."""

    def __init__(self, pickers: Sequence[Picker], weights: Sequence[float], rng: random.Random) -> None:
        self._pickers = pickers
        heaviest = max(weights)
        self._periods = [heaviest / weight for weight in weights]
        # They begin anywhere in their periods: many clients that start together do not all call the heaviest first.
        self._due = [(rng.random() * period, number) for number, period in enumerate(self._periods)]
        heapq.heapify(self._due)

    def pick(self, call: PickedCall) -> PickResult:
        if call.tried:
            for entry in sorted(self._due):
                result = self._pickers[entry[1]].pick(call)
                if leads_elsewhere(call, result):
                    self._take_turn(entry)
                    return result
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
