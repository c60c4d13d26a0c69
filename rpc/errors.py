"""The exceptions of the runtime.

    RpcError            a call failed; the one exception that a user of stubs has to know
    RpcConfigurationError (ValueError)   a channel or server was set up in a way that cannot work

Codec and schema errors have trees of their own (`barewire.wire.errors`, `barewire.schema.errors`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from .metadata import Metadata, MetadataPairs
from .status import Status, StatusCode

if TYPE_CHECKING:
    from ..wire.message import Message


class RpcConfigurationError(ValueError):
    """An argument of a channel or a server cannot work; the text says what to change."""


class RpcError(Exception):
    """A call failed.

    A client's call raises it; a handler raises it to fail its call with a chosen status.

    - `code`: a StatusCode (never OK).
    - `message`: text for a developer.
    - `details`: error details, messages such as google.rpc.BadRequest. Given as messages, they are sent packed in
      google.protobuf.Any; received, they are a list of google.protobuf.Any.
    - `metadata`: the trailing metadata.
    - `initial_metadata`: the initial metadata that the peer sent, on a client.
    - `from_peer`: True when the peer sent this status, False when it was made here.
    - `attempts`: how often a client has tried (retries, hedging); the status is that of the last attempt.
    - `earlier_failures`: what the last few attempts before it ended with, in short.
    """

    def __init__(
        self,
        code: StatusCode,
        message: str = "",
        *,
        details: Iterable[Message] = (),
        metadata: Metadata | MetadataPairs = (),
    ) -> None:
        code = StatusCode(code)
        if code is StatusCode.OK:
            raise ValueError("an RpcError cannot have the code OK")
        super().__init__(code, message)
        self.code = code
        self.message = message
        self.metadata = metadata if isinstance(metadata, Metadata) else Metadata(metadata)
        self.initial_metadata = Metadata()
        self.from_peer = False
        self.attempts = 1
        self.earlier_failures: tuple[str, ...] = ()
        self._details: Sequence[Message] | None = list(details)
        self._packed_details = b""

    @classmethod
    def from_status(cls, status: Status, initial_metadata: Metadata | None = None) -> RpcError:
        """The error that a finished call raises."""
        # The status may be one that is remembered for all calls that end with the same trailers.
        error = cls(status.code, status.message, metadata=status.trailing_metadata.copy())
        error.initial_metadata = initial_metadata or Metadata()
        error.from_peer = status.from_peer
        if status.details:
            error._details = None
            error._packed_details = status.details
        return error

    @property
    def details(self) -> Sequence[Any]:
        """The error details (see the class). Undecodable details read as empty."""
        if self._details is None:
            from .details import unpack_details  # needs the schema layer, which most calls never do

            self._details = unpack_details(self._packed_details)
        return self._details

    def to_status(self) -> Status:
        """What a server sends for this error."""
        packed = self._packed_details
        if self._details:
            from .details import pack_details

            packed = pack_details(self.code, self.message, self._details)
        return Status(self.code, self.message, packed, self.metadata)

    def __str__(self) -> str:
        text = f"{self.code.name}: {self.message}" if self.message else self.code.name
        if self.attempts > 1:
            earlier = f"; earlier: {'; '.join(self.earlier_failures)}" if self.earlier_failures else ""
            text += f" (after {self.attempts} attempts{earlier})"
        return text

    def __reduce__(self) -> tuple[Any, ...]:
        known = {
            "from_peer": self.from_peer,
            "attempts": self.attempts,
            "earlier_failures": self.earlier_failures,
        }
        return (_rebuild, (type(self), self.to_status(), self.initial_metadata, known))


def _rebuild(cls: type[RpcError], status: Status, initial: Metadata, known: dict[str, Any]) -> RpcError:
    error = cls.from_status(status, initial)
    vars(error).update(known)
    return error
