"""What a call came to, told alike by every client; and what every client can do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

Pairs = Sequence[tuple[str, "str | bytes"]]

MAX_MESSAGE = 16 << 20
PATIENCE = 60.0  # seconds that only a hang takes

# method → (service, requests are a stream, responses are a stream)
METHODS = {
    "Unary": ("Interop", False, False),
    "ServerStream": ("Interop", False, True),
    "ClientStream": ("Interop", True, False),
    "Bidi": ("Interop", True, True),
    "Count": ("Interop", False, False),
    "GetBook": ("Bookstore", False, False),
    "ListBooks": ("Bookstore", False, True),
    "AddBooks": ("Bookstore", True, False),
    "Chat": ("Bookstore", True, True),
    "Nowhere": ("Nowhere", False, False),
}


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


def echoed(metadata: Iterable[Any] | None) -> list[tuple[str, str | bytes]]:
    """The pairs that a test server was asked to echo, and error details."""
    pairs = [(key, value) for key, value in (metadata or ())]
    return [pair for pair in pairs if pair[0].startswith(("echo-", "grpc-status-details"))]


class Client(Protocol):
    """A blocking face of a client, whatever it is inside. `interop`, `books` and `empty` hold its message classes."""

    interop: Any
    books: Any
    empty: Any

    def call(
        self, method: str, requests: Iterable[Any], *, timeout: float | None = PATIENCE, metadata: Pairs = ()
    ) -> Outcome:
        """Sends all the requests, and reads to the end."""
        ...

    def cancel_after_first(self, method: str, requests: Sequence[Any]) -> Outcome:
        """Reads one response, cancels, and reads on to the end."""
        ...

    def ping_pong(self, method: str, requests: Sequence[Any]) -> Outcome:
        """Sends each request only when the answer to the one before it has come."""
        ...

    def read_late(self, method: str, request: Any, pause: Callable[[], None]) -> Outcome:
        """Reads one response, runs `pause` in the calling thread while nobody reads, and reads on to the end."""
        ...

    def all_at_once(self, method: str, requests: Sequence[Any]) -> list[Outcome]:
        """Starts one unary call for each request before any is awaited."""
        ...

    def close(self) -> None: ...
