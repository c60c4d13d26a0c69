"""What a handler knows of its call and can do to it. The names are those of grpc.aio's ServicerContext."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from ..auth_context import AuthContext, identity_key_of
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

    @property
    def principal(self) -> Any:
        """Who is calling, as an interceptor has found out (see BearerAuthentication); else None."""
        return self._runner.view.principal

    def auth_context(self) -> AuthContext:
        """What TLS knows of the client, under gRPC's names, such as `x509_common_name`; see `auth_context_of`."""
        return self._runner.link.auth_context()

    def peer_identity_key(self) -> str | None:
        """The property of the auth context that identifies the client; None without a verified certificate."""
        return identity_key_of(self.auth_context())

    def peer_identities(self) -> list[bytes] | None:
        """Who the client is: the values of that property, such as the names in its certificate; or None."""
        context = self.auth_context()
        key = identity_key_of(context)
        return None if key is None else context[key]

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

    def disable_next_message_compression(self) -> None:
        """Send the next response plain, though the call compresses: for what is compressed already, or secret (R57)."""
        self._runner.plain_next = True

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

    async def abort_with_status(self, status: Any) -> NoReturn:
        """The same for an object that has it all: a Status, grpcio's `grpc.Status`, or an RpcError."""
        raise _abort_with(status)

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

    def cancel(self) -> None:
        """End the call with CANCELLED, and this handler with it."""
        self._runner.loop.call_soon_threadsafe(self._runner.cancel)

    def status(self) -> Status | None:
        """The status that `set_code` and `set_details` make; None without them."""
        return None if self._code is None else Status(self._code, self._details)


def _abort_with(status: Any) -> RpcError:
    if isinstance(status, RpcError):
        return status
    if isinstance(status, Status):
        return _abort(status.code, status.message, status.trailing_metadata, status.details)
    return _abort(status.code, status.details, status.trailing_metadata or ())


def _abort(
    code: StatusCode, details: str, metadata: Metadata | MetadataPairs, packed: bytes = b""
) -> RpcError:
    if code == StatusCode.OK:
        return RpcError(StatusCode.UNKNOWN, "abort() was called with OK")
    return RpcError.from_status(Status(StatusCode(code), details, packed, Metadata(metadata)))


class SyncServicerContext(ServicerContext):
    """The context of a plain `def` handler, which runs in a thread of the server's pool.

    What would be awaited in the async context blocks here; while it does, another handler may run (see sync_handlers).
    """

    __slots__ = ()

    def _wait(self, coroutine: Any) -> Any:
        runner = self._runner
        with runner.link.server.sync_handlers.parked():
            try:
                if not runner.done:
                    return asyncio.run_coroutine_threadsafe(coroutine, runner.loop).result()
            except RuntimeError:
                if not runner.loop.is_closed():
                    raise
        # Nobody runs it any more: the loop may be gone, and this thread with all it holds is left over.
        coroutine.close()
        raise RpcError(StatusCode.CANCELLED, "the call is over")

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

    def abort_with_status(self, status: Any) -> NoReturn:  # type: ignore[override]
        raise _abort_with(status)

    def add_done_callback(self, callback: Callable[[ServicerContext], Any]) -> None:
        """Call `callback(context)` on the server's loop when the call is over; soon if it is."""
        self._add_on_loop(lambda: callback(self))

    def add_callback(self, callback: Callable[[], Any]) -> bool:
        """`add_done_callback` under grpcio's name. False, and nothing is added, when the call is over."""
        if self._runner.done:
            return False
        self._add_on_loop(callback)
        return True

    def _add_on_loop(self, callback: Callable[[], Any]) -> None:
        # The call may end at any moment, and it ends on the loop: only there nothing comes in between.
        self._runner.loop.call_soon_threadsafe(self._runner.add_done_callback, callback)

    def is_active(self) -> bool:
        """Whether anybody still waits for the answer. A thread cannot be stopped from outside: long work asks."""
        return not self._runner.done


__all__: Sequence[str] = ("ServicerContext", "SyncServicerContext")
