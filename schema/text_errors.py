"""The exception of the text format.

    TextError (ValueError)    a text that is not in the text format, or that does not fit the message

It is raised with its place in the text and gathers the path of fields on the way out, one part for each level.
"""

from __future__ import annotations

from .json_errors import PathPart, path_text


class TextError(ValueError):
    """Text and message do not fit together.

    `reason` says what is wrong, `path` in which field (`books[3].title`; empty at the top), `line` and `column` where
    in the text, counted from 1.
    """

    def __init__(self, reason: str, position: int = 0) -> None:
        self.reason = reason
        self.position = position  # in characters from the start of the text
        self.line = 0
        self.column = 0
        self._parts: list[PathPart] = []  # innermost first
        super().__init__(reason)

    def inside(self, part: PathPart) -> TextError:
        """This error, seen from one level further out."""
        self._parts.append(part)
        return self

    def located_in(self, text: str) -> TextError:
        """This error with line and column."""
        self.line = text.count("\n", 0, self.position) + 1
        self.column = self.position - text.rfind("\n", 0, self.position)
        return self

    @property
    def path(self) -> str:
        """The path from the outermost message, as text."""
        return path_text(self._parts[::-1])

    def __str__(self) -> str:
        where = f"line {self.line}, column {self.column}: " if self.line else ""
        path = self.path
        return f"{where}{path}: {self.reason}" if path else f"{where}{self.reason}"
