"""The state of one call of a client on asyncio; `call_objects` has what a user holds of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Callable, Iterable
from typing import TYPE_CHECKING, Any

from ..client_call_state import ClientCallState
from ..client_interfaces import CallLink
from ..compression import Uncompressed
from ..errors import RpcError
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

    __slots__ = ("_callbacks", "_first", "_pending_timer", "_waiters", "chain", "channel", "loop", "pump")

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
        self.chain: asyncio.Task[None] | None = None
        self.pump: asyncio.Task[None] | None = None
        self._first: tuple[Any, ...] = ()
        self._pending_timer: asyncio.TimerHandle | None = None
        self._waiters: list[asyncio.Future[None]] = []
        self._callbacks: list[Callable[[], None]] = []

    # -- starting -------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Start the call, inside the channel's interceptors if it has any."""
        if self.channel.interceptors:
            self.chain = self.loop.create_task(self._run_chain())
        else:
            self.submit()

    @property
    def intercepted(self) -> bool:
        return self.chain is not None

    async def _run_chain(self) -> None:
        try:
            outcome = await self.run_interceptors()
        except asyncio.CancelledError:
            outcome = RpcError(StatusCode.CANCELLED, "cancelled by the application")
        self.settle(outcome)

    def submit(self) -> None:
        """Give the call to the channel, which starts it now or when it has a connection.

        Raises ValueError or TypeError for metadata that may not be sent.
        """
        if not self.prepare(self.loop.time()):
            return
        for message in self._first:
            self.send_now(message)
            self.end_sending()
        self._first = ()
        self._submitted = True
        self.wake()
        self.launch()

    def hold(self) -> None:
        """The channel has no connection yet: the deadline is watched here until it has."""
        if self.deadline is not None and self._pending_timer is None:
            self._pending_timer = self.loop.call_at(self.deadline, self.expired_while_pending)

    def start(self, link: CallLink) -> None:
        if self.status is None:
            self._stop_pending_timer()
            super().start(link)

    def _stop_pending_timer(self) -> None:
        if self._pending_timer is not None:
            self._pending_timer.cancel()
            self._pending_timer = None

    # -- sending --------------------------------------------------------------------------------------------------

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

    def send_later(self, message: Any) -> None:
        """Send the one message when the call is submitted, after interceptors have had their say."""
        self._first = (message,)

    def send_all(self, requests: AsyncIterable[Any] | Iterable[Any]) -> None:
        """Send what an iterable gives, in a task of its own, then end sending."""
        self.pump = self.loop.create_task(self._send_all(requests))

    async def _send_all(self, requests: AsyncIterable[Any] | Iterable[Any]) -> None:
        try:
            if isinstance(requests, AsyncIterable):
                async for message in requests:
                    await self._send_next(message)
            else:
                for message in requests:
                    await self._send_next(message)
            self.end_sending()
        except RpcError:
            pass  # the call has ended with it
        except Exception as error:
            failure = self.requests_failed(error)
            if self.chain is None:
                self.settle(failure)
            else:
                self.cancel(failure.to_status())

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
        if self.pump is not None:
            self.pump.cancel()
        for callback in self._callbacks:
            self.loop.call_soon(callback)

    def cancel(self, status: Status | None = None) -> None:
        if self.status is not None:
            return
        super().cancel(status)
        # Once the call is submitted, `proceed` raises the status; before, the interceptors wait for something else.
        if self.chain is not None and not self._submitted and self.outcome is None:
            self.chain.cancel()

    def add_done_callback(self, callback: Callable[[], None]) -> None:
        if self.outcome is not None:
            self.loop.call_soon(callback)
        else:
            self._callbacks.append(callback)

    # -- waiting --------------------------------------------------------------------------------------------------

    async def wait(self) -> None:
        """Until something changes."""
        waiter = self.loop.create_future()
        self._waiters.append(waiter)
        await waiter

    def wake(self) -> None:
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)
