"""What a connection core tells its shell. Plain values, made in the order in which things happened."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from .status import Status

if TYPE_CHECKING:
    from .call import Call
    from .client_call import ClientCall
    from .envelope import Envelope
    from .server_call import ServerCall


class CallStarted(NamedTuple):
    """Server: a request came in; `call.request` says for what."""

    call: ServerCall


class ResponseStarted(NamedTuple):
    """Client: the response head came; `call.initial_metadata` is there."""

    call: ClientCall


class MessageReceived(NamedTuple):
    """One whole message; `call.open(envelope)` gives its bytes. When the application has taken it,
    `call.consumed(size)` lets the peer send more."""

    call: Call
    envelope: Envelope
    size: int


class RequestEnded(NamedTuple):
    """Server: the client has sent its last message."""

    call: ServerCall


class CallEnded(NamedTuple):
    """The call is over. Client: `status` is its outcome. Server: it ended before it was finished here (reset by the
    client, deadline, lost connection), and `status` says why."""

    call: Call
    status: Status


class SendReady(NamedTuple):
    """What was queued on a call has gone out far enough that its sender may go on."""

    call: Call


class GoAwayReceived(NamedTuple):
    """The peer takes no further calls on this connection."""

    error_code: int
    debug_data: bytes


class SettingsReceived(NamedTuple):
    """The peer's SETTINGS came. The first of them ends the handshake."""


class ReadingPaused(NamedTuple):
    """Server, HTTP/1.1: read no more from the transport, or (`paused` False) go on."""

    paused: bool


class ConnectionRetired(NamedTuple):
    """Client: no further calls can be started here; those that are open run on."""

    reason: str


class ConnectionEnded(NamedTuple):
    """Nothing more can be sent or received; every call has ended. Close the transport once the bytes are out."""

    reason: str


Event = (
    CallStarted
    | ResponseStarted
    | MessageReceived
    | RequestEnded
    | CallEnded
    | SendReady
    | GoAwayReceived
    | SettingsReceived
    | ReadingPaused
    | ConnectionRetired
    | ConnectionEnded
)
