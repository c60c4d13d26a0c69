"""Running one call on a server: from its first event to its status. Plain `def` handlers: see sync_server_call."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from typing import TYPE_CHECKING, Any

from ..call import MessageTooLarge
from ..compression import CompressionError, Uncompressed
from ..concurrency import ConcurrencyLimits, Places
from ..deadline import current_deadline
from ..envelope import Envelope
from ..errors import RpcError
from ..handlers import MethodHandler
from ..interceptor import InterceptedCall, apply_hooks, run_chain
from ..metadata import Metadata
from ..observer import tell, tell_end, tell_head
from ..server_call import ServerCall
from ..status import Status, StatusCode
from .context import ServicerContext

if TYPE_CHECKING:
    from .server_link import ServerLink

logger = logging.getLogger("barewire.rpc.server")

_OK = Status(StatusCode.OK)


class ServerCallRunner:
    """Takes a call's events, runs its handler, sends its responses.

    What most calls do not need (a view for interceptors, lists of callbacks and waiters) is made when it is asked for.
    """

    __slots__ = (
        "_callbacks",
        "_entered",
        "_inbox",
        "_places",
        "_request_ended",
        "_task",
        "_view",
        "_waiters",
        "call",
        "cancelled",
        "done",
        "handler",
        "link",
        "loop",
        "plain_next",
    )
    _context_class = ServicerContext

    def __init__(
        self, link: ServerLink, call: ServerCall, handler: MethodHandler, places: Places = ()
    ) -> None:
        """`places` under the server's concurrency limits are taken when the handler begins, and given back when it is
        done."""
        self.link = link
        self.loop = link.loop
        self.call = call
        self.handler = handler
        self.cancelled = False
        self.done = False
        self.plain_next = False  # the next response goes uncompressed
        self._places = places
        self._view: InterceptedCall | None = None
        self._inbox: deque[tuple[Envelope, int]] = deque()
        self._request_ended = False
        self._waiters: list[asyncio.Future[None]] | None = None
        self._callbacks: list[Callable[[], object]] | None = None
        self._task: asyncio.Task[None] | None = None
        self._entered = False  # whether the task has begun: one that is cancelled before never runs
        if link.server.codec is not None:
            call.set_compression(link.server.codec)
        if handler.client_streaming:
            self._start()

    @property
    def view(self) -> InterceptedCall:
        """The call as interceptors see it; it also keeps the metadata of the response."""
        if self._view is None:
            request, handler = self.call.request, self.handler
            self._view = InterceptedCall(
                "server",
                request.path,
                request.metadata.copy(),
                self.link.peer_address,
                authority=request.authority,
                secure=self.link.is_secure,
                timeout=request.timeout,
                client_streaming=handler.client_streaming,
                server_streaming=handler.server_streaming,
                registered=self.link.server.services.find(request.path) is not None,
            )
        return self._view

    def _tell_half_closed(self) -> None:
        if self._view is not None and self._view.observers:
            tell(self._view.observers, "half_closed")

    def _tell_end(self, status: Status) -> None:
        """Tell the observers how the call ended: once, and as the last thing."""
        if self._view is not None and self._view.observers:
            observers, self._view.observers = self._view.observers, ()
            tell_end(observers, status)

    # -- events ---------------------------------------------------------------------------------------------------

    def message_received(self, envelope: Envelope, size: int) -> None:
        self._inbox.append((envelope, size))
        if self.handler.client_streaming:
            self._wake()
        elif len(self._inbox) > 1:
            self._refuse_cardinality("a second one")

    def request_ended(self) -> None:
        self._request_ended = True
        if self.handler.client_streaming:
            self._wake()
        elif self.done:
            return  # refused meanwhile
        elif self._inbox:
            self._start()
        else:
            self._refuse_cardinality("none")

    def ended(self, status: Status) -> None:
        """The call is over before it was finished here: stop the handler."""
        self.cancelled = True
        logger.debug("%s ended early: %s", self.handler.path, status.message)
        self._tell_end(status)
        self._wake()
        self.stop()

    def _refuse_cardinality(self, came: str) -> None:
        """R46."""
        self._refuse(Status(StatusCode.UNIMPLEMENTED, f"{self.handler.path} takes one request; {came} came"))

    def _refuse(self, status: Status) -> None:
        """Answer with this, and run no handler."""
        self.call.finish(status)
        self._tell_end(status)
        self.link.schedule_flush()
        self.stop()

    def _start(self) -> None:
        if self._places and (refusal := ConcurrencyLimits.take(self._places)) is not None:
            self._refuse(refusal)
            return
        self.link.server.runners.add(self)
        self._task = self.loop.create_task(self._run())

    def cancel(self) -> None:
        """Give the call up, as `context.cancel()` asks for."""
        self.call.fail(Status(StatusCode.CANCELLED, "the server has cancelled the call"))
        self.link.schedule_flush()
        self.stop()

    def stop(self) -> None:
        """Stop the handler."""
        if self._task is not None:
            self._task.cancel()
        if not self._entered:
            self._complete()

    # -- the handler ----------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        self._entered = True
        current_deadline.set(self.call.deadline)
        context = self._context_class(self)
        try:
            if self.link.server.interceptors:
                await self._handle_intercepted(context)
            else:
                await self._handle(context)
            status = _OK
        except BaseException as error:  # whatever a handler raises becomes a status
            status = self._status_of(error, context)
        finally:
            self._complete()
        self._finish(status)

    async def _handle_intercepted(self, context: ServicerContext) -> None:
        """Run the handler inside the interceptors; one that swallows its end must not turn it into an OK."""
        begun = ended = False

        async def proceed() -> None:
            nonlocal begun, ended
            if begun:
                raise RuntimeError("an interceptor has called `proceed` twice")
            begun = True
            await self._handle(context)
            ended = True

        await run_chain(self.link.server.interceptors, self.view, proceed)
        if not ended:
            raise RpcError(StatusCode.INTERNAL, "an interceptor lost the call")

    async def _handle(self, context: ServicerContext) -> None:
        """Run the handler itself; raises RpcError if it set a status other than OK."""
        if self.handler.client_streaming:
            request: Any = self._requests(context)
        else:
            request = self._decode(*self._inbox.popleft())
            self._tell_half_closed()
        await self._call_handler(request, context)
        status = context.status()
        if status is not None and status.code is not StatusCode.OK:
            raise RpcError(status.code, status.message, metadata=self.view.trailing_metadata)

    async def _call_handler(self, request: Any, context: ServicerContext) -> None:
        """Call the user's function and send what it returns or yields."""
        handler = self.handler
        if handler.is_generator:
            await self._send_all(handler.function(request, context))
            return
        outcome = await handler.function(request, context)
        if handler.server_streaming and hasattr(outcome, "__aiter__"):
            await self._send_all(outcome)
        else:
            self._send_result(outcome, context)

    async def _send_all(self, messages: Any) -> None:
        try:
            async for message in messages:
                await self.send(message)
        finally:
            if hasattr(messages, "aclose"):
                await messages.aclose()  # its `finally` blocks run now, not when it is collected

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

    def _status_of(self, error: BaseException, context: ServicerContext) -> Status:
        if isinstance(error, RpcError):
            status = error.to_status()
            if self._view is not None and not status.trailing_metadata:
                status = Status(status.code, status.message, status.details, self._view.trailing_metadata)
            return status
        if isinstance(error, asyncio.CancelledError):
            return Status(StatusCode.CANCELLED, "the handler was cancelled")
        if isinstance(error, (KeyboardInterrupt, SystemExit, GeneratorExit)):
            raise error  # the process ends; others, such as pytest's, are the handler's
        # Its text may hold what is not for the client, so that stays here.
        logger.error("handler of %s raised %s", self.handler.path, type(error).__name__, exc_info=error)
        status = context.status()
        if status is not None and status.code is not StatusCode.OK:  # what it set before counts, as in grpcio
            return Status(status.code, status.message, trailing_metadata=self.view.trailing_metadata)
        return Status(StatusCode.UNKNOWN, f"the handler raised {type(error).__name__}")

    def _finish(self, status: Status) -> None:
        if status is _OK and self._view is not None and self._view.trailing_metadata:
            status = Status(StatusCode.OK, trailing_metadata=self._view.trailing_metadata)
        try:
            self.call.finish(status)
        except (ValueError, TypeError) as error:  # metadata that may not be sent
            logger.exception("trailing metadata of %s cannot be sent", self.handler.path)
            status = Status(StatusCode.INTERNAL, f"invalid trailing metadata: {error}")
            self.call.finish(status)
        self._tell_end(status)
        self.link.schedule_flush()

    def _complete(self) -> None:
        """The handler is done, or is not going to run."""
        if self.done:
            return
        self.done = True
        self.call.sink = None  # they would keep each other alive until the garbage is collected
        if self._callbacks is not None:
            for callback in self._callbacks:
                self.loop.call_soon(callback)
        if self._places and self._task is not None:
            self._leave()
        self.link.server.runner_done(self)

    def _leave(self) -> None:
        """Give back the places."""
        ConcurrencyLimits.leave(self._places)

    def add_done_callback(self, callback: Callable[[], object]) -> None:
        if self.done:
            self.loop.call_soon(callback)
        elif self._callbacks is None:
            self._callbacks = [callback]
        else:
            self._callbacks.append(callback)

    # -- messages -------------------------------------------------------------------------------------------------

    def _decode(self, envelope: Envelope, size: int) -> Any:
        self.call.consumed(size)
        self.link.schedule_flush()
        view = self._view
        try:
            payload = self.call.open(envelope)
            if view is not None and view.observers:
                tell(view.observers, "received", payload, len(envelope.payload))
            message = self.handler.request_deserializer(payload)
        except CompressionError as error:
            raise RpcError(error.code, error.reason) from error
        except (
            Exception
        ) as error:  # whatever a deserializer raises: ours a ValueError, google.protobuf's none
            raise RpcError(StatusCode.INTERNAL, f"the request cannot be decoded: {error}") from error
        return message if view is None or not view.receive_hooks else apply_hooks(view.receive_hooks, message)

    async def receive(self) -> Any:
        """The next request, None after the last. Raises RpcError when the call is over."""
        while not self._inbox:
            if self.cancelled:
                raise RpcError(StatusCode.CANCELLED, "the client has ended the call")
            if self._request_ended:
                self._tell_half_closed()
                return None
            await self._wait()
        return self._decode(*self._inbox.popleft())

    def _requests(self, context: ServicerContext) -> AsyncIterator[Any] | Iterator[Any]:
        """The requests of a streaming method, as its handler takes them."""
        return self._iterate()

    async def _iterate(self) -> AsyncIterator[Any]:
        while (message := await self.receive()) is not None:
            yield message

    def send_initial_metadata(self, metadata: Metadata | None = None) -> None:
        """Send the response head, with what interceptors have added to it."""
        view = self._view
        if view is not None and view.initial_metadata:
            metadata = Metadata([*(metadata or ()), *view.initial_metadata])
            view.initial_metadata = Metadata()
        self.call.send_initial_metadata(metadata)
        if view is not None and view.observers:
            tell_head(view.observers, metadata or Metadata())
        self.link.schedule_flush()

    def _send_now(self, message: Any) -> None:
        if self.call.ended:
            raise RpcError(StatusCode.CANCELLED, "the client has ended the call")
        view = self._view
        if view is not None and view.send_hooks:
            message = apply_hooks(view.send_hooks, message)
        try:
            payload = self.handler.response_serializer(message)
        except Exception as error:
            logger.exception("a response of %s cannot be encoded", self.handler.path)
            raise RpcError(
                StatusCode.INTERNAL, f"the response cannot be encoded ({type(error).__name__})"
            ) from error
        if not self.call.head_sent:
            self.send_initial_metadata()
        try:
            size = self.call.send_message(Uncompressed(payload) if self.plain_next else payload)
        except MessageTooLarge as error:
            raise RpcError(StatusCode.RESOURCE_EXHAUSTED, str(error)) from error
        if view is not None and view.observers:
            tell(view.observers, "sent", payload, size)
        self.plain_next = False
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
        # Without those whose handler has given up waiting, by a timeout of its own.
        self._waiters = [*(each for each in self._waiters or () if not each.done()), waiter]
        await waiter

    def _wake(self) -> None:
        waiters, self._waiters = self._waiters, None
        for waiter in waiters or ():
            if not waiter.done():
                waiter.set_result(None)
