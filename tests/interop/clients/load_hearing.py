"""A balancer that hears what servers say of their load, as the official ORCA cases ask for one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from barewire.rpc import LoadReport, Status
from barewire.rpc.balancer import BalancerChannel, Fixed, Picker, Tracked
from barewire.rpc.call_tracking import CallTracker
from barewire.rpc.endpoint_balancer import Child, EndpointBalancer
from barewire.rpc.load_watch import LoadWatch, watch_load


class HeardLoad(CallTracker):
    """What has come: with the end of the last call, and in the stream. `options` make a channel hear it."""

    def __init__(self) -> None:
        self.of_call: LoadReport | None = None
        self.streamed: LoadReport | None = None

    @property
    def options(self) -> dict[str, Any]:
        def hearing(channel: BalancerChannel) -> EndpointBalancer:
            return _Hearing(channel, self)

        return {"balancers": {"hearing": hearing}, "load_balancing": "hearing"}

    def ended(self, status: Status) -> None:
        self.of_call = LoadReport.of(status)

    def in_stream(self, report: LoadReport) -> None:
        self.streamed = report


class _Hearing(EndpointBalancer):
    def __init__(self, channel: BalancerChannel, heard: HeardLoad) -> None:
        super().__init__(channel)
        self.heard = heard

    def new_child(self) -> Child:
        return _HearingChild(self)

    def make_picker(self, ready: Sequence[Child]) -> Picker:
        assert ready[0].subchannel is not None
        return Fixed(Tracked(ready[0].subchannel, (self.heard,)))


class _HearingChild(Child):
    def __init__(self, balancer: _Hearing) -> None:
        super().__init__(balancer.channel, balancer.child_changed)
        self._heard = balancer.heard
        self._load_watch: LoadWatch | None = None

    def connection_changed(self) -> None:
        if self.subchannel is not None and self._load_watch is None:
            self._load_watch = watch_load(self.subchannel, 1.0, self._heard.in_stream)

    def close(self) -> None:
        if self._load_watch is not None:
            self._load_watch.close()
        super().close()
