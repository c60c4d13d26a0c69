"""A channel core with a virtual clock and no servers: tests decide which attempts to connect succeed."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from barewire.rpc.backoff import BackoffPolicy
from barewire.rpc.call_tracking import CallTracker, tell_ended, tell_started
from barewire.rpc.channel_core import ChannelCore
from barewire.rpc.client_channel import BALANCERS
from barewire.rpc.connectivity import CHANNEL_TRANSITIONS, ConnectivityState
from barewire.rpc.limits import Limits
from barewire.rpc.metadata import Metadata
from barewire.rpc.resolver import Endpoint, ResolverChannel, ResolverResult
from barewire.rpc.service_config import parse_service_config
from barewire.rpc.status import Status, StatusCode
from barewire.rpc.subchannel import Attempt
from barewire.rpc.target import ChannelTarget, Target, parse_target
from barewire.rpc.timers import Timers


class FakeCall:
    """A call that notes what happens to it."""

    path = "/test.Service/Method"

    def __init__(self, wait_for_ready: bool = False, metadata: Metadata | None = None) -> None:
        self.wait_for_ready = wait_for_ready
        self.metadata = metadata or Metadata()
        self.deadline: float | None = None
        self.status: Status | None = None
        self.link: FakeLink | None = None
        self.tried: list[Target] = []
        self.trackers: tuple[CallTracker, ...] = ()
        self.held = 0

    def start(self, link: Any) -> None:
        if self.status is None:
            assert self.link is None, "started twice"
            assert link.core.accepts_calls
            self.link = link
            link.core.calls.append(self)
            link.core.streams.started += 1

    def track(self, trackers: tuple[CallTracker, ...]) -> None:
        self.trackers = trackers
        tell_started(trackers)

    def hold(self) -> None:
        self.held += 1

    def ended(self, status: Status) -> None:
        if self.status is None:
            self.status = status
            if self.link is not None and self in self.link.core.calls:
                self.link.core.calls.remove(self)
            tell_ended(self.trackers, status)

    def name_resolved(self) -> None:
        pass

    def expired_while_pending(self) -> None:
        self.ended(Status(StatusCode.DEADLINE_EXCEEDED))


class FakeStreams:
    started = 0


class FakeCore:
    """What channels see of a connection."""

    def __init__(self, limit: int) -> None:
        self.peer_max_concurrent_streams = limit
        self.calls: list[FakeCall] = []
        self.watches: list[FakeWatch] = []
        self.streams = FakeStreams()
        self.accepts_calls = True
        self.drained = False
        self.http2 = self

    @property
    def open_stream_count(self) -> int:
        return len(self.calls)

    @property
    def open_calls(self) -> int:
        return len(self.calls) + len(self.watches)

    def drain(self) -> None:
        self.drained = True
        self.accepts_calls = False

    def start_call(self, headers: Any, deadline: Any, codec: Any, now: float) -> FakeWatch:
        self.watches.append(FakeWatch(self, dict(headers)))
        return self.watches[-1]


class FakeWatch:
    """A call that the channel itself makes."""

    def __init__(self, core: FakeCore, headers: dict[bytes, bytes]) -> None:
        self.core = core
        self.headers = headers
        self.sink: Any = None
        self.sent: list[bytes] = []
        self.cancelled = False

    def send_message(self, payload: bytes) -> None:
        self.sent.append(payload)

    def end_sending(self) -> None: ...

    def consumed(self, size: int) -> None: ...

    def open(self, envelope: Any) -> bytes:
        return envelope.payload

    def cancel(self) -> None:
        self.cancelled = True
        self.core.watches.remove(self)

    def end(self, code: StatusCode) -> None:
        self.core.watches.remove(self)
        self.sink.ended(Status(code))


class FakeLink:
    def __init__(self, attempt: Attempt, limit: int) -> None:
        self.attempt = attempt
        self.address = str(attempt.address)
        self.core = FakeCore(limit)

    def start_call(self, state: Any) -> Any:
        raise NotImplementedError

    def schedule_flush(self) -> None: ...

    def lose(self, reason: str = "lost", *, goaway: bool = False) -> None:
        """The connection ends, or takes no further calls."""
        self.core.accepts_calls = False
        if not goaway:
            for call in list(self.core.calls):
                call.ended(Status(StatusCode.UNAVAILABLE, reason))
        self.attempt.unusable(self, reason)  # type: ignore[arg-type]


class FakeDial:
    def __init__(self, channel: VirtualChannel, attempt: Attempt) -> None:
        self.channel = channel
        self.attempt = attempt

    @property
    def address(self) -> str:
        return str(self.attempt.address)

    def cancel(self) -> None:
        if self in self.channel.dials:
            self.channel.dials.remove(self)


class PushResolver:
    """Tells what the test says."""

    def __init__(self) -> None:
        self.channel: ResolverChannel | None = None
        self.asked = 0
        self.starts = 0

    def __call__(self, target: ChannelTarget) -> PushResolver:
        return self

    def start(self, channel: ResolverChannel) -> None:
        self.channel = channel
        self.starts += 1

    def resolve_now(self) -> None:
        self.asked += 1

    def close(self) -> None:
        self.channel = None


class VirtualChannel(ChannelCore):
    """See the module. Random is seeded, and backoff has no jitter unless it is given."""

    def __init__(
        self,
        *addresses: str | Endpoint,
        policy: str = "pick_first",
        balancers: Mapping[str, Any] | None = None,
        service_config: Any = None,
        backoff: BackoffPolicy | None = None,
        limits: Limits | None = None,
        resolver: Any = None,
        stream_limit: int = 100,
    ) -> None:
        self.clock = 1000.0
        self.timers = Timers()
        self.mail: deque[Callable[[], object]] = deque()
        self.lookups: list[tuple[Any, Any]] = []
        self.dials: list[FakeDial] = []
        self.links: list[FakeLink] = []
        self.states = [ConnectivityState.IDLE]
        self.stream_limit = stream_limit
        self.resolver = resolver or PushResolver()
        self.addresses: Sequence[str | Endpoint] = addresses
        super().__init__(
            ChannelTarget("test", "name", "test:name"),
            self.resolver,
            {**BALANCERS, **(balancers or {})},
            policy,
            parse_service_config(service_config),
            limits=limits or Limits(),
            backoff=backoff or BackoffPolicy(jitter=0),
            rng=random.Random(1),
        )

    # -- the shell ------------------------------------------------------------------------------------------------

    def now(self) -> float:
        return self.clock

    def schedule(self, when: float, callback: Callable[[], object]) -> Any:
        return self.timers.schedule(when, callback)

    def post(self, callback: Callable[[], object]) -> None:
        self.mail.append(callback)

    def run(self, lookup: Any, done: Any) -> None:
        self.lookups.append((lookup, done))

    def getaddrinfo(self, host: str, port: int) -> Any:
        raise NotImplementedError

    def look_up_txt(self, name: str) -> Any:
        raise NotImplementedError

    def dial(self, attempt: Attempt) -> FakeDial:
        dial = FakeDial(self, attempt)
        self.dials.append(dial)
        return dial

    def state_changed(self) -> None:
        assert self.state in CHANNEL_TRANSITIONS[self.states[-1]], (self.states[-1], self.state)
        self.states.append(self.state)

    # -- for tests ------------------------------------------------------------------------------------------------

    def settle(self) -> None:
        while self.mail:
            self.mail.popleft()()

    def advance(self, seconds: float) -> None:
        """Let time pass, timer by timer."""
        end = self.clock + seconds
        while (due := self.timers.next_due()) is not None and due <= end:
            self.clock = max(self.clock, due)
            self.timers.run(self.clock)
            self.settle()
        self.clock = end

    def begin(self) -> VirtualChannel:
        """Leave IDLE, and resolve."""
        self.connect()
        self.resolve(*self.addresses)
        return self

    def resolve(self, *addresses: str | Endpoint, config: Any = None) -> None:
        endpoints = tuple(Endpoint(each) if isinstance(each, str) else each for each in addresses)
        self.resolver.channel.update(ResolverResult(endpoints, config))
        self.settle()

    def call(self, wait_for_ready: bool = False) -> FakeCall:
        call = FakeCall(wait_for_ready)
        self.submit(call)
        self.settle()
        return call

    @property
    def dialing(self) -> list[str]:
        """The addresses that are being connected to, in the order of their beginning."""
        return [dial.address for dial in self.dials]

    def _dial_to(self, address: str) -> FakeDial:
        return next(dial for dial in self.dials if dial.address == address)

    def accept(self, address: str) -> FakeLink:
        """An attempt succeeds."""
        dial = self._dial_to(address)
        link = FakeLink(dial.attempt, self.stream_limit)
        self.links.append(link)
        self.dials.remove(dial)
        dial.attempt.connected(link)  # type: ignore[arg-type]
        self.settle()
        return link

    def refuse(self, address: str, reason: str = "refused") -> None:
        """An attempt fails."""
        self._dial_to(address).attempt.failed(ConnectionError(reason))
        self.settle()

    def refuse_all(self) -> None:
        for address in self.dialing:
            self.refuse(address)


def target(text: str) -> Target:
    return parse_target(text)
