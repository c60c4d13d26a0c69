"""What the access log and the metrics keep of one call: how long it took, how it ended, how many messages passed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from ..errors import RpcError
from ..interceptor import InterceptedCall, Proceed
from ..observer import CallObserver
from ..status import Status, StatusCode

Clock = Callable[[], float]


class CallRecord(CallObserver):
    """One call. `duration` (seconds) and `status` are there when `run` is over, however it ends."""

    def __init__(self, call: InterceptedCall, clock: Clock) -> None:
        call.observe(self)
        self._clock = clock
        self.started = clock()
        self.duration = 0.0
        self.messages_sent = 0
        self.messages_received = 0
        self.status = Status(StatusCode.UNKNOWN)
        self._wire_status: Status | None = None

    def sent(self, payload: bytes, wire_size: int) -> None:
        self.messages_sent += 1

    def received(self, payload: bytes, wire_size: int) -> None:
        self.messages_received += 1

    def ended(self, status: Status) -> None:
        self._wire_status = status

    async def run(self, proceed: Proceed) -> None:
        """Let the call proceed, and fix how it ended."""
        try:
            await proceed()
        except BaseException as error:
            self.status = self._status_of(error)
            raise
        else:
            self.status = Status(StatusCode.OK)
        finally:
            self.duration = self._clock() - self.started

    def _status_of(self, error: BaseException) -> Status:
        if isinstance(error, RpcError):
            return Status(error.code, error.message)
        if isinstance(error, (asyncio.CancelledError, GeneratorExit)):
            # A handler is cancelled for a passed deadline too; the wire has been told which it was.
            wire = self._wire_status
            if wire is not None and wire.code is not StatusCode.OK:
                return wire
            return Status(StatusCode.CANCELLED, "the call was given up")
        return Status(StatusCode.UNKNOWN, type(error).__name__)
