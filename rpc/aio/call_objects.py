"""What a call returns to its user: an object that can be awaited or iterated, asked and cancelled.

The names are those of grpc.aio where it has one.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Generator
from types import TracebackType
from typing import Any, Generic, TypeVar

from ..client_call_state import MIXED
from ..errors import RpcError
from ..metadata import Metadata
from ..status import StatusCode
from .client_call import CallState

Response = TypeVar("Response")
_Self = TypeVar("_Self", bound="Call")


class Call:
    """What the calls of all four shapes have.

    A call that is dropped before it has ended is cancelled. As an async context manager a call is cancelled when the
    block is left before it has ended.
    """

    __slots__ = ("__weakref__", "_state")

    def __init__(self, state: CallState) -> None:
        self._state = state

    async def initial_metadata(self) -> Metadata:
        """The response's initial metadata; waits for it. Empty if the call ended without any."""
        while (metadata := self._state.initial_metadata()) is None:
            await self._wait()
        return metadata.copy()

    async def trailing_metadata(self) -> Metadata:
        """The metadata that came with the status; waits for the end of the call."""
        await self._ended()
        return self._state.trailing_metadata()

    async def code(self) -> StatusCode:
        """The status code; waits for the end of the call."""
        await self._ended()
        outcome = self._state.outcome
        return outcome.code if outcome is not None else StatusCode.OK

    async def details(self) -> str:
        """The status message; waits for the end of the call."""
        await self._ended()
        outcome = self._state.outcome
        return outcome.message if outcome is not None else ""

    def cancel(self) -> bool:
        """Give the call up. False if it had ended already."""
        if self.done():
            return False
        self._state.cancel()
        return True

    def cancelled(self) -> bool:
        """Whether the call ended as CANCELLED."""
        outcome = self._state.outcome
        return outcome is not None and outcome.code is StatusCode.CANCELLED

    def done(self) -> bool:
        """Whether the call is over."""
        return self._state.outcome is not None

    def attempts(self) -> int:
        """How often the call has been tried so far: 1, or more with retries and hedging."""
        return self._state.attempts

    def time_remaining(self) -> float | None:
        """Seconds until the deadline; None without one."""
        return self._state.time_remaining(self._state.loop.time())

    def add_done_callback(self, callback: Callable[[Any], Any]) -> None:
        """Call `callback(call)` when the call is over; soon if it is."""
        self._state.add_done_callback(lambda: callback(self))

    async def _wait(self) -> None:
        try:
            await self._state.wait()
        except asyncio.CancelledError:
            self._state.cancel()  # nobody is left to take the result
            raise

    async def _ended(self) -> None:
        while self._state.outcome is None:
            await self._wait()

    def _raise_if_failed(self) -> None:
        if isinstance(self._state.outcome, RpcError):
            raise self._state.outcome

    async def __aenter__(self: _Self) -> _Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.cancel()

    def __del__(self) -> None:
        state = self._state
        if state.outcome is None and not state.loop.is_closed():
            state.loop.call_soon_threadsafe(state.cancel)

    def __repr__(self) -> str:
        outcome = self._state.outcome
        return f"<{type(self).__name__} {self._state.method.path} {outcome.code.name if outcome else 'in flight'}>"


class _Sending(Call):
    """Calls that send a stream of requests."""

    __slots__ = ()

    async def send(self, message: Any, *, compress: bool = True) -> None:
        """Send one request; waits while the server is too slow to take more. `compress=False` sends it plain in a call
        that compresses.

        Raises RpcError if the message cannot be sent or the call has ended with an error, RuntimeError if it follows
        the last one, or the call has an iterable of requests.
        """
        state = self._state
        if state.has_iterable:
            raise RuntimeError(MIXED)
        try:
            await state.send(message, compress)
        except asyncio.CancelledError:
            state.cancel()
            raise
        if state.status is not None and state.status.code is not StatusCode.OK:
            raise state.error_of(state.status)

    async def done_sending(self) -> None:
        """No request follows (half-close)."""
        self._state.end_sending()


class _OneResponse(Call, Generic[Response]):
    """Calls that end with one response: awaiting gives it, or raises RpcError."""

    __slots__ = ("_response",)

    def __await__(self) -> Generator[Any, None, Response]:
        return self._result().__await__()

    async def _result(self) -> Response:
        while self._state.outcome is None:
            await self._wait()
        self._raise_if_failed()
        try:
            return self._response
        except AttributeError:
            pass
        self._response: Response = self._state.take()
        return self._response


class _ManyResponses(Call, Generic[Response]):
    """Calls that get a stream of responses: iterate, or `receive` one by one."""

    __slots__ = ()

    async def receive(self) -> Response | None:
        """The next response; None after the last. Raises RpcError if the call failed, after all that came before."""
        state = self._state
        while not state.inbox:
            if state.outcome is not None:
                self._raise_if_failed()
                return None
            await self._wait()
        return state.take()

    def __aiter__(self) -> AsyncIterator[Response]:
        return self._iterate()

    async def _iterate(self) -> AsyncIterator[Response]:
        state = self._state
        while (message := await self.receive()) is not None:
            yield message
            while state.inbox:  # what is there already costs no coroutine
                yield state.take()


class UnaryUnaryCall(_OneResponse[Response]):
    """One request, one response."""

    __slots__ = ()


class UnaryStreamCall(_ManyResponses[Response]):
    """One request, a stream of responses."""

    __slots__ = ()


class StreamUnaryCall(_Sending, _OneResponse[Response]):
    """A stream of requests, one response."""

    __slots__ = ()


class StreamStreamCall(_Sending, _ManyResponses[Response]):
    """Streams both ways."""

    __slots__ = ()
