"""The errors of failed calls, with grpcio's methods in place of attributes."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Generator

from ..errors import RpcError as BarewireError
from ..metadata import Metadata
from ..status import StatusCode


class RpcError(Exception):
    """What every failed call raises."""


class UsageError(RuntimeError):
    """A channel is used that is closed. (grpcio's is an Exception; this one is also what barewire raises.)"""


class AioRpcError(RpcError):
    """A call failed. `__cause__` is barewire's own error, which knows more."""

    def __init__(self, error: BarewireError) -> None:
        super().__init__(str(error))
        self._error = error

    def code(self) -> StatusCode:
        """The status code."""
        return self._error.code

    def details(self) -> str:
        """The status message."""
        return self._error.message

    def initial_metadata(self) -> Metadata:
        """The response's initial metadata."""
        return self._error.initial_metadata

    def trailing_metadata(self) -> Metadata:
        """The response's trailing metadata."""
        return self._error.metadata

    def debug_error_string(self) -> str:
        """Where the status was made."""
        return f"{'received from the peer' if self._error.from_peer else 'made here'}: {self._error}"


@contextlib.contextmanager
def translated() -> Generator[None, None, None]:
    """Raise barewire's errors as grpcio raises them: CANCELLED by this side is asyncio's CancelledError."""
    try:
        yield
    except BarewireError as error:
        if error.code is StatusCode.CANCELLED and not error.from_peer:
            raise asyncio.CancelledError from error
        raise AioRpcError(error) from error
