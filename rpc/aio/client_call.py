"""The state of one call of a client on asyncio; `call_objects` has what a user holds of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Callable, Iterable
from typing import TYPE_CHECKING, Any

from ..client_call_state import ClientCallState
from ..client_interfaces import CallLink
from ..compression import Uncompressed
from ..errors import RpcError
from ..interceptor import InterceptedCall
from ..metadata import Metadata, MetadataPairs
from ..status import Status, StatusCode

if TYPE_CHECKING:
    from .channel import Channel
    from .methods import Method


class CallState(ClientCallState):
    """What happens to a call, with the tasks, timers and waiters of its loop.

    The user's object refers to the state, never the other way round, so that a call which is dropped can be told from
    one that is waited for.
    """

    __slots__ = ("_callbacks", "_chain", "_first", "_pending_timer", "_pump", "_waiters", "channel", "loop")

    def __init__(
        self,
        channel: Channel,
        method: Method[Any],
        timeout: float | None,
        metadata: Metadata | MetadataPairs,
        wait_for_ready: bool | None,
        compression: str | None,
    ) -> None:
        self.channel = channel
        self.loop = channel.loop
        now = self.loop.time()
        super().__init__(channel, method, timeout, metadata, wait_for_ready, compression, now)
        self._chain: asyncio.Task[None] | None = None  # the interceptors
        self._pump: asyncio.Task[None] | None = None  # what sends an iterable
        self._first: tuple[Any, ...] = ()
        self._pending_timer: asyncio.TimerHandle | None = None
        self._waiters: list[asyncio.Future[None]] = []
        self._callbacks: list[Callable[[], None]] = []

    # -- starting -------------------------------------------------------------------------------------------------

    def begin(self, *first: Any) -> None:
        """Start the call, inside the channel's interceptors if it has any; with its one request, or with none yet.

        Raises RpcError for a request that cannot be sent, ValueError or TypeError for metadata that may not.
        """
        self._first = first
        if self.view is None:
            self.submit()
        else:  # its hooks are registered when they run: the message waits for them
            self._chain = self.loop.create_task(self._run_chain(self.view))
            self._watch_deadline()  # they may wait, too

    async def _run_chain(self, view: InterceptedCall) -> None:
        try:
            outcome = await self.run_interceptors(view)
        except asyncio.CancelledError:
            ended = self.status or Status(StatusCode.CANCELLED, "cancelled by the application")
            outcome = self.error_of(ended)
        self.settle(outcome)

    def submit(self) -> None:
        """Give the call to the channel, which starts it now or when it has a connection."""
        if not self.prepare(self.loop.time()):
            return
        for message in self._first:  # before the call is launched, so that all leaves in one write
            self.send_now(message)
            self.end_sending()
        self._first = ()
        self._submitted = True
        self.wake()
        self.launch()

    def hold(self) -> None:
        """The channel has no connection yet: the deadline is watched here until it has."""
        self._watch_deadline()

    def _watch_deadline(self) -> None:
        if self.deadline is not None and self._pending_timer is None:
            self._pending_timer = self.loop.call_at(self.deadline, self._expired)

    def _expired(self) -> None:
        if self._submitted:
            self.expired_while_pending()
        else:
            reason = "the deadline passed while an interceptor held the call back"
            self.cancel(Status(StatusCode.DEADLINE_EXCEEDED, reason, reached_server=False))

    def start(self, link: CallLink) -> None:
        if self.status is None:
            self._stop_pending_timer()
            super().start(link)

    def _stop_pending_timer(self) -> None:
        if self._pending_timer is not None:
            self._pending_timer.cancel()
            self._pending_timer = None

    # -- sending --------------------------------------------------------------------------------------------------

    @property
    def has_iterable(self) -> bool:
        """Whether it is not for the user to send."""
        return self._pump is not None

    def send_now(self, message: Any, compress: bool = True) -> None:
        """Queue one message. Raises RpcError if it cannot be encoded or is too large; the call ends with it."""
        if self.sending_ended:
            raise RuntimeError("the last message has been sent already")
        try:
            payload = self.encode(message)
        except RpcError as failure:
            self.cancel(failure.to_status())
            raise
        self.queue(payload if compress else Uncompressed(payload))

    async def send(self, message: Any, compress: bool = True) -> None:
        """Send one message: after interceptors have had their say, and no faster than the server takes them."""
        while not self._submitted and self.status is None:
            await self.wait()
        if self.status is None:
            self.send_now(message, compress)
            while self.status is None and self.must_wait:
                await self.wait()

    def send_all(self, requests: AsyncIterable[Any] | Iterable[Any]) -> None:
        """Send what an iterable gives, in a task of its own, then end sending."""
        self._pump = self.loop.create_task(self._send_all(requests))

    async def _send_all(self, requests: AsyncIterable[Any] | Iterable[Any]) -> None:
        try:
            if isinstance(requests, AsyncIterable):
                async for message in requests:
                    await self._send_next(message)
            else:
                for message in requests:
                    await self._send_next(message)
            self.end_sending()
        except Exception as error:  # if it comes of this call, that has ended already
            self.requests_failed(error)
        except asyncio.CancelledError:  # by the iterable itself, perhaps
            self.cancel()
            raise

    async def _send_next(self, message: Any) -> None:
        await self.send(message)
        if self.status is not None:
            raise self.error_of(self.status)

    # -- receiving ------------------------------------------------------------------------------------------------

    def take(self) -> Any:
        """The next message of the inbox. Raises RpcError if it cannot be decoded; the call ends with it."""
        envelope = self.take_envelope()
        try:
            return self.decode(envelope)
        except RpcError as failure:
            self.overrule(failure)
            raise

    # -- ending ---------------------------------------------------------------------------------------------------

    def finish(self, status: Status) -> None:
        self._stop_pending_timer()
        super().finish(status)

    def settled(self) -> None:
        if self._pump is not None:
            self._pump.cancel()
        for callback in self._callbacks:
            self.loop.call_soon(callback)

    def cancel(self, status: Status | None = None) -> None:
        if self.status is not None:
            return
        super().cancel(status)
        # Once the call is submitted, `proceed` raises the status; before, the interceptors wait for something else.
        if self._chain is not None and not self._submitted and self.outcome is None:
            self._chain.cancel()

    def add_done_callback(self, callback: Callable[[], None]) -> None:
        if self.outcome is not None:
            self.loop.call_soon(callback)
        else:
            self._callbacks.append(callback)

    # -- waiting --------------------------------------------------------------------------------------------------

    def wait(self) -> asyncio.Future[None]:
        waiter: asyncio.Future[None] = self.loop.create_future()
        self._waiters.append(waiter)
        return waiter

    def wake(self) -> None:
        if self._waiters:
            for waiter in self._waiters:
                if not waiter.done():
                    waiter.set_result(None)
            self._waiters.clear()
