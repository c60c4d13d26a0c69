"""The one exception that ends a command with a message."""

from __future__ import annotations


class UserError(Exception):
    """What the user asked for cannot be done; the text says why. `status` is the exit status."""

    def __init__(self, message: str, status: int = 1) -> None:
        super().__init__(message)
        self.status = status
