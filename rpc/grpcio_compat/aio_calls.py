"""Call objects with grpcio's names and errors, around barewire's."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Generator
from typing import Any

from ..metadata import Metadata
from ..status import StatusCode
from .errors import translated

EOF = None
"""What `read` gives after the last message; compare with it, as in grpcio."""


class Call:
    """A call of any shape: awaited for one response, iterated or `read` for many."""

    def __init__(self, call: Any, server_streaming: bool) -> None:
        self._call: Any = call
        self._server_streaming = server_streaming

    # -- one response ---------------------------------------------------------------------------------------------

    def __await__(self) -> Generator[Any, None, Any]:
        return self._response().__await__()

    async def _response(self) -> Any:
        with translated():
            return await self._call

    # -- many responses -------------------------------------------------------------------------------------------

    async def read(self) -> Any:
        """The next response; EOF after the last."""
        with translated():
            return await self._call.receive()

    def __aiter__(self) -> AsyncIterator[Any]:
        return self._iterate()

    async def _iterate(self) -> AsyncIterator[Any]:
        while (message := await self.read()) is not EOF:
            yield message

    # -- requests -------------------------------------------------------------------------------------------------

    async def write(self, request: Any) -> None:
        """Send one request."""
        with translated():
            await self._call.send(request)

    async def done_writing(self) -> None:
        """No request follows."""
        await self._call.done_sending()

    # -- what is known --------------------------------------------------------------------------------------------

    async def wait_for_connection(self) -> None:
        """Return when the response has begun, or raise what the call has failed with."""
        with translated():
            await self._call.initial_metadata()
            if self._call.done():
                code = await self._call.code()
                if code is not StatusCode.OK and not self._server_streaming:
                    await self._call

    async def initial_metadata(self) -> Metadata:
        """The response's initial metadata; waits for it."""
        return await self._call.initial_metadata()

    async def trailing_metadata(self) -> Metadata:
        """The metadata of the end; waits for it."""
        return await self._call.trailing_metadata()

    async def code(self) -> StatusCode:
        """The status code; waits for the end."""
        return await self._call.code()

    async def details(self) -> str:
        """The status message; waits for the end."""
        return await self._call.details()

    def cancel(self) -> bool:
        """Give the call up. False if it had ended already."""
        return self._call.cancel()

    def cancelled(self) -> bool:
        """Whether it ended as CANCELLED."""
        return self._call.cancelled()

    def done(self) -> bool:
        """Whether it is over."""
        return self._call.done()

    def time_remaining(self) -> float | None:
        """Seconds until the deadline; None without one."""
        return self._call.time_remaining()

    def add_done_callback(self, callback: Callable[[Any], Any]) -> None:
        """Call `callback(call)` when it is over."""

        def tell(_: object) -> None:
            callback(self)

        self._call.add_done_callback(tell)
