"""Two connection cores wired back to back in memory, on a clock that only the test moves."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

from barewire.rpc.call import Call
from barewire.rpc.client_call import ClientCall
from barewire.rpc.client_connection import ClientConnection
from barewire.rpc.compression import Codec
from barewire.rpc.events import CallEnded, CallStarted, Event, MessageReceived, RequestEnded
from barewire.rpc.headers import request_headers
from barewire.rpc.limits import Limits
from barewire.rpc.metadata import Metadata, MetadataPairs, encode_metadata
from barewire.rpc.server_call import ServerCall
from barewire.rpc.server_connection import ServerConnection
from barewire.rpc.status import Status, StatusCode

Delivery = Callable[[bytes], Iterable[bytes]]


def whole(data: bytes) -> Iterable[bytes]:
    """Everything at once."""
    return (data,)


def byte_by_byte(data: bytes) -> Iterable[bytes]:
    """The slowest network."""
    return (data[i : i + 1] for i in range(len(data)))


def in_chunks(sizes: Iterable[int]) -> Delivery:
    """Chunks of the given sizes, over and over."""
    pattern = tuple(sizes) or (1,)

    def deliver(data: bytes) -> Iterable[bytes]:
        position = turn = 0
        while position < len(data):
            size = max(1, pattern[turn % len(pattern)])
            yield data[position : position + size]
            position += size
            turn += 1

    return deliver


class Pair:
    """A client and a server core. `exchange` carries bytes both ways until both are silent."""

    def __init__(
        self,
        *,
        client_limits: Limits | None = None,
        server_limits: Limits | None = None,
        delivery: Delivery = whole,
        handshake: bool = True,
    ) -> None:
        self.now = 1000.0
        self.delivery = delivery
        self.client = ClientConnection(client_limits, "the test server")
        self.server = ServerConnection(server_limits)
        self.client_events: list[Event] = []
        self.server_events: list[Event] = []
        if handshake:
            self.exchange()
            self.client_events.clear()
            self.server_events.clear()

    # -- bytes and time -------------------------------------------------------------------------------------------

    def collect(self) -> None:
        """Take the events that have come up, without moving any bytes."""
        self.client_events += self.client.take_events()
        self.server_events += self.server.take_events()

    def client_to_server(self) -> int:
        """Carry what the client has to say now. Returns the number of bytes."""
        data = self.client.data_to_send()
        for chunk in self.delivery(data) if data else ():
            self.server.receive(chunk, self.now)
        self.collect()
        return len(data)

    def server_to_client(self) -> int:
        """Carry what the server has to say now. Returns the number of bytes."""
        data = self.server.data_to_send()
        for chunk in self.delivery(data) if data else ():
            self.client.receive(chunk, self.now)
        self.collect()
        return len(data)

    def exchange(self) -> None:
        """Carry bytes both ways until there are none."""
        for _ in range(10_000):
            if not self.client_to_server() + self.server_to_client():
                return
        raise AssertionError("the two sides never fall silent")

    def advance(self, seconds: float) -> None:
        """Let time pass; timers that become due fire, in both cores."""
        self.now += seconds
        for core in (self.client, self.server):
            due = core.next_timer()
            if due is not None and due <= self.now:
                core.handle_timer(self.now)
        self.collect()

    # -- calls ----------------------------------------------------------------------------------------------------

    def start(
        self,
        *messages: bytes,
        end: bool = False,
        path: str = "/test.Service/Method",
        timeout: float | None = None,
        metadata: MetadataPairs = (),
        codec: Codec | None = None,
    ) -> ClientCall:
        """Start a call on the client, with messages; `end` half-closes it."""
        headers = request_headers(
            path,
            "test:1",
            "http",
            encode_metadata(Metadata(metadata)),
            timeout,
            encoding=codec.name.encode() if codec else None,
        )
        deadline = None if timeout is None else self.now + timeout
        call = self.client.start_call(headers, deadline, codec)
        for message in messages:
            call.send_message(message)
        if end:
            call.end_sending()
        return call

    def accept(self) -> ServerCall:
        """Carry bytes to the server and return the newest call there."""
        self.client_to_server()
        started = [event.call for event in self.server_events if isinstance(event, CallStarted)]
        assert started, "no call has come"
        return started[-1]

    def open(self, *messages: bytes, **options: Any) -> tuple[ClientCall, ServerCall]:
        """A call that both sides know of."""
        call = self.start(*messages, **options)
        return call, self.accept()

    def reply(self, call: ServerCall, *messages: bytes, status: Status | None = None) -> None:
        """Answer a call with messages and a status (OK), and carry it all."""
        if messages and not call.head_sent:
            call.send_initial_metadata()
        for message in messages:
            call.send_message(message)
        call.finish(status or Status(StatusCode.OK))
        self.exchange()

    # -- what has happened ----------------------------------------------------------------------------------------

    def _events_of(self, call: Call) -> list[Event]:
        events = self.client_events if isinstance(call, ClientCall) else self.server_events
        return [event for event in events if getattr(event, "call", None) is call]

    def messages(self, call: Call) -> list[bytes]:
        """The messages that have come for a call. They are not consumed."""
        return [
            call.open(event.envelope) for event in self._events_of(call) if isinstance(event, MessageReceived)
        ]

    def consume(self, call: Call) -> list[bytes]:
        """Take the messages that have come for a call, and let the peer send more."""
        taken = [event for event in self._events_of(call) if isinstance(event, MessageReceived)]
        for event in taken:
            (self.client_events if isinstance(call, ClientCall) else self.server_events).remove(event)
            call.consumed(event.size)
        return [call.open(event.envelope) for event in taken]

    def endings(self, call: Call) -> list[Status]:
        """The statuses that a call has ended with: never more than one."""
        return [event.status for event in self._events_of(call) if isinstance(event, CallEnded)]

    def status(self, call: Call) -> Status:
        """How a call ended."""
        endings = self.endings(call)
        assert len(endings) == 1, f"expected one end of the call, not {endings}"
        return endings[0]

    def request_ended(self, call: ServerCall) -> bool:
        return any(isinstance(event, RequestEnded) for event in self._events_of(call))

    def check_nothing_is_left(self) -> None:
        """After all calls have ended, no side remembers any of them."""
        for core in (self.client, self.server):
            assert core.open_calls == 0
            assert not core.wants_to_send
            if not core.ended:
                assert core.http2.open_stream_count == 0
                assert core.http2._h2.streams == {}
            assert core._unread == 0
            assert core._withheld == 0
            assert core.incomplete.size == core.incomplete.count == 0
            assert not core.stalls.since
            assert core._next_deadline() == math.inf
        assert not self.client._waiting
