"""What a handler knows of its call and can do to it. The names are those of grpc.aio's ServicerContext."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from ..compression import find_codec
from ..errors import RpcError
from ..metadata import Metadata, MetadataPairs
from ..status import Status, StatusCode

if TYPE_CHECKING:
    from .server_call import ServerCallRunner


class ServicerContext:
    """The context of an `async def` handler; `SyncServicerContext` is its twin for plain functions."""

    __slots__ = ("_code", "_details", "_runner")

    def __init__(self, runner: ServerCallRunner) -> None:
        self._runner = runner
        self._code: StatusCode | None = None
        self._details = ""

    # -- the request ----------------------------------------------------------------------------------------------

    @property
    def method(self) -> str:
        """The path: "/package.Service/Method"."""
        return self._runner.call.request.path

    def invocation_metadata(self) -> Metadata:
        """The request's metadata."""
        return self._runner.view.metadata

    def peer(self) -> str:
        """The client's address, such as "ipv4:127.0.0.1:52134" or "unix:/path"."""
        return self._runner.link.peer_address

    def auth_context(self) -> dict[str, Any]:
        """What TLS knows of the client: `peer_certificate` (a dict as `ssl` gives it) and `cipher`; else empty."""
        return self._runner.link.auth_context()

    def time_remaining(self) -> float | None:
        """Seconds until the deadline; None without one."""
        deadline = self._runner.call.deadline
        return None if deadline is None else max(0.0, deadline - self._runner.loop.time())

    # -- the response ---------------------------------------------------------------------------------------------

    async def send_initial_metadata(self, metadata: Metadata | MetadataPairs = ()) -> None:
        """Send the response head now instead of with the first message."""
        self._runner.send_initial_metadata(Metadata(metadata))

    async def send(self, message: Any) -> None:
        """Send a response of a streaming method; waits while the client is too slow to take more."""
        await self._runner.send(message)

    write = send

    async def receive(self) -> Any:
        """The next request of a streaming method; None after the last."""
        return await self._runner.receive()

    async def read(self) -> Any:
        """`receive` under grpc.aio's name."""
        return await self._runner.receive()

    def set_trailing_metadata(self, metadata: Metadata | MetadataPairs) -> None:
        """The metadata to send with the status."""
        self._runner.view.trailing_metadata = Metadata(metadata)

    def trailing_metadata(self) -> Metadata:
        """What has been set to be sent with the status."""
        return self._runner.view.trailing_metadata

    def set_compression(self, compression: str | None) -> None:
        """Compress this call's responses ("gzip", "deflate"), if the client takes it; None for not."""
        self._runner.call.set_compression(find_codec(compression))

    def set_code(self, code: StatusCode) -> None:
        """The status to end with when the handler returns."""
        self._code = StatusCode(code)

    def set_details(self, details: str) -> None:
        """The status message to end with when the handler returns."""
        self._details = details

    def code(self) -> StatusCode | None:
        return self._code

    def details(self) -> str:
        return self._details

    async def abort(
        self, code: StatusCode, details: str = "", trailing_metadata: Metadata | MetadataPairs = ()
    ) -> NoReturn:
        """End the call with this status. Raises RpcError, which the handler should let pass."""
        raise _abort(code, details, trailing_metadata)

    # -- its end --------------------------------------------------------------------------------------------------

    def cancelled(self) -> bool:
        """Whether the call ended before the handler did: given up by the client, deadline, lost connection."""
        return self._runner.cancelled

    def done(self) -> bool:
        """Whether the call is over."""
        return self._runner.done

    def add_done_callback(self, callback: Callable[[ServicerContext], Any]) -> None:
        """Call `callback(context)` when the call is over; at once if it is."""
        self._runner.add_done_callback(lambda: callback(self))

    def status(self) -> Status:
        """The status that `set_code` and `set_details` make (OK without them)."""
        return Status(self._code or StatusCode.OK, self._details)


def _abort(code: StatusCode, details: str, metadata: Metadata | MetadataPairs) -> RpcError:
    if code == StatusCode.OK:
        return RpcError(StatusCode.UNKNOWN, "abort() was called with OK")
    return RpcError(code, details, metadata=metadata)


class SyncServicerContext(ServicerContext):
    """The context of a plain `def` handler, which runs in a thread of the server's pool.

    What would be awaited in the async context blocks here.
    """

    __slots__ = ()

    def _wait(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._runner.loop).result()

    def send_initial_metadata(self, metadata: Metadata | MetadataPairs = ()) -> None:  # type: ignore[override]
        self._wait(super().send_initial_metadata(metadata))

    def send(self, message: Any) -> None:  # type: ignore[override]
        self._wait(super().send(message))

    write = send  # type: ignore[assignment]

    def receive(self) -> Any:  # type: ignore[override]
        return self._wait(super().receive())

    def read(self) -> Any:  # type: ignore[override]
        return self._wait(super().receive())

    def abort(  # type: ignore[override]
        self, code: StatusCode, details: str = "", trailing_metadata: Metadata | MetadataPairs = ()
    ) -> NoReturn:
        raise _abort(code, details, trailing_metadata)

    def is_active(self) -> bool:
        """Whether anybody still waits for the answer. A thread cannot be stopped from outside: long work asks."""
        return not self._runner.done


__all__: Sequence[str] = ("ServicerContext", "SyncServicerContext")
