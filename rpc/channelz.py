"""What channelz shows (R100, proposal A14): channels, subchannels, servers and sockets, by ids that are never reused.

A `Channelz` holds nothing alive: a node belongs to what it describes, and is gone from here with it. Counters and
states are not copied into nodes; they are looked at when somebody asks.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from itertools import count
from typing import TYPE_CHECKING, TypeVar
from weakref import WeakValueDictionary

from .arguments import FUNCTION, check
from .connectivity import TRANSIENT_FAILURE, ConnectivityState
from .counters import CallCounters

if TYPE_CHECKING:
    from .connection import Connection

_TRACED_EVENTS = 100


class Severity(IntEnum):
    """How much an event of a trace matters."""

    INFO = 1
    WARNING = 2
    ERROR = 3


class Node:
    """Anything that has an id. `id` is 0 until it is registered."""

    def __init__(self, name: str) -> None:
        self.id = 0
        self.name = name


N = TypeVar("N", bound=Node)


@dataclass(frozen=True, slots=True)
class TraceEvent:
    """Something that happened to a channel or a server. `when` is the wall clock's; `subchannel` is the id and name of
    whom it happened to."""

    when: float
    description: str
    severity: Severity
    subchannel: tuple[int, str] | None


class Trace:
    """The last events, and how many there have been."""

    def __init__(self, clock: Callable[[], float], limit: int = _TRACED_EVENTS) -> None:
        self._clock = clock
        self.created = clock()
        self.logged = 0
        self.events: deque[TraceEvent] = deque(maxlen=limit)

    def add(
        self,
        description: str,
        severity: Severity = Severity.INFO,
        *,
        subchannel: tuple[int, str] | None = None,
    ) -> None:
        """Note an event; the oldest makes place for it."""
        self.logged += 1
        self.events.append(TraceEvent(self._clock(), description, severity, subchannel))

    def add_state(self, state: ConnectivityState, reason: str) -> None:
        """Note that this is the state now; `reason` is why connecting failed."""
        if state is TRANSIENT_FAILURE:
            self.add(f"{state.name}: {reason}", Severity.WARNING)
        else:
            self.add(state.name)


class SocketNode(Node):
    """A connection, or (with `core` None) a socket that listens. Addresses are as `socket` gives them, `sock` is
    asked for its options, `now` is the clock of the core's times."""

    def __init__(
        self,
        name: str,
        *,
        core: Connection | None,
        now: Callable[[], float],
        sock: socket.socket | None,
        local: object,
        remote: object,
        tls: ssl.SSLSocket | ssl.SSLObject | None = None,
    ) -> None:
        super().__init__(name)
        self.core = core
        self.now = now
        self.sock = sock
        self.local = local
        self.remote = remote
        self.tls = tls


class _CallNode(Node):
    """What has calls, a trace and sockets."""

    def __init__(self, name: str, channelz: Channelz, calls: CallCounters, now: Callable[[], float]) -> None:
        super().__init__(name)
        self.calls = calls
        self.now = now
        self.trace = Trace(channelz.clock)
        self.sockets: dict[int, SocketNode] = {}
        self.channelz = channelz
        channelz.register(self)

    def add_socket(self, node: SocketNode) -> SocketNode:
        """A connection stands."""
        self.channelz.register(node)
        self.sockets[node.id] = node
        return node

    def remove_socket(self, node: SocketNode) -> None:
        """It has ended."""
        self.sockets.pop(node.id, None)
        self.channelz.forget(node)

    def close(self) -> None:
        """It is over, and no longer shown."""
        self.channelz.forget(self)


class ServerNode(_CallNode):
    """A server; `sockets` are its clients' connections."""

    def __init__(self, name: str, channelz: Channelz, calls: CallCounters, now: Callable[[], float]) -> None:
        super().__init__(name, channelz, calls, now)
        self.listeners: dict[int, SocketNode] = {}

    def add_listener(self, node: SocketNode) -> None:
        """The server listens here."""
        self.channelz.register(node)
        self.listeners[node.id] = node
        self.trace.add(f"listening on {node.name}")

    def remove_listeners(self) -> None:
        """It no longer listens."""
        for node in self.listeners.values():
            self.channelz.forget(node)
        self.listeners.clear()


class SubchannelNode(_CallNode):
    """What a channel balances over; `name` is its address, `state` tells its connectivity."""

    def __init__(
        self,
        parent: ChannelNode,
        name: str,
        calls: CallCounters,
        *,
        state: Callable[[], ConnectivityState],
    ) -> None:
        super().__init__(name, parent.channelz, calls, parent.now)
        self.state = state
        self._parent = parent
        self._closing = False

    def remove_socket(self, node: SocketNode) -> None:
        super().remove_socket(node)
        if self._closing:
            self.close()

    def close(self) -> None:
        """It is not used any more. It is shown as long as it has connections, for calls may run on them."""
        self._closing = True
        if not self.sockets:
            super().close()
            self._parent.remove_subchannel(self)


class ChannelNode(_CallNode):
    """A channel; `name` is its target. It has subchannels, and those have its sockets."""

    max_connections = 0  # per subchannel

    def __init__(
        self,
        name: str,
        channelz: Channelz,
        calls: CallCounters,
        now: Callable[[], float],
        *,
        state: Callable[[], ConnectivityState],
    ) -> None:
        super().__init__(name, channelz, calls, now)
        self.state = state
        self.subchannels: dict[int, SubchannelNode] = {}

    def add_subchannel(
        self, name: str, calls: CallCounters, state: Callable[[], ConnectivityState]
    ) -> SubchannelNode:
        """A subchannel has been made."""
        node = SubchannelNode(self, name, calls, state=state)
        self.subchannels[node.id] = node
        self.trace.add(f"subchannel to {name} created", subchannel=(node.id, name))
        return node

    def remove_subchannel(self, node: SubchannelNode) -> None:
        """It is over."""
        if self.subchannels.pop(node.id, None) is not None:
            self.trace.add(f"subchannel to {node.name} deleted", subchannel=(node.id, node.name))


class Channelz:
    """The channels and servers that are to be seen together: `Channel(…, channelz=channelz)`, `Server(…, channelz=…)`.

    `Server(admin_servicers(channelz=channelz))` shows them. Channels of several threads may share one.
    """

    def __init__(self, *, clock: Callable[[], float] = time.time) -> None:
        """`clock` gives the wall clock's time, in seconds since 1970."""
        check("clock", clock, FUNCTION)
        self.clock = clock
        self._ids = count(1)
        self._nodes: WeakValueDictionary[int, Node] = WeakValueDictionary()

    def register(self, node: Node) -> None:
        """Give a node its id, and show it as long as it lives."""
        node.id = next(self._ids)
        self._nodes[node.id] = node

    def forget(self, node: Node) -> None:
        """Show a node no longer."""
        self._nodes.pop(node.id, None)

    def find(self, kind: type[N], node_id: int) -> N | None:
        """The node of exactly this kind and id."""
        node = self._nodes.get(node_id)
        return node if node is not None and type(node) is kind else None

    def all(self, kind: type[N]) -> list[N]:
        """The nodes of exactly this kind, in the order of their ids."""
        # One step for the list of references: other threads add and remove meanwhile.
        nodes = [node for reference in self._nodes.valuerefs() if (node := reference()) is not None]
        return sorted((node for node in nodes if type(node) is kind), key=lambda node: node.id)
