"""The state of one call on a blocking channel; `call_objects` has what a user holds of it.

Methods with a leading underscore are called with the channel's lock held, the public ones without. Code of the user
(serializers, hooks, interceptors, iterables) always runs without it.
"""

from __future__ import annotations

import contextlib
import types
from collections.abc import Callable, Coroutine, Generator, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from ..client_call_state import MIXED, ClientCallState
from ..compression import Uncompressed
from ..dependents import current_dependents
from ..errors import RpcError
from ..metadata import Metadata, MetadataPairs
from ..status import Status, StatusCode

if TYPE_CHECKING:
    from .channel import Channel
    from .methods import Method

_PAUSE = object()  # what a chain of interceptors yields while its call is in flight


@types.coroutine
def _pause() -> Generator[Any, None, None]:
    yield _PAUSE


class CallState(ClientCallState):
    """What happens to a call, and what its threads wait for.

    Interceptors are coroutines, and are stepped here: until the call is under way, and once more when it is over.
    """

    __slots__ = ("_busy", "_chain", "_dependents", "_drawing", "_first", "_requests", "channel")

    def __init__(
        self,
        channel: Channel,
        method: Method[Any],
        timeout: float | None = None,
        metadata: Metadata | MetadataPairs = (),
        wait_for_ready: bool | None = None,
        compression: str | None = None,
    ) -> None:
        self.channel = channel
        super().__init__(channel, method, timeout, metadata, wait_for_ready, compression, channel.now())
        self._chain: Coroutine[Any, Any, RpcError | Status] | None = None
        self._busy = False  # a thread is running the interceptors
        self._drawing = False  # a thread is asking for the next request
        self._requests: Iterator[Any] | None = None
        self._first: tuple[Any, ...] = ()
        self._dependents = current_dependents.get()  # of the handler that makes this call

    # -- starting -------------------------------------------------------------------------------------------------

    def begin(self, *first: Any, requests: Iterable[Any] | None = None) -> None:
        """Start the call with its one request, or with an iterable of requests, or with none yet.

        Raises RpcError for a request that cannot be sent, ValueError or TypeError for metadata that may not.
        """
        self._first = first
        self._requests = None if requests is None else iter(requests)
        if self.view is None:
            self.submit()
        else:
            self._chain = self.run_interceptors(self.view)
            self.advance()
        if self._dependents is not None:
            self._dependents.add(self)
            if self.outcome is not None:  # already, or just now in another thread
                self._dependents.discard(self)

    def submit(self) -> None:
        payloads = [self.encode(message) for message in self._first]
        with self.channel.entered():
            if not self.prepare(self.channel.now()):
                return
            for payload in payloads:
                self.queue(payload)
                self.end_sending()
            self._first = ()
            self._submitted = True
            self.launch()

    async def wait(self) -> None:
        await _pause()

    def advance(self) -> None:
        """Let the interceptors go on, as far as they can without waiting."""
        with self.channel.entered():
            chain = self._chain
            if chain is None or self._busy or self.outcome is not None:
                return
            self._busy = True
        outcome: RpcError | Status | None = RpcError(StatusCode.CANCELLED, "interrupted in an interceptor")
        try:
            outcome = _step(chain)
        finally:
            with self.channel.entered():
                self._busy = False
                if outcome is not None:
                    self.settle(outcome)
                self.wake()

    # -- sending --------------------------------------------------------------------------------------------------

    def send(self, message: Any, compress: bool = True) -> None:
        """Send one message, no faster than the server takes them."""
        if self._requests is not None:
            raise RuntimeError(MIXED)
        if self.sending_ended:
            raise RuntimeError("the last message has been sent already")
        self._send(message, compress)
        with self.channel.entered():
            self.channel.glance()
            self._wait(lambda: self.status is not None or self._may_send())

    def _send(self, message: Any, compress: bool = True) -> None:
        """Encode and queue. (Takes the lock itself.)"""
        try:
            payload = self.encode(message)
        except RpcError as failure:
            with self.channel.entered():
                self.cancel(failure.to_status())
            raise
        with self.channel.entered():
            if self.status is None:
                self.queue(payload if compress else Uncompressed(payload))

    def done_sending(self) -> None:
        """No message follows."""
        with self.channel.entered():
            self.end_sending()

    def _may_send(self) -> bool:
        """Not before there is a connection: only those who wait make it."""
        return self.under_way and not self.must_wait

    def _may_draw(self) -> bool:
        waits = self._requests is not None and not self._drawing and self.status is None
        return waits and self._may_send()

    def _draw(self, requests: Iterator[Any]) -> None:
        """Send the next message of the iterable. (Without the lock: it is the user's.)"""
        try:
            try:
                message = next(requests)
            except StopIteration:
                self._requests = None
                self.done_sending()
                return
            self._send(message)
        except Exception as error:
            with self.channel.entered():
                self.requests_failed(error)

    # -- waiting --------------------------------------------------------------------------------------------------

    def _wait(self, done: Callable[[], bool]) -> None:
        try:
            self.channel.driver.wait(self, done)
        except BaseException:  # KeyboardInterrupt: nobody is left to take the result
            self.cancel()
            raise

    def wake(self) -> None:
        self.channel.driver.notify(self)

    def settled(self) -> None:
        self._requests = None
        if self._dependents is not None:
            self._dependents.discard(self)

    def run(self, done: Callable[[], bool]) -> None:
        """Wait for `done`, which is looked at under the lock; requests of an iterable are sent meanwhile."""
        while True:
            with self.channel.entered():
                if self._may_draw():
                    self.channel.glance()
                self._wait(lambda: done() or self._may_draw())
                if done():
                    return
                requests, self._drawing = self._requests, True
            try:
                if requests is not None:
                    self._draw(requests)
            finally:
                self._drawing = False
                with self.channel.entered():
                    self.wake()

    def wait_for_outcome(self) -> RpcError | Status:
        """How the call ended; waits for it."""
        while True:
            self.run(lambda: self.outcome is not None or (self.status is not None and not self._busy))
            if self.outcome is not None:
                return self.outcome
            self.advance()

    # -- receiving ------------------------------------------------------------------------------------------------

    def receive(self) -> Any:
        """The next message; None after the last. Raises RpcError if the call failed, after all that came before."""
        self.run(lambda: bool(self.inbox) or self.outcome is not None or self.status is not None)
        with self.channel.entered():
            envelope = self.take_envelope() if self.inbox else None
        if envelope is None:
            outcome = self.wait_for_outcome()
            if isinstance(outcome, RpcError):
                raise outcome
            return None
        try:
            return self.decode(envelope)
        except RpcError as failure:
            with self.channel.entered():
                self.overrule(failure)
            raise

    # -- ending ---------------------------------------------------------------------------------------------------

    def abandon(self) -> None:
        """Cancel, from any thread, without waiting for the lock."""
        self.channel.abandon(self)

    def give_up(self) -> None:
        """Cancel, from any thread."""
        with self.channel.entered():
            self.cancel()
        self.advance()


def _step(chain: Coroutine[Any, Any, RpcError | Status]) -> RpcError | Status | None:
    """Run interceptors until they wait for their call (None) or have ended (the outcome)."""
    try:
        if chain.send(None) is _PAUSE:
            return None
    except StopIteration as end:
        return end.value
    with contextlib.suppress(RuntimeError):  # it would go on waiting; there is nobody to resume it
        chain.close()
    return RpcError(
        StatusCode.INTERNAL,
        "an interceptor awaits something other than `proceed`; a blocking channel has no event loop to wait in",
    )
