"""outlier_detection: endpoints whose calls fail get none for a while (A50, A61).

It balances nothing itself: `childPolicy` does. It counts how calls end, and from time to time looks for outliers; the
subchannels of these show TRANSIENT_FAILURE, and keep their connections.

A pick_first of its own, without endpoints to choose among, goes on with the next address.
"""

from __future__ import annotations

import logging
import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .balancer import (
    BalancerChannel,
    BalancerFactory,
    ChosenPolicy,
    Fixed,
    PickedCall,
    Picker,
    PickResult,
    Tracked,
    choose_policy,
)
from .call_tracking import CallTracker
from .connectivity import ConnectivityState
from .graceful_switch import GracefulSwitch
from .nested_channel import NestedChannel
from .outlier_config import OutlierConfig, read_outlier_config
from .outlier_sweep import EndpointRecord, sweep
from .resolver import Endpoint
from .status import Status, StatusCode
from .subchannel import Subchannel
from .target import Target
from .timers import TimerHandle

_log = logging.getLogger("barewire.rpc.outliers")

_SHORTEST_INTERVAL = 0.01  # seconds; a config may say 0, and would have us do nothing else


class OutlierDetection(NestedChannel):
    """See the module. To the balancer inside this is the channel."""

    def __init__(self, channel: BalancerChannel) -> None:
        super().__init__(channel)
        self.counts_calls = False
        self._config = OutlierConfig()
        self._switch = GracefulSwitch(self)
        self._endpoints: dict[frozenset[Target], WatchedEndpoint] = {}
        self._by_address: dict[Target, WatchedEndpoint] = {}
        self._subchannels: weakref.WeakSet[Subchannel] = weakref.WeakSet()
        self._interval_began: float | None = None
        self._timer: TimerHandle | None = None

    # -- what the channel tells -----------------------------------------------------------------------------------

    @staticmethod
    def parse_config(
        config: Mapping[str, Any], path: str, known: Mapping[str, BalancerFactory]
    ) -> tuple[OutlierConfig, ChosenPolicy]:
        settings = read_outlier_config(config, path)
        return settings, choose_policy(settings.child_policy, known, f"{path}.childPolicy")

    def update(self, endpoints: Sequence[Endpoint], config: tuple[OutlierConfig, ChosenPolicy]) -> None:
        settings, (name, factory, child_config) = config
        before = self._endpoints
        keys = [frozenset(endpoint.addresses) for endpoint in endpoints if endpoint.addresses]
        after = {key: before.get(key) or WatchedEndpoint() for key in keys}
        self._by_address = _addresses(before | after)  # the balancer inside may still use the old ones
        try:
            self._switch.update(name, factory, endpoints, child_config)
        except Exception:
            self._by_address = _addresses(before)
            raise
        self._endpoints, self._by_address = after, _addresses(after)
        self._config = settings
        self.counts_calls = settings.counts_calls
        self._keep_time()
        self._show()

    def exit_idle(self) -> None:
        self._switch.exit_idle()

    def close(self) -> None:
        self._stop_timer()
        self._switch.close()

    # -- what the balancer inside asks for ------------------------------------------------------------------------

    def new_subchannel(self, address: Target, on_change: Callable[[Subchannel], object]) -> Subchannel:
        subchannel = super().new_subchannel(address, on_change)
        self._subchannels.add(subchannel)
        endpoint = self._by_address.get(address)
        if endpoint is not None and endpoint.record.ejected:
            subchannel.eject(endpoint.reason, tell=False)  # nobody knows it yet
        return subchannel

    def publish(self, state: ConnectivityState, picker: Picker) -> None:
        says_no = isinstance(picker, Fixed) and not isinstance(picker.result, (Subchannel, Tracked))
        super().publish(state, picker if says_no else _CountingPicker(self, picker))

    def watched(self, address: Target) -> WatchedEndpoint | None:
        """The endpoint that a subchannel leads to; None if it is none of ours."""
        return self._by_address.get(address)

    # -- sweeping -------------------------------------------------------------------------------------------------

    def _keep_time(self) -> None:
        """A config has come: have the next sweep follow in its time."""
        self._stop_timer()
        if not self.counts_calls:
            self._interval_began = None
            for endpoint in self._endpoints.values():
                endpoint.record.forget()
            return
        if self._interval_began is None:
            self._interval_began = self.now()
        self._schedule(self._interval_began)

    def _schedule(self, began: float) -> None:
        when = began + max(self._config.interval, _SHORTEST_INTERVAL)
        self._timer = self.schedule(max(when, self.now()), self._sweep)

    def _sweep(self) -> None:
        now = self._interval_began = self.now()
        records = {key: each.record for key, each in self._endpoints.items()}
        before = {key for key, record in records.items() if record.ejected}
        sweep(records.values(), self._config, now, self.rng)
        for key, record in records.items():
            if record.ejected != (key in before):
                what = f"is ejected: {record.reason}" if record.ejected else "is readmitted"
                _log.info("%s: %s %s", self.target, ", ".join(sorted(map(str, key))), what)
        self._schedule(now)
        self._show()

    def _show(self) -> None:
        """Have all subchannels show what their endpoints are."""
        for subchannel in list(self._subchannels):
            endpoint = self._by_address.get(subchannel.address)
            if endpoint is not None and endpoint.record.ejected:
                subchannel.eject(endpoint.reason)
            else:
                subchannel.readmit()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class WatchedEndpoint(CallTracker):
    """Counts how the calls of one endpoint end."""

    def __init__(self) -> None:
        self.record = EndpointRecord()

    @property
    def reason(self) -> str:
        return f"ejected by outlier detection ({self.record.reason})"

    def ended(self, status: Status) -> None:
        if status.code is StatusCode.OK:
            self.record.successes += 1
        elif status.code is not StatusCode.CANCELLED or status.reached_server or status.from_peer:
            self.record.failures += 1  # but not a hedge that another one has beaten


class _CountingPicker:
    """Adds to a picker's choices that their ends are counted."""

    def __init__(self, outliers: OutlierDetection, picker: Picker) -> None:
        self._outliers = outliers
        self._picker = picker

    def pick(self, call: PickedCall) -> PickResult:
        result = self._picker.pick(call)
        if not self._outliers.counts_calls:
            return result
        if isinstance(result, Subchannel):
            subchannel, trackers = result, ()
        elif isinstance(result, Tracked):
            subchannel, trackers = result.subchannel, result.trackers
        else:
            return result
        endpoint = self._outliers.watched(subchannel.address)
        return result if endpoint is None else Tracked(subchannel, (*trackers, endpoint))


def _addresses(endpoints: Mapping[frozenset[Target], WatchedEndpoint]) -> dict[Target, WatchedEndpoint]:
    return {address: endpoint for addresses, endpoint in endpoints.items() for address in addresses}
