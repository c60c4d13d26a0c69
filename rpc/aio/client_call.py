"""The state of one call of a client; `call_objects` has what a user holds of it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterable, Callable, Iterable
from typing import TYPE_CHECKING, Any

from ..call import MessageTooLarge, check_send_size
from ..client_call import ClientCall
from ..compression import CompressionError
from ..envelope import Envelope
from ..errors import RpcError
from ..header_blocks import HeaderField
from ..interceptor import InterceptedCall, apply_hooks, run_chain
from ..metadata import Metadata, encode_metadata
from ..status import Status, StatusCode

if TYPE_CHECKING:
    from .channel import Channel, ClientLink
    from .methods import Method


class CallState:
    """What happens to a call, whoever holds it.

    A call that has no connection yet keeps what is sent in `_held`. The user's object refers to the state, never the
    other way round, so that a call which is dropped can be told from one that is waited for.
    """

    __slots__ = (
        "_callbacks",
        "_core",
        "_first",
        "_held",
        "_pending_timer",
        "_submitted",
        "_waiters",
        "chain",
        "channel",
        "compression",
        "deadline",
        "inbox",
        "link",
        "loop",
        "metadata_fields",
        "method",
        "outcome",
        "pump",
        "sending_ended",
        "status",
        "view",
        "wait_for_ready",
    )

    def __init__(
        self,
        channel: Channel,
        method: Method[Any],
        deadline: float | None,
        metadata: Metadata,
        wait_for_ready: bool,
        compression: str | None,
    ) -> None:
        self.channel = channel
        self.loop = channel.loop
        self.method = method
        self.deadline = deadline
        self.view = InterceptedCall("client", method.path, metadata, str(channel.target))
        self.wait_for_ready = wait_for_ready
        self.compression = compression
        self.link: ClientLink | None = None
        self.metadata_fields: list[HeaderField] = []
        self.inbox: deque[tuple[Envelope, int]] = deque()
        self.status: Status | None = None  # how the call ended on the wire
        self.outcome: RpcError | Status | None = None  # how it ended for the user, after interceptors
        self.sending_ended = False
        self.chain: asyncio.Task[None] | None = None
        self.pump: asyncio.Task[None] | None = None
        self._core: ClientCall | None = None
        self._held: list[bytes] = []
        self._first: tuple[Any, ...] = ()
        self._pending_timer: asyncio.TimerHandle | None = None
        self._submitted = False
        self._waiters: list[asyncio.Future[None]] = []
        self._callbacks: list[Callable[[], None]] = []

    # -- starting -------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Start the call, inside the channel's interceptors if it has any."""
        if self.channel.interceptors:
            self.chain = self.loop.create_task(self._run_chain())
        else:
            self.submit()

    async def _run_chain(self) -> None:
        try:
            await run_chain(self.channel.interceptors, self.view, self._proceed)
        except RpcError as error:
            self._settle(error)
        except asyncio.CancelledError:
            self._settle(RpcError(StatusCode.CANCELLED, "cancelled by the application"))
        except Exception as error:
            failure = RpcError(StatusCode.UNKNOWN, f"an interceptor raised {type(error).__name__}: {error}")
            failure.__cause__ = error
            self._settle(failure)
        else:
            ended_well = self.status is not None and self.status.code is StatusCode.OK
            self._settle(
                self.status if ended_well else RpcError(StatusCode.INTERNAL, "an interceptor lost the call")
            )

    async def _proceed(self) -> None:
        if self.outcome is None and self.status is None:
            self.submit()
        while self.status is None:
            await self.wait()
        if self.status.code is not StatusCode.OK:
            raise self.error_of(self.status)

    def submit(self) -> None:
        """Give the call to the channel, which starts it now or when it has a connection.

        Raises ValueError or TypeError for metadata that may not be sent.
        """
        if self.deadline is not None and self.deadline <= self.loop.time():
            self.ended(
                Status(StatusCode.DEADLINE_EXCEEDED, "the deadline had passed before the call was sent")
            )
            return
        self.metadata_fields = encode_metadata(self.view.metadata)
        for message in self._first:
            self.send_now(message)
            self.end_sending()
        self._first = ()
        self._submitted = True
        self.wake()
        self.channel.submit(self)

    def hold(self) -> None:
        """The channel has no connection yet: the deadline is watched here until it has."""
        if self.deadline is not None and self._pending_timer is None:
            self._pending_timer = self.loop.call_at(self.deadline, self._expired_while_pending)

    def _expired_while_pending(self) -> None:
        reason = f"the deadline passed while waiting for a connection to {self.channel.target}"
        if self.channel.last_error:
            reason += f" (last attempt: {self.channel.last_error})"
        self.ended(Status(StatusCode.DEADLINE_EXCEEDED, reason, reached_server=False))

    def start(self, link: ClientLink) -> None:
        """Send what has been held on this connection."""
        if self.status is not None:
            return
        self._stop_pending_timer()
        self.link = link
        core = self._core = link.start_call(self)
        for payload in self._held:
            core.send_message(payload)
        self._held.clear()
        if self.sending_ended:
            core.end_sending()
        link.schedule_flush()
        self.wake()  # senders that wait for the connection now wait for the window

    def _stop_pending_timer(self) -> None:
        if self._pending_timer is not None:
            self._pending_timer.cancel()
            self._pending_timer = None

    # -- sending --------------------------------------------------------------------------------------------------

    def send_now(self, message: Any) -> None:
        """Queue one message. Raises RpcError if it cannot be encoded or is too large; the call ends with it."""
        if self.sending_ended:
            raise RuntimeError("the last message has been sent already")
        if self.view.send_hooks:
            message = apply_hooks(self.view.send_hooks, message)
        try:
            payload = self.method.request_serializer(message)
            if self._core is None:
                check_send_size(payload, self.channel.limits)
                self._held.append(payload)
                return
            self._core.send_message(payload)
        except MessageTooLarge as error:
            raise self._given_up(RpcError(StatusCode.RESOURCE_EXHAUSTED, str(error))) from error
        except Exception as error:  # whatever a serializer raises: ours a ValueError, google.protobuf's none
            failure = RpcError(StatusCode.INTERNAL, f"the request cannot be encoded: {error}")
            raise self._given_up(failure) from error
        assert self.link is not None
        self.link.schedule_flush()

    def _given_up(self, failure: RpcError) -> RpcError:
        """End the call with a failure of our own."""
        self.cancel(failure.to_status())
        return failure

    def _overruled(self, failure: RpcError) -> RpcError:
        """The same where the call may have ended well already."""
        self._given_up(failure)
        if isinstance(self.outcome, Status):
            self.outcome = failure
        return failure

    async def send(self, message: Any) -> None:
        """Send one message: after interceptors have had their say, and no faster than the server takes them."""
        while not self._submitted and self.status is None:
            await self.wait()
        if self.status is None:
            self.send_now(message)
            await self.wait_to_send()

    async def wait_to_send(self) -> None:
        """Wait while too much is queued. Raises RpcError when the call has ended."""
        while self.status is None:
            core = self._core
            if core is None:
                held = sum(map(len, self._held))
                if held <= self.channel.limits.send_buffer:
                    return
            elif not core.must_wait:
                return
            else:
                core.wants_send_ready = True
            await self.wait()

    def end_sending(self) -> None:
        """No message follows."""
        if self.sending_ended:
            return
        self.sending_ended = True
        if self._core is not None and self.link is not None:
            self._core.end_sending()
            self.link.schedule_flush()

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
            failure = RpcError(
                StatusCode.UNKNOWN, f"the iterable of requests raised {type(error).__name__}: {error}"
            )
            failure.__cause__ = error
            if self.chain is None:
                self._settle(failure)
            else:
                self.cancel(failure.to_status())

    async def _send_next(self, message: Any) -> None:
        await self.send(message)
        if self.status is not None:
            raise self.error_of(self.status)

    # -- receiving ------------------------------------------------------------------------------------------------

    def message_received(self, envelope: Envelope, size: int) -> None:
        self.inbox.append((envelope, size))
        if len(self.inbox) > 1 and not self.method.server_streaming:  # R46
            self.cancel(
                Status(StatusCode.UNIMPLEMENTED, f"{self.method.path} has one response; a second one came")
            )
        self.wake()

    def take(self) -> Any:
        """The next message of the inbox. Raises RpcError if it cannot be decoded; the call ends with it."""
        envelope, size = self.inbox.popleft()
        assert self._core is not None
        assert self.link is not None
        self._core.consumed(size)
        self.link.schedule_flush()
        try:
            message = self.method.response_deserializer(self._core.open(envelope))
        except CompressionError as error:
            raise self._overruled(RpcError(error.code, error.reason)) from error
        except Exception as error:  # as in send_now
            failure = RpcError(StatusCode.INTERNAL, f"the response cannot be decoded: {error}")
            raise self._overruled(failure) from error
        return apply_hooks(self.view.receive_hooks, message) if self.view.receive_hooks else message

    # -- ending ---------------------------------------------------------------------------------------------------

    def ended(self, status: Status) -> None:
        """The call is over on the wire."""
        if self.status is not None:
            return
        if status.code is StatusCode.OK and not (self.inbox or self.method.server_streaming):  # R46
            status = Status(
                StatusCode.UNIMPLEMENTED, f"{self.method.path} ended well, but without a response"
            )
        self.status = status
        self.view.trailing_metadata = status.trailing_metadata.copy()
        self._stop_pending_timer()
        self._held.clear()
        if self.chain is None:
            self._settle(status if status.code is StatusCode.OK else self.error_of(status))
        self.wake()

    def error_of(self, status: Status) -> RpcError:
        """The error that this status is to the user."""
        initial = self._core.initial_metadata.copy() if self._core is not None else Metadata()
        return RpcError.from_status(status, initial)

    def _settle(self, outcome: RpcError | Status | None) -> None:
        if self.outcome is not None:
            return
        self.outcome = outcome
        if self.status is None and isinstance(outcome, RpcError):  # an interceptor ended it
            self.cancel(outcome.to_status())
        if self.pump is not None:
            self.pump.cancel()
        for callback in self._callbacks:
            self.loop.call_soon(callback)
        self.wake()

    def cancel(self, status: Status | None = None) -> None:
        """Give the call up."""
        if self.status is not None:
            return
        status = status or Status(StatusCode.CANCELLED, "cancelled by the application")
        if self._core is not None and self.link is not None:
            self._core.cancel(status)
            self.link.schedule_flush()
        self.ended(status)
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

    def initial_metadata(self) -> Metadata | None:
        """The response's initial metadata, None if it has not come."""
        if self._core is not None and self._core.head_received:
            return self._core.initial_metadata
        return Metadata() if self.status is not None else None
