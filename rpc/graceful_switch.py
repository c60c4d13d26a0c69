"""Changing a channel's balancer while calls run: the old one serves until the new one can (R86)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

from .balancer import QUEUEING, Balancer, BalancerChannel, BalancerFactory, Picker, failing
from .connectivity import CONNECTING, READY, TRANSIENT_FAILURE, ConnectivityState
from .nested_channel import NestedChannel
from .resolver import Endpoint
from .subchannel import Subchannel
from .target import Target

_log = logging.getLogger("barewire.rpc.channel")


class _Candidate(NestedChannel):
    """One balancer, and what it has published last. To the balancer this is the channel."""

    def __init__(
        self,
        channel: BalancerChannel,
        name: str,
        factory: BalancerFactory,
        published: Callable[[_Candidate], None],
    ) -> None:
        super().__init__(channel)
        self.name = name
        self.state = CONNECTING
        self.picker: Picker = QUEUEING
        self._published = published
        self.balancer: Balancer = factory(self)

    def new_subchannel(self, address: Target, on_change: Callable[[Subchannel], object]) -> Subchannel:
        def changed(subchannel: Subchannel) -> None:
            try:
                on_change(subchannel)
            except Exception as error:  # the user's balancer; the connection that told us is not to suffer
                _log.exception("the balancer %r failed", self.name)
                reason = f"the balancer {self.name!r} raised {type(error).__name__}: {error}"
                self.publish(TRANSIENT_FAILURE, failing(reason))

        return super().new_subchannel(address, changed)

    def publish(self, state: ConnectivityState, picker: Picker) -> None:
        self.state, self.picker = state, picker
        self._published(self)


class GracefulSwitch:
    """The balancers of a channel: one, and for a while its successor."""

    def __init__(self, channel: BalancerChannel) -> None:
        self._channel = channel
        self._current: _Candidate | None = None
        self._next: _Candidate | None = None

    def update(self, name: str, factory: BalancerFactory, endpoints: Sequence[Endpoint], config: Any) -> None:
        """Hand this to the policy of that name; it is begun if it is not the newest.

        Raises what the policy raises, such as RpcConfigurationError for a config that cannot work; then all stays.
        """
        current, newest = self._current, self._next or self._current
        if newest is not None and newest.name == name:
            newest.balancer.update(endpoints, config)
            return
        candidate, replaced = _Candidate(self._channel, name, factory, self._published), self._next
        if current is None:
            self._current = candidate
        else:
            self._next = candidate
        try:
            candidate.balancer.update(endpoints, config)
        except Exception:
            self._current, self._next = current, replaced
            candidate.balancer.close()
            raise
        if replaced is not None:
            replaced.balancer.close()

    def exit_idle(self) -> None:
        """Connect: a call waits."""
        for candidate in (self._current, self._next):
            if candidate is not None:
                candidate.balancer.exit_idle()

    def close(self) -> None:
        """Shut everything down."""
        candidates = self._current, self._next
        self._current = self._next = None
        for candidate in candidates:
            if candidate is not None:
                candidate.balancer.close()

    def _published(self, candidate: _Candidate) -> None:
        current, successor = self._current, self._next
        if current is None or candidate not in (current, successor):
            return  # it has been closed
        if successor is not None and (successor.state is READY or current.state is not READY):
            self._current, self._next = successor, None
            self._channel.publish(successor.state, successor.picker)
            current.balancer.close()
        elif candidate is current:
            self._channel.publish(candidate.state, candidate.picker)
