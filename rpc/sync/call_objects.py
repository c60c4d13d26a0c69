"""What a blocking call returns to its user: an object that can be iterated, asked and cancelled."""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType
from typing import Any, Generic, TypeVar

from ..errors import RpcError
from ..metadata import Metadata
from ..status import StatusCode
from .client_call import CallState

Response = TypeVar("Response")
_Self = TypeVar("_Self", bound="Call")


class Call:
    """What the calls of all four shapes have. Any thread may use it.

    A call that is dropped before it has ended is cancelled. As a context manager it is cancelled when the block is left
    before it has ended.
    """

    __slots__ = ("__weakref__", "_state")

    def __init__(self, state: CallState) -> None:
        self._state = state

    def initial_metadata(self) -> Metadata:
        """The response's initial metadata; waits for it. Empty if the call ended without any."""
        state = self._state
        state.run(lambda: state.initial_metadata() is not None)
        return (state.initial_metadata() or Metadata()).copy()

    def trailing_metadata(self) -> Metadata:
        """The metadata that came with the status; waits for the end of the call."""
        self._state.wait_for_outcome()
        return self._state.trailing_metadata()

    def code(self) -> StatusCode:
        """The status code; waits for the end of the call."""
        return self._state.wait_for_outcome().code

    def details(self) -> str:
        """The status message; waits for the end of the call."""
        return self._state.wait_for_outcome().message

    def cancel(self) -> bool:
        """Give the call up; threads that wait for it go on. False if it had ended already."""
        if self.done():
            return False
        self._state.give_up()
        return True

    def cancelled(self) -> bool:
        """Whether the call ended as CANCELLED."""
        outcome = self._state.outcome
        return outcome is not None and outcome.code is StatusCode.CANCELLED

    def done(self) -> bool:
        """Whether the call is known to be over. Only a thread that waits learns of it."""
        return self._state.outcome is not None

    def attempts(self) -> int:
        """How often the call has been tried so far: 1, or more with retries and hedging."""
        return self._state.attempts

    def time_remaining(self) -> float | None:
        """Seconds until the deadline; None without one."""
        return self._state.time_remaining(self._state.channel.now())

    def __enter__(self: _Self) -> _Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.cancel()

    def __del__(self) -> None:
        if self._state.outcome is None:
            self._state.channel.abandon(self._state)

    def __repr__(self) -> str:
        outcome = self._state.outcome
        return f"<{type(self).__name__} {self._state.method.path} {outcome.code.name if outcome else 'in flight'}>"


class _Sending(Call):
    """Calls that send a stream of requests."""

    __slots__ = ()

    def send(self, message: Any, *, compress: bool = True) -> None:
        """Send one request; waits while the server is too slow to take more. `compress=False` sends it plain in a call
        that compresses.

        Raises RpcError if the message cannot be sent or the call has ended with an error, RuntimeError if it follows
        the last one, or the call has an iterable of requests.
        """
        state = self._state
        state.send(message, compress)
        if state.status is not None and state.status.code is not StatusCode.OK:
            raise state.error_of(state.status)

    def done_sending(self) -> None:
        """No request follows (half-close)."""
        self._state.done_sending()


class _OneResponse(Call, Generic[Response]):
    """Calls that end with one response."""

    __slots__ = ("_response",)

    def result(self) -> Response:
        """The response; waits for it. Raises RpcError if the call failed."""
        outcome = self._state.wait_for_outcome()
        if isinstance(outcome, RpcError):
            raise outcome
        try:
            return self._response
        except AttributeError:
            self._response: Response = self._state.receive()
        return self._response


class _ManyResponses(Call, Generic[Response]):
    """Calls that get a stream of responses: an iterator, or `receive` one by one."""

    __slots__ = ()

    def receive(self) -> Response | None:
        """The next response; None after the last. Raises RpcError if the call failed, after all that came before."""
        return self._state.receive()

    def __iter__(self) -> Iterator[Response]:
        return self

    def __next__(self) -> Response:
        message = self._state.receive()
        if message is None:
            raise StopIteration
        return message


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
