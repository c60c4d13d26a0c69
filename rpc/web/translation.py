"""What a protocol other than gRPC makes of a call: the seam between HTTP requests and responses and `WebCall`.

No I/O, and no call either: header lists and bytes in, header lists and bytes out. One object serves one call.
"""

from __future__ import annotations

from typing import Protocol

from ..envelope import MessageReader
from ..header_blocks import HeaderField


class Translation(Protocol):
    """One call in the form of another protocol."""

    @property
    def request(self) -> list[HeaderField]:
        """The request's header list as gRPC has it."""
        ...

    def reader(self, envelopes: MessageReader) -> MessageReader:
        """What takes the request's body apart; `envelopes` does it for gRPC's own messages."""
        ...

    def head(self, fields: list[HeaderField]) -> list[HeaderField]:
        """The response's header list, from gRPC's; it has the trailers too if nothing else is to come."""
        ...

    def message(self, envelope: bytes) -> bytes:
        """A message of the response's body, from gRPC's with its prefix."""
        ...

    def end(self, trailers: list[HeaderField]) -> bytes:
        """What ends the response's body, from gRPC's trailers."""
        ...
