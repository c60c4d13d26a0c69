"""Places in a source as SourceCodeInfo has them: lines and columns from 0, columns in bytes with tabs of 8."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING

from .errors import Report
from .lexer import tokenize

if TYPE_CHECKING:
    from .source import Source

_TAB = 8
_BOM_BYTES = 3  # protoc counts them as columns of the first line


class Places:
    """The tokens of a source that is known to be valid, and where they stand."""

    def __init__(self, source: Source) -> None:
        self.text = source.text
        self._has_bom = source.has_bom
        self.kinds, self.texts, self.starts = tokenize(source, Report())
        self._line_starts = source.line_starts()

    def index(self, offset: int) -> int:
        """The first token that starts at `offset` or behind it."""
        return bisect_left(self.starts, offset)

    def end_of(self, index: int) -> int:
        """The offset behind a token."""
        return self.starts[index] + len(self.texts[index])

    def span(self, start: int, end: int) -> list[int]:
        """Line and column of the start, line (where it is another) and column of the end."""
        line, column = self._place(start)
        end_line, end_column = self._place(end)
        return [line, column, end_column] if line == end_line else [line, column, end_line, end_column]

    def _place(self, offset: int) -> tuple[int, int]:
        line = bisect_right(self._line_starts, offset) - 1
        before = self.text[self._line_starts[line] : offset]
        if before.isascii() and "\t" not in before:
            column = len(before)
            return line, column + _BOM_BYTES if self._has_bom and not line else column
        column = _BOM_BYTES if self._has_bom and not line else 0
        for character in before:
            if character == "\t":
                column += _TAB - column % _TAB
            else:
                column += len(character.encode("utf-8", "surrogateescape"))
        return line, column
