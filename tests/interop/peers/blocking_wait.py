"""How a handler of grpcio's blocking server waits without outliving its call."""

from __future__ import annotations

import threading
from typing import Any


class Cancelled(Exception):
    """The client has gone: raised inside a handler at its next wait or response."""


def wait(context: Any, seconds: float) -> None:
    """Waits. Raises Cancelled as soon as the call is over."""
    gone = threading.Event()
    if not context.add_callback(gone.set) or gone.wait(seconds):
        raise Cancelled
