"""A client's calls against scripted servers, in memory and on a clock that only the test moves.

Each connection is a client core wired to a server core; the channel is as small as a channel can be.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from barewire.rpc.call_tracking import CallTracker
from barewire.rpc.client_call import ClientCall
from barewire.rpc.client_call_state import ClientCallState, tell_call
from barewire.rpc.counters import CallCounters
from barewire.rpc.events import CallEnded, CallStarted, MessageReceived, RequestEnded
from barewire.rpc.limits import Limits
from barewire.rpc.observer import CallObserver
from barewire.rpc.retry import ChannelRetries
from barewire.rpc.server_call import ServerCall
from barewire.rpc.service_config import ServiceConfig, parse_service_config
from barewire.rpc.status import Status, StatusCode
from barewire.rpc.target import Target, parse_target
from barewire.rpc.timers import TimerHandle, Timers
from tests.support.rpc_pair import Pair

OK = Status(StatusCode.OK)


class Served:
    """One attempt, as the server sees it."""

    def __init__(self, connection: Connection, call: ServerCall, at: float) -> None:
        self.connection = connection
        self.call = call
        self.at = at  # seconds since the beginning
        self.messages: list[bytes] = []
        self.request_ended = False
        self.cancelled: Status | None = None

    @property
    def previous_attempts(self) -> Any:
        return self.call.request.metadata.get("grpc-previous-rpc-attempts")

    def fail(self, code: StatusCode = StatusCode.UNAVAILABLE, message: str = "", **trailing: Any) -> None:
        """End the call with a Trailers-Only response."""
        pairs = {key.replace("_", "-"): str(value) for key, value in trailing.items()}
        status = Status(code, message)
        for key, value in pairs.items():
            status.trailing_metadata.add(key, value)
        self.call.finish(status)

    def answer(self, *messages: bytes, end: bool = True) -> None:
        if not self.call.head_sent:
            self.call.send_initial_metadata()
        for message in messages:
            self.call.send_message(message)
        if end:
            self.call.finish(OK)

    def refuse(self) -> None:
        """RST_STREAM with REFUSED_STREAM."""
        self.call.fail(Status(StatusCode.UNAVAILABLE, "refused"), 0x7)


class Connection:
    """A connection of the channel: what a shell calls a link."""

    def __init__(self, world: World, pair: Pair) -> None:
        self.world = world
        self.pair = pair
        self.core = pair.client
        self.address = Target("10.0.0.1", len(world.connections) + 1)

    def start_call(self, state: Any) -> ClientCall:
        return state.put_on(self.core, self.world.now())

    def schedule_flush(self) -> None:
        """`World.settle` carries everything."""


class World:
    """A channel, its connections, their servers, and the clock."""

    target = parse_target("memory:1")
    target_uri = "memory:///memory:1"
    authority, scheme, compression, last_error = "memory:1", "http", None, ""
    interceptors = ()
    wait_for_ready = False

    def __init__(
        self,
        config: Any = None,
        *,
        connections: int = 1,
        enabled: bool = True,
        server_limits: Any = None,
        **limits: Any,
    ) -> None:
        self.limits = Limits(**limits)
        self.service_config: ServiceConfig = parse_service_config(config)
        self.retries = ChannelRetries(enabled, self.limits, random.Random(1))
        self.retries.configure(self.service_config)
        self.calls = CallCounters()
        self.timers = Timers()
        self._server_limits = server_limits
        self.started_at = 1000.0
        self._now = self.started_at
        self.connections: list[Connection] = []
        self.pending: list[Any] = []
        self.served: list[Served] = []
        self.submitted = 0
        self.tried: list[list[int]] = []  # what each attempt told the balancer: the ports of connections
        self.trackers: tuple[CallTracker, ...] = ()
        self.observers: tuple[CallObserver, ...] = ()  # of each call
        self.answer: Callable[[Served], None] | None = None  # what servers do with a call as soon as it comes
        for _ in range(connections):
            self.connect()

    # -- what calls want of a channel -----------------------------------------------------------------------------

    def now(self) -> float:
        return self._now

    def schedule(self, when: float, callback: Callable[[], object]) -> TimerHandle:
        return self.timers.schedule(when, callback)

    def submit(self, state: Any) -> None:
        usable = [link for link in self.connections if link.core.accepts_calls]
        self.submitted += 1
        self.tried.append([each.port for each in state.tried])
        if usable:
            state.start(usable[self.submitted % len(usable)])
            if self.trackers:
                state.track(self.trackers)
        else:
            self.pending.append(state)
            state.hold()

    # -- what tests do --------------------------------------------------------------------------------------------

    def connect(self) -> Connection:
        pair = Pair(client_limits=self.limits, server_limits=self._server_limits)
        pair.now = self._now
        link = Connection(self, pair)
        self.connections.append(link)
        waiting, self.pending = self.pending, []
        for state in waiting:
            state.start(link)
        return link

    def lose(self, link: Connection, reason: str = "cut") -> None:
        """The transport of a connection ends."""
        self.connections.remove(link)
        link.core.peer_closed(reason)
        link.pair.server.peer_closed(reason)
        self._dispatch(link)

    def call(self, *messages: bytes, end: bool = True, **options: Any) -> CallUnderTest:
        """Start a call."""
        call = CallUnderTest(self, **options)
        for message in messages:
            call.queue(message)
        if end:
            call.end_sending()
        call.submit()
        self.settle()
        return call

    def settle(self) -> None:
        """Carry bytes, and run what is due, until nothing happens any more."""
        for _ in range(1000):
            moved = 0
            for link in list(self.connections):
                moved += link.pair.client_to_server() + link.pair.server_to_client()
                moved += self._dispatch(link)
            due = self.timers.next_due()
            if due is not None and due <= self._now:
                self.timers.run(self._now)
                moved += 1
            if not moved:
                return
        raise AssertionError("the world never comes to rest")

    def advance(self, seconds: float) -> None:
        """Let time pass, stopping at everything that becomes due on the way."""
        self.settle()
        end = self._now + seconds
        while True:
            due = [when for when in (self.timers.next_due(), *self._core_timers()) if when is not None]
            self._now = min([end, *(max(when, self._now) for when in due)])
            for link in self.connections:
                link.pair.now = self._now
                link.core.handle_timer(self._now)
            self.settle()
            if self._now >= end:
                return

    def _core_timers(self) -> list[float | None]:
        return [link.core.next_timer() for link in self.connections]

    def _dispatch(self, link: Connection) -> int:
        pair = link.pair
        pair.collect()
        client, pair.client_events = pair.client_events, []
        server, pair.server_events = pair.server_events, []
        for event in client:
            tell_call(event)
        for event in server:
            self._serve(link, event)
        return len(client) + len(server)

    def _serve(self, link: Connection, event: Any) -> None:
        if isinstance(event, CallStarted):
            attempt = Served(link, event.call, round(self._now - self.started_at, 6))
            event.call.sink = attempt
            self.served.append(attempt)
        attempt = getattr(getattr(event, "call", None), "sink", None)
        if not isinstance(attempt, Served):
            return
        if isinstance(event, MessageReceived):
            attempt.messages.append(event.call.open(event.envelope))
            event.call.consumed(event.size)
        elif isinstance(event, RequestEnded):
            attempt.request_ended = True
        elif isinstance(event, CallEnded):
            attempt.cancelled = event.status
        if isinstance(event, CallStarted) and self.answer is not None:
            self.answer(attempt)

    @property
    def times(self) -> list[float]:
        """When attempts reached a server."""
        return [attempt.at for attempt in self.served]


class Method:
    """Bytes in, bytes out."""

    path = "/test.Service/Method"
    client_streaming = True
    registered = True

    def __init__(self, server_streaming: bool) -> None:
        self.server_streaming = server_streaming
        self.request_serializer = self.response_deserializer = bytes


class CallUnderTest(ClientCallState):
    """A call without a shell; `outcomes` has one element when it has ended."""

    def __init__(
        self,
        world: World,
        *,
        streaming: bool = False,
        timeout: float | None = None,
        wait_for_ready: bool | None = None,
    ) -> None:
        self.world = world
        self.outcomes: list[Any] = []
        self.woken = 0
        method: Any = Method(streaming)
        channel: Any = world
        super().__init__(channel, method, timeout, (), wait_for_ready, None, world.now())

    @property
    def observers(self) -> tuple[CallObserver, ...]:
        return self.world.observers

    @property
    def intercepted(self) -> bool:
        return False

    def submit(self) -> None:
        if self.prepare(self.world.now()):
            self.launch()

    def wake(self) -> None:
        self.woken += 1

    def settled(self) -> None:
        self.outcomes.append(self.outcome)

    def send(self, message: bytes) -> None:
        self.queue(message)
        self.world.settle()

    @property
    def code(self) -> StatusCode | None:
        assert len(self.outcomes) <= 1
        return self.outcomes[0].code if self.outcomes else None

    @property
    def responses(self) -> list[bytes]:
        """The messages that have come, taken."""
        taken = [self.decode(self.take_envelope()) for _ in range(len(self.inbox))]
        self.world.settle()
        return taken
