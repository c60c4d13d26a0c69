"""What balancers have in common that spread calls over endpoints: each endpoint is a pick_first of its own (A61)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from .balancer import (
    QUEUEING,
    BalancerChannel,
    Fixed,
    PickedCall,
    Picker,
    PickResult,
    Tracked,
    failing,
)
from .connectivity import CONNECTING, IDLE, READY, ConnectivityState, aggregate
from .health_watch import HealthWatch
from .nested_channel import NestedChannel
from .pick_first import PickFirst
from .resolver import Endpoint
from .subchannel import Subchannel
from .target import Target


class EndpointBalancer:
    """Keeps all endpoints connected. Subclasses say how to choose among those that are ready: `make_picker`."""

    def __init__(self, channel: BalancerChannel) -> None:
        self.channel = channel
        self._children: dict[frozenset[Target], Child] = {}  # by addresses, in whatever order (A61)
        self._updating = False

    def make_picker(self, ready: Sequence[Child]) -> Picker:
        """The picker for these endpoints, one or more. Called whenever one of them has changed."""
        raise NotImplementedError

    def use_config(self, config: Any) -> None:
        """Take the policy's config; see `Balancer.update`."""

    def new_child(self) -> Child:
        """What is kept for one endpoint."""
        return Child(self.channel, self.child_changed)

    # -- what the channel tells -----------------------------------------------------------------------------------

    def update(self, endpoints: Sequence[Endpoint], config: Any) -> None:
        self.use_config(config)
        service = self.channel.health_check_service
        old, self._children = self._children, {}
        self._updating = True
        try:
            for endpoint in endpoints:
                key = frozenset(endpoint.addresses)
                if not key or key in self._children:
                    continue
                child = self._children[key] = old.pop(key, None) or self.new_child()
                child.update(endpoint, service)
            for child in old.values():
                child.close()
        finally:
            self._updating = False
        self._publish()

    def exit_idle(self) -> None:
        for child in self._children.values():
            child.policy.exit_idle()

    def close(self) -> None:
        children, self._children = self._children, {}
        for child in children.values():
            child.close()

    # -- what children tell ---------------------------------------------------------------------------------------

    def child_changed(self, child: Child) -> None:
        """A child has another state, or another picker."""
        if not self._updating and self._children.get(child.key) is child:
            self._publish()

    def _publish(self) -> None:
        children = list(self._children.values())
        state = aggregate(child.state for child in children)
        if state is READY:
            picker = self.make_picker([child for child in children if child.state is READY])
        elif state is CONNECTING:
            picker = QUEUEING
        else:
            picker = failing(_failures(self.channel.target, children))
        self.channel.publish(state, picker)


class Child(NestedChannel):
    """One endpoint: its pick_first, to which this is the channel, and its health where that is asked for (R87)."""

    def __init__(self, channel: BalancerChannel, on_change: Callable[[Child], object]) -> None:
        super().__init__(channel)
        self._on_change = on_change
        self._service: str | None = None
        self._connection = CONNECTING  # the state without health
        self._watch: HealthWatch | None = None
        self.endpoint = Endpoint()
        self.state = CONNECTING
        self.picker: Picker = QUEUEING
        self.policy = PickFirst(self)

    @property
    def key(self) -> frozenset[Target]:
        """What tells the endpoint from others."""
        return frozenset(self.endpoint.addresses)

    @property
    def subchannel(self) -> Subchannel | None:
        """The endpoint's connection, None unless it is READY."""
        result = self.picker.result if isinstance(self.picker, Fixed) else None
        return result if isinstance(result, Subchannel) else None

    def update(self, endpoint: Endpoint, service: str | None) -> None:
        """Take over the endpoint, and what is asked for its health."""
        self.endpoint = endpoint
        if service != self._service:
            self._service = service
            self._look_after_health()
        self.policy.update([endpoint], False)

    def close(self) -> None:
        self._stop_watch()
        self.policy.close()

    # -- the channel of the pick_first ----------------------------------------------------------------------------

    @property
    def health_check_service(self) -> str | None:
        return None  # that is looked after here

    def publish(self, state: ConnectivityState, picker: Picker) -> None:
        if state is IDLE:  # the connection was lost: make another one at once (R83)
            self._stop_watch()
            self.policy.exit_idle()
            return
        was, self._connection, self.picker = self._connection, state, picker
        if not (was is state is READY and self._watch is not None):
            self._look_after_health()
        self.connection_changed()
        self._tell()

    def connection_changed(self) -> None:
        """`subchannel` may be another one, or None; for subclasses. What the balancer publishes comes after it."""

    # -- health ---------------------------------------------------------------------------------------------------

    def _look_after_health(self) -> None:
        self._stop_watch()
        subchannel = self.subchannel
        if self._service is not None and self._connection is READY and subchannel is not None:
            self._watch = HealthWatch(subchannel, self._service, self._tell)
            self._watch.begin()

    def _stop_watch(self) -> None:
        if self._watch is not None:
            self._watch.close()
            self._watch = None

    def _tell(self) -> None:
        self.state = self._connection if self._watch is None else self._watch.state
        self._on_change(self)

    @property
    def failure(self) -> str:
        """Why it is not READY."""
        if self._watch is not None:
            return self._watch.failure
        return self.policy.failure


def elsewhere(call: PickedCall, pickers: Iterable[Picker]) -> PickResult | None:
    """A pick for a call that has been attempted: by the first of these pickers that leads where it has not been (A6);
    None if it has been everywhere, and may go where any other call goes."""
    results = (picker.pick(call) for picker in pickers)
    return next((result for result in results if leads_elsewhere(call, result)), None)


def leads_elsewhere(call: PickedCall, result: PickResult) -> bool:
    """Whether this pick is none of an address that the call has been to."""
    subchannel = result.subchannel if isinstance(result, Tracked) else result
    return not isinstance(subchannel, Subchannel) or subchannel.address not in call.tried


def _failures(target: object, children: Sequence[Child]) -> str:
    if not children:
        return f"cannot connect to {target}: its resolver has found no addresses"
    return f"cannot connect to {target}: {'; '.join(dict.fromkeys(child.failure for child in children))}"
