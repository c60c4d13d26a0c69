"""What a call came to, told alike by every client; and what every client can do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from .load_hearing import HeardLoad
from .stubs import WithMessages

Pairs = Sequence[tuple[str, "str | bytes"]]

MAX_MESSAGE = 16 << 20
PATIENCE = 60.0  # seconds that only a hang takes


class Method(NamedTuple):
    """Where a method stands, and its shape."""

    service: str
    name: str
    many_in: bool
    many_out: bool


# Under these names the tests call them.
METHODS = {
    **{method.name: method for method in (
        Method("Interop", "ServerStream", False, True),
        Method("Interop", "ClientStream", True, False),
        Method("Interop", "Bidi", True, True),
        Method("Interop", "Count", False, False),
        Method("Bookstore", "GetBook", False, False),
        Method("Bookstore", "ListBooks", False, True),
        Method("Bookstore", "AddBooks", True, False),
        Method("Bookstore", "Chat", True, True),
        Method("TestService", "EmptyCall", False, False),
        Method("TestService", "UnaryCall", False, False),
        Method("TestService", "StreamingOutputCall", False, True),
        Method("TestService", "StreamingInputCall", True, False),
        Method("TestService", "FullDuplexCall", True, True),
        Method("TestService", "HalfDuplexCall", True, True),
        Method("TestService", "UnimplementedCall", False, False),
    )},
    "Unary": Method("Interop", "Unary", False, False),
    "Nowhere": Method("Nowhere", "Unary", False, False),
    "UnimplementedService": Method("UnimplementedService", "UnimplementedCall", False, False),
}  # fmt: skip


@dataclass
class Outcome:
    """`code` is the name of the status code. Of the metadata only the keys that the tests ask for are kept."""

    code: str
    message: str = ""
    responses: list[Any] = field(default_factory=list)
    initial: list[tuple[str, str | bytes]] = field(default_factory=list)
    trailing: list[tuple[str, str | bytes]] = field(default_factory=list)

    @property
    def response(self) -> Any:
        """The only response of a call that went well."""
        assert self.code == "OK", self
        assert len(self.responses) == 1, self
        return self.responses[0]


KEPT = ("echo-", "x-grpc-test-echo-", "grpc-status-details", "endpoint-load-metrics")


def kept(metadata: Iterable[Any] | None) -> list[tuple[str, str | bytes]]:
    """The pairs that a test server was asked for, and error details."""
    pairs = [(key, value) for key, value in (metadata or ())]
    return [pair for pair in pairs if pair[0].startswith(KEPT)]


@dataclass(frozen=True)
class Plain:
    """A request that goes uncompressed in a call that compresses."""

    message: Any


class Conversation:
    """A call of a method that answers each request with one response; of clients that are asked for it."""

    def turn(self, request: Any) -> Any:
        """The response to a request."""
        raise NotImplementedError

    def end(self) -> None:
        """Say that no more requests come, and see the call end."""
        raise NotImplementedError


class Client(WithMessages):
    """A blocking face of a client, whatever it is inside."""

    def call(
        self,
        method: str,
        requests: Iterable[Any],
        *,
        timeout: float | None = PATIENCE,
        metadata: Pairs = (),
        compression: str | None = None,
        token: str | None = None,
    ) -> Outcome:
        """Sends all the requests, and reads to the end. `token`: a bearer token, as a credential of this call."""
        raise NotImplementedError

    def cancel_at_once(self, method: str) -> Outcome:
        """Starts a call that streams requests, and cancels it before it sends any."""
        raise NotImplementedError

    def cancel_after_first(self, method: str, requests: Sequence[Any]) -> Outcome:
        """Reads one response, cancels, and reads on to the end."""
        raise NotImplementedError

    def ping_pong(self, method: str, requests: Sequence[Any]) -> Outcome:
        """Sends each request only when the answer to the one before it has come."""
        raise NotImplementedError

    def read_late(self, method: str, request: Any, pause: Callable[[], None]) -> Outcome:
        """Reads one response, runs `pause` in the calling thread while nobody reads, and reads on to the end."""
        raise NotImplementedError

    def all_at_once(self, method: str, requests: Sequence[Any]) -> list[Outcome]:
        """Starts one unary call for each request before any is awaited."""
        raise NotImplementedError

    def hearing(self) -> tuple[Client, HeardLoad]:
        """Another client of the same server, which hears what that says of its load."""
        raise NotImplementedError

    def converse(self, method: str) -> Conversation:
        """Begin such a call."""
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError
