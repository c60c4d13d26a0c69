"""Running one call on a server: from its first event to its status."""

from __future__ import annotations

import asyncio
import contextvars
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import CancelledError as FutureCancelledError
from typing import TYPE_CHECKING, Any

from ..call import MessageTooLarge
from ..compression import CompressionError
from ..deadline import current_deadline
from ..envelope import Envelope
from ..errors import RpcError
from ..handlers import MethodHandler
from ..interceptor import InterceptedCall, apply_hooks, run_chain
from ..metadata import Metadata
from ..server_call import ServerCall
from ..status import Status, StatusCode
from .context import ServicerContext, SyncServicerContext

if TYPE_CHECKING:
    from .server import ServerLink

logger = logging.getLogger("barewire.rpc.server")


class ServerCallRunner:
    """Takes a call's events, runs its handler, sends its responses."""

    __slots__ = (
        "_callbacks",
        "_inbox",
        "_request_ended",
        "_task",
        "_waiters",
        "call",
        "cancelled",
        "done",
        "handler",
        "link",
        "loop",
        "view",
    )

    def __init__(self, link: ServerLink, call: ServerCall, handler: MethodHandler) -> None:
        self.link = link
        self.loop = link.loop
        self.call = call
        self.handler = handler
        self.view = InterceptedCall(
            "server", call.request.path, call.request.metadata.copy(), link.peer_address
        )
        self.cancelled = False
        self.done = False
        self._inbox: deque[tuple[Envelope, int]] = deque()
        self._request_ended = False
        self._waiters: list[asyncio.Future[None]] = []
        self._task: asyncio.Task[None] | None = None
        self._callbacks: list[Callable[[], None]] = []
        if handler.client_streaming:
            self._start()

    # -- events ---------------------------------------------------------------------------------------------------

    def message_received(self, envelope: Envelope, size: int) -> None:
        self._inbox.append((envelope, size))
        if self.handler.client_streaming:
            self._wake()
        elif len(self._inbox) > 1:
            self._refuse(f"{self.handler.path} takes one request; a second one came")

    def request_ended(self) -> None:
        self._request_ended = True
        if self.handler.client_streaming:
            self._wake()
        elif self._inbox:
            self._start()
        else:
            self._refuse(f"{self.handler.path} takes one request; none came")

    def ended(self, status: Status) -> None:
        """The call is over before it was finished here: stop the handler."""
        self.cancelled = True
        logger.debug("%s ended early: %s", self.handler.path, status.message)
        self._wake()
        if self._task is not None:
            self._task.cancel()
        else:
            self._complete()

    def _refuse(self, reason: str) -> None:
        """R46: a cardinality violation."""
        if self._task is not None:
            self._task.cancel()
        self.call.finish(Status(StatusCode.UNIMPLEMENTED, reason))
        self.link.schedule_flush()
        if self._task is None:
            self._complete()

    def _start(self) -> None:
        self._task = self.loop.create_task(self._run())
        self.link.server.track(self._task)

    # -- the handler ----------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        current_deadline.set(self.call.deadline)
        handler = self.handler
        context = (ServicerContext if handler.is_async else SyncServicerContext)(self)
        interceptors = self.link.server.interceptors
        try:
            if interceptors:
                await run_chain(interceptors, self.view, lambda: self._handle(context))
            else:
                await self._handle(context)
            status = Status(StatusCode.OK)
        except BaseException as error:  # whatever a handler raises becomes a status
            status = self._status_of(error)
        finally:
            self._complete()
        self._finish(status)

    async def _handle(self, context: ServicerContext) -> None:
        """Run the handler itself; raises RpcError if it set a status other than OK."""
        handler = self.handler
        request = (
            self._requests(context) if handler.client_streaming else self._decode(*self._inbox.popleft())
        )
        await (self._handle_async if handler.is_async else self._handle_sync)(request, context)
        status = context.status()
        if status.code is not StatusCode.OK:
            raise RpcError(status.code, status.message, metadata=self.view.trailing_metadata)

    async def _handle_async(self, request: Any, context: ServicerContext) -> None:
        outcome = self.handler.function(request, context)
        if self.handler.is_generator:
            try:
                async for message in outcome:
                    await self.send(message)
            finally:
                await outcome.aclose()  # its `finally` blocks run now, not when it is collected
        else:
            self._send_result(await outcome, context)

    async def _handle_sync(self, request: Any, context: ServicerContext) -> None:
        run = contextvars.copy_context().run
        future = self.link.server.executor.submit(lambda: run(self._call_in_thread, request, context))
        self._send_result(await asyncio.wrap_future(future), context)

    def _call_in_thread(self, request: Any, context: ServicerContext) -> Any:
        try:
            outcome = self.handler.function(request, context)
            if not self.handler.is_generator:
                return outcome
            for message in outcome:
                asyncio.run_coroutine_threadsafe(self.send(message), self.loop).result()
            return None
        except (FutureCancelledError, StopIteration) as error:  # neither may leave a thread through a future
            raise RpcError(StatusCode.CANCELLED, "the call is over") from error

    def _send_result(self, outcome: Any, context: ServicerContext) -> None:
        """Send the one response of a method. Where the method streams, the handler has sent its responses itself."""
        if not self.handler.server_streaming:
            code = context.code()
            if outcome is None and code not in (None, StatusCode.OK):
                return
            self._send_now(outcome)
        elif outcome is not None:
            raise TypeError(
                f"{self.handler.path} streams its responses: yield them, or await context.send(message)"
            )

    def _status_of(self, error: BaseException) -> Status:
        if isinstance(error, RpcError):
            status = error.to_status()
            if not status.trailing_metadata:
                status = Status(status.code, status.message, status.details, self.view.trailing_metadata)
            return status
        if isinstance(error, asyncio.CancelledError):
            return Status(StatusCode.CANCELLED, "the handler was cancelled")
        if not isinstance(error, Exception):
            raise error  # KeyboardInterrupt, SystemExit
        # Its text may hold what is not for the client, so that stays here.
        logger.error("handler of %s raised %s", self.handler.path, type(error).__name__, exc_info=error)
        return Status(StatusCode.UNKNOWN, f"the handler raised {type(error).__name__}")

    def _finish(self, status: Status) -> None:
        if status.code is StatusCode.OK and self.view.trailing_metadata:
            status = Status(StatusCode.OK, trailing_metadata=self.view.trailing_metadata)
        try:
            self.call.finish(status)
        except (ValueError, TypeError) as error:  # metadata that may not be sent
            logger.exception("trailing metadata of %s cannot be sent", self.handler.path)
            self.call.finish(Status(StatusCode.INTERNAL, f"invalid trailing metadata: {error}"))
        self.link.schedule_flush()

    def _complete(self) -> None:
        if self.done:
            return
        self.done = True
        for callback in self._callbacks:
            self.loop.call_soon(callback)

    def add_done_callback(self, callback: Callable[[], None]) -> None:
        if self.done:
            self.loop.call_soon_threadsafe(callback)
        else:
            self._callbacks.append(callback)

    # -- messages -------------------------------------------------------------------------------------------------

    def _decode(self, envelope: Envelope, size: int) -> Any:
        self.call.consumed(size)
        self.link.schedule_flush()
        try:
            message = self.handler.request_deserializer(self.call.open(envelope))
        except CompressionError as error:
            raise RpcError(error.code, error.reason) from error
        except (
            Exception
        ) as error:  # whatever a deserializer raises: ours a ValueError, google.protobuf's none
            raise RpcError(StatusCode.INTERNAL, f"the request cannot be decoded: {error}") from error
        return apply_hooks(self.view.receive_hooks, message) if self.view.receive_hooks else message

    async def receive(self) -> Any:
        """The next request, None after the last. Raises RpcError when the call is over."""
        while not self._inbox:
            if self.cancelled:
                raise RpcError(StatusCode.CANCELLED, "the client has ended the call")
            if self._request_ended:
                return None
            await self._wait()
        return self._decode(*self._inbox.popleft())

    def _requests(self, context: ServicerContext) -> AsyncIterator[Any] | Iterator[Any]:
        if isinstance(context, SyncServicerContext):
            return iter(context.receive, None)
        return self._iterate()

    async def _iterate(self) -> AsyncIterator[Any]:
        while (message := await self.receive()) is not None:
            yield message

    def send_initial_metadata(self, metadata: Metadata) -> None:
        """Send the response head."""
        for key, value in self.view.initial_metadata:  # what interceptors have added
            metadata.add(key, value)
        self.call.send_initial_metadata(metadata)
        self.view.initial_metadata = Metadata()
        self.link.schedule_flush()

    def _send_now(self, message: Any) -> None:
        if self.call.ended:
            raise RpcError(StatusCode.CANCELLED, "the client has ended the call")
        if self.view.send_hooks:
            message = apply_hooks(self.view.send_hooks, message)
        try:
            payload = self.handler.response_serializer(message)
        except Exception as error:
            logger.exception("a response of %s cannot be encoded", self.handler.path)
            raise RpcError(
                StatusCode.INTERNAL, f"the response cannot be encoded ({type(error).__name__})"
            ) from error
        if not self.call.head_sent:
            self.send_initial_metadata(Metadata())
        try:
            self.call.send_message(payload)
        except MessageTooLarge as error:
            raise RpcError(StatusCode.RESOURCE_EXHAUSTED, str(error)) from error
        self.link.schedule_flush()

    async def send(self, message: Any) -> None:
        """Send one response; waits while too much is queued. Raises RpcError when the call is over."""
        self._send_now(message)
        while self.call.must_wait and not self.cancelled:
            self.call.wants_send_ready = True
            await self._wait()

    def send_ready(self) -> None:
        self._wake()

    async def _wait(self) -> None:
        waiter = self.loop.create_future()
        self._waiters.append(waiter)
        await waiter

    def _wake(self) -> None:
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)
