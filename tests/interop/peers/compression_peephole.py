"""Whether the request that a handler holds came compressed. An application has no use for it, so the API does not tell;
a test server has to know, as the official one in C++ does by a peephole of its own."""

from __future__ import annotations

from contextvars import ContextVar

from barewire.rpc.call import Call
from barewire.rpc.envelope import Envelope

_compressed: ContextVar[bool] = ContextVar("compressed", default=False)


def was_compressed() -> bool:
    """Of the message that this task took last."""
    return _compressed.get()


def watch() -> None:
    """From now on, remember it of each message that is opened."""
    plain_open = Call.open

    def open_and_remember(call: Call, envelope: Envelope) -> bytes:
        _compressed.set(envelope.compressed)
        return plain_open(call, envelope)

    Call.open = open_and_remember  # pyright: ignore[reportAttributeAccessIssue]
