"""Recording calls, to assert on them: an interceptor for either side."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from ..arguments import FUNCTION, check
from ..errors import RpcError
from ..interceptor import InterceptedCall, Interceptor, Proceed
from ..metadata import Metadata
from ..status import StatusCode


@dataclass(slots=True)
class RecordedCall:
    """One call as it went. Times are in seconds of the recorder's clock; `code` and `ended` are None while it runs."""

    side: str
    method: str
    metadata: Metadata
    started: float
    requests: list[Any] = field(default_factory=list[Any])
    responses: list[Any] = field(default_factory=list[Any])
    code: StatusCode | int | None = None
    message: str = ""
    initial_metadata: Metadata = field(default_factory=Metadata)
    trailing_metadata: Metadata = field(default_factory=Metadata)
    ended: float | None = None

    @property
    def duration(self) -> float | None:
        """Seconds from start to end; None while it runs."""
        return None if self.ended is None else self.ended - self.started


class Recorder(Interceptor):
    """Keeps every call in the order of their starts: `Channel(…, interceptors=[recorder])` or `Server(…)`.

    The messages are the ones that were passed, not copies. `clock` gives seconds; an event loop's `time` makes the
    times virtual.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        check("clock", clock, FUNCTION)
        self._clock = clock
        self.calls: list[RecordedCall] = []

    async def intercept(self, call: InterceptedCall, proceed: Proceed) -> None:
        record = RecordedCall(call.side, call.method, call.metadata.copy(), self._clock())
        self.calls.append(record)
        client = call.side == "client"
        call.on_send((record.requests if client else record.responses).append)
        call.on_receive((record.responses if client else record.requests).append)
        try:
            await proceed()
            record.code = StatusCode.OK
        except RpcError as error:
            record.code, record.message = error.code, error.message
            raise
        except BaseException as error:
            cancelled = isinstance(error, asyncio.CancelledError)
            record.code = StatusCode.CANCELLED if cancelled else StatusCode.UNKNOWN
            raise
        finally:
            record.ended = self._clock()
            record.initial_metadata = call.initial_metadata.copy()
            record.trailing_metadata = call.trailing_metadata.copy()

    def to(self, method: str) -> list[RecordedCall]:
        """The calls of one method: "/pkg.Service/Method", or its last part."""
        return [call for call in self.calls if call.method in (method, f"/{method}") or _name(call) == method]

    def clear(self) -> None:
        """Forget all calls."""
        self.calls.clear()

    def __iter__(self) -> Iterator[RecordedCall]:
        return iter(self.calls)

    def __len__(self) -> int:
        return len(self.calls)


def _name(call: RecordedCall) -> str:
    return call.method.rpartition("/")[2]
