"""A server's core for browsers without a shell: it answers each request with what it got. And requests made by hand."""

from __future__ import annotations

from typing import NamedTuple

import h11

from barewire.rpc import Status, StatusCode, Web
from barewire.rpc.call import Call
from barewire.rpc.events import (
    CallEnded,
    CallStarted,
    ConnectionEnded,
    Event,
    MessageReceived,
    ReadingPaused,
    RequestEnded,
)
from barewire.rpc.limits import Limits
from barewire.rpc.metadata import Metadata
from barewire.rpc.server_call import ServerCall
from barewire.rpc.web.connection import WebServerConnection

PAGE = "http://page.example"


def frame(payload: bytes, flag: int = 0) -> bytes:
    """A message of gRPC-Web, made by hand."""
    return bytes((flag,)) + len(payload).to_bytes(4, "big") + payload


def request(body: bytes = frame(b"hello"), path: str = "/test.Service/Echo", **fields: str) -> bytes:
    """An HTTP/1.1 request. In the names of `fields`, `_` stands for `-`."""
    head = {"host": "server", "content-type": "application/grpc-web+proto", "content-length": str(len(body))}
    head.update((name.replace("_", "-"), value) for name, value in fields.items())
    lines = [f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in head.items() if value), "", ""]
    return "\r\n".join(lines).encode() + body


class Answer(NamedTuple):
    status: int
    fields: dict[str, str]
    body: bytes

    @property
    def frames(self) -> list[tuple[int, bytes]]:
        """(flag, payload) of each."""
        found: list[tuple[int, bytes]] = []
        rest = self.body
        while rest:
            size = int.from_bytes(rest[1:5], "big")
            assert len(rest) >= 5 + size, "a frame is cut"
            found.append((rest[0], rest[5 : 5 + size]))
            rest = rest[5 + size :]
        return found

    @property
    def trailers(self) -> dict[str, str]:
        """From the last frame, or from the head if there is no body."""
        if not self.body:
            return self.fields
        flag, block = self.frames[-1]
        assert flag == 0x80
        assert block.endswith(b"\r\n")
        return dict(line.split(": ", 1) for line in block.decode().split("\r\n")[:-1])

    @property
    def messages(self) -> list[bytes]:
        return [payload for flag, payload in self.frames if flag == 0]


def parse_answers(data: bytes) -> list[Answer]:
    """The HTTP/1.1 responses in `data`, which has to be whole ones."""
    answers: list[Answer] = []
    while data:
        client = h11.Connection(h11.CLIENT)
        client.send(
            h11.Request(method="POST", target="/", headers=[("host", "server"), ("content-length", "0")])
        )
        client.send(h11.EndOfMessage())
        client.receive_data(data)
        head, body = None, b""
        while not isinstance(event := client.next_event(), h11.EndOfMessage):
            match event:
                case h11.Response():
                    head = event
                case h11.Data():
                    body += bytes(event.data)
                case h11.InformationalResponse():
                    pass
                case _:
                    raise AssertionError(f"the response is not whole: {data!r}")
        assert head is not None
        fields = {name.decode(): value.decode() for name, value in head.headers}
        answers.append(Answer(head.status_code, fields, body))
        data = client.trailing_data[0]
    return answers


class Echo:
    """`feed` bytes, look at `output`, `events` and the calls' ends. It answers when the request is whole; with
    `hold` it leaves that to the test."""

    def __init__(self, web: Web | None = None, *, hold: bool = False, **limits: int | float) -> None:
        self.core = WebServerConnection(web or Web(origins=[PAGE]), Limits(**limits))  # type: ignore[arg-type]
        self.hold = hold
        self.now = 100.0
        self.output = b""
        self.events: list[Event] = []
        self.calls: list[ServerCall] = []
        self._messages: dict[Call, list[bytes]] = {}

    def feed(self, data: bytes, step: int = 0) -> Echo:
        """Deliver bytes, `step` of them at a time (0: all at once)."""
        for position in range(0, len(data), step or len(data) or 1):
            self.core.receive(data[position : position + (step or len(data))], self.now)
            self.turn()
        return self

    def turn(self) -> None:
        """Act on what has happened, and take what there is to send, as a shell does."""
        while True:
            self.output += self.core.data_to_send(self.now)
            events = self.core.take_events()
            if not events and not self.core.wants_to_send:
                return
            self.events += events
            for event in events:
                self._act(event)

    def wait(self, seconds: float) -> None:
        """Let time pass, as far as anything is due in it."""
        end = self.now + seconds
        while (due := self.core.next_timer()) is not None and due <= end:
            self.now = due
            self.core.handle_timer(due)
            self.turn()
        self.now = end
        self.turn()

    def _act(self, event: Event) -> None:
        match event:
            case CallStarted(call):
                self.calls.append(call)
                self._messages[call] = []
            case MessageReceived(call, envelope, size):
                self._messages[call].append(call.open(envelope))
                if not self.hold:
                    call.consumed(size)
            case RequestEnded(call) if not self.hold:
                self.reply(call)
            case _:
                pass

    def reply(self, call: ServerCall) -> None:
        """Answer with the messages that came, and with the metadata as trailers."""
        for message in self._messages[call]:
            if not call.head_sent:
                call.send_initial_metadata(Metadata([("x-head", "first")]))
            call.send_message(message)
        own = [(name, value) for name, value in call.request.metadata if name.startswith("x-echo")]
        call.finish(Status(StatusCode.OK, trailing_metadata=Metadata(own)))

    @property
    def answers(self) -> list[Answer]:
        return parse_answers(self.output)

    @property
    def answer(self) -> Answer:
        (only,) = self.answers
        return only

    @property
    def ended(self) -> str | None:
        """Why the connection is over."""
        return next((event.reason for event in self.events if isinstance(event, ConnectionEnded)), None)

    @property
    def ends(self) -> list[StatusCode]:
        return [event.status.code for event in self.events if isinstance(event, CallEnded)]

    @property
    def paused(self) -> bool:
        pauses = [event.paused for event in self.events if isinstance(event, ReadingPaused)]
        return bool(pauses) and pauses[-1]
