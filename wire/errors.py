"""The exceptions of the codec.

    WireError (ValueError)
    ├── DecodeError    bytes that are not a message of the plan they were read with
    └── EncodeError    a value that its field cannot hold

Both say which field, as a path from the outermost message (`shelf.books[3].title`); a DecodeError also says at which
byte of the input it found the fault.
"""

from __future__ import annotations


class WireError(ValueError):
    """Base of all codec errors. `reason`, `path` and `message_name` may grow while the error travels up."""

    reason: str
    path: str
    message_name: str

    def within(self, segment: str) -> None:
        """Note that the error happened inside `segment`: a field's name, or an index or key in brackets."""
        joint = "." if self.path and not self.path.startswith("[") else ""
        self.path = f"{segment}{joint}{self.path}"

    def _where(self) -> str:
        return ".".join(part for part in (self.message_name, self.path) if part)


class DecodeError(WireError):
    """The bytes cannot be decoded.

    `reason` says what is wrong, `offset` is the index of the offending byte in the outermost input, `path` the
    names of the fields that led there (empty at the top), `message_name` the full name of the outermost message.
    """

    def __init__(self, reason: str, offset: int, path: str = "", message_name: str = "") -> None:
        self.reason = reason
        self.offset = offset
        self.path = path
        self.message_name = message_name
        super().__init__(reason, offset, path, message_name)

    def __str__(self) -> str:
        where = self._where()
        return (
            f"{where}: {self.reason} (at byte {self.offset})"
            if where
            else f"{self.reason} (at byte {self.offset})"
        )

    def __reduce__(self) -> tuple[type[DecodeError], tuple[str, int, str, str]]:
        return type(self), (self.reason, self.offset, self.path, self.message_name)


class EncodeError(WireError):
    """A value cannot be encoded: it has the wrong type or does not fit its field, or a required field is missing."""

    def __init__(self, reason: str, path: str = "", message_name: str = "") -> None:
        self.reason = reason
        self.path = path
        self.message_name = message_name
        super().__init__(reason, path, message_name)

    def __str__(self) -> str:
        where = self._where()
        return f"{where}: {self.reason}" if where else self.reason

    def __reduce__(self) -> tuple[type[EncodeError], tuple[str, str, str]]:
        return type(self), (self.reason, self.path, self.message_name)
