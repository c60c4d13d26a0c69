"""The exception of the JSON format.

    JsonError (ValueError)    a text that is not JSON, JSON that does not fit the message, or a message that has no JSON

It is raised without a path and gathers it on the way out, one part for each level that it leaves.
"""

from __future__ import annotations


class MapKey(str):
    """A part of a path that is the key of a map field."""

    __slots__ = ()


PathPart = str | int | MapKey


class JsonError(ValueError):
    """JSON and message do not fit together.

    `reason` says what is wrong, `path` where in the message (`books[3].title`, `labels["x"].value`; empty at the top),
    `line` and `column` where in the text, counted from 1 (0 when there is no text or no place in it).
    """

    def __init__(self, reason: str, *, line: int = 0, column: int = 0, at_key: bool = False) -> None:
        self.reason = reason
        self.line = line
        self.column = column
        self.at_key = at_key  # the fault is the key that ends the path, not the value behind it
        self._parts: list[PathPart] = []  # innermost first
        super().__init__(reason)

    def inside(self, part: PathPart) -> JsonError:
        """This error, seen from one level further out."""
        self._parts.append(part)
        return self

    @property
    def parts(self) -> list[PathPart]:
        """The path from the outermost message: names, indexes and MapKeys."""
        return self._parts[::-1]

    @property
    def path(self) -> str:
        """The path as text."""
        return path_text(self.parts)

    def __str__(self) -> str:
        where = f"line {self.line}, column {self.column}: " if self.line else ""
        path = self.path
        return f"{where}{path}: {self.reason}" if path else f"{where}{self.reason}"


def path_text(parts: list[PathPart]) -> str:
    """A path from the outermost message as text: `books[3].title`, `labels["x"].value`."""
    text = ""
    for part in parts:
        if isinstance(part, int):
            text += f"[{part}]"
        elif isinstance(part, MapKey):
            text += f"[{_quoted(part)}]"
        else:
            name = part if part.isprintable() and part else _quoted(part)
            text += f".{name}" if text else name
    return text


def _quoted(text: str) -> str:
    return '"' + text.encode("unicode_escape").decode().replace('"', '\\"') + '"'
