"""Running a call whose handler is a plain `def`: in a thread of the server's pool."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
from collections.abc import Iterator
from concurrent.futures import CancelledError, Future
from typing import TYPE_CHECKING, Any

from ..concurrency import ConcurrencyLimits, Places
from ..dependents import Dependents, current_dependents
from ..errors import RpcError
from ..handlers import MethodHandler
from ..server_call import ServerCall
from ..status import StatusCode
from .context import ServicerContext, SyncServicerContext
from .server_call import ServerCallRunner

if TYPE_CHECKING:
    from .server_link import ServerLink


class SyncCallRunner(ServerCallRunner):
    """The loop takes the call's events, decodes and encodes its messages; the thread has only the handler."""

    __slots__ = ("_dependents", "_thread")
    _context_class = SyncServicerContext

    def __init__(
        self, link: ServerLink, call: ServerCall, handler: MethodHandler, places: Places = ()
    ) -> None:
        self._thread: Future[Any] | None = None
        self._dependents = Dependents()  # blocking calls that the handler makes
        super().__init__(link, call, handler, places)

    def _requests(self, context: ServicerContext) -> Iterator[Any]:
        return iter(context.receive, None)

    async def _call_handler(self, request: Any, context: ServicerContext) -> None:
        current_dependents.set(self._dependents)
        run = contextvars.copy_context().run
        self._thread = self.link.server.sync_handlers.submit(
            lambda: run(self._call_in_thread, request, context)
        )
        self._send_result(await asyncio.wrap_future(self._thread), context)

    def _call_in_thread(self, request: Any, context: Any) -> Any:
        try:
            outcome = self.handler.function(request, context)
            if not (self.handler.server_streaming and hasattr(outcome, "__iter__")):
                return outcome
            for message in outcome:
                context.send(message)
            return None
        except (CancelledError, StopIteration) as error:  # neither may leave a thread through a future
            raise RpcError(StatusCode.CANCELLED, "the call is over") from error

    def stop(self) -> None:
        super().stop()
        self._dependents.end()

    def _leave(self) -> None:
        """A thread that was given up on keeps the places until it ends."""
        if self._thread is None or self._thread.done():
            super()._leave()
            return

        def thread_ended(_: Future[Any]) -> None:
            with contextlib.suppress(RuntimeError):  # the loop may be gone by then
                self.loop.call_soon_threadsafe(ConcurrencyLimits.leave, self._places)

        self._thread.add_done_callback(thread_ended)
