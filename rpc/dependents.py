"""Calls that are made for the sake of another: a blocking call in a plain `def` handler ends with the handler's call.

Inside an `async def` handler the cancelled task sees to that. A thread cannot be cancelled, but what it waits for can.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Protocol


class Dependent(Protocol):
    """A call that can be given up from any thread, without waiting."""

    def abandon(self) -> None: ...


class Dependents:
    """The calls under way for one handler. Its thread adds and removes, the server's loop ends them."""

    __slots__ = ("_calls", "_over")

    def __init__(self) -> None:
        self._calls: set[Dependent] = set()
        self._over = False

    def add(self, call: Dependent) -> None:
        """A call begins. If nobody waits for the handler any more, it is given up at once."""
        self._calls.add(call)
        if self._over:
            call.abandon()

    def discard(self, call: Dependent) -> None:
        """It has ended."""
        self._calls.discard(call)

    def end(self) -> None:
        """The handler's call is over: give up what it waits for."""
        self._over = True
        for call in self._calls.copy():
            call.abandon()


current_dependents: ContextVar[Dependents | None] = ContextVar("barewire_dependents", default=None)
