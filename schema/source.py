"""Source text, and places in it."""

from __future__ import annotations

from bisect import bisect_right
from typing import NamedTuple

_BOM = "\ufeff"


class Span(NamedTuple):
    """A stretch of one source's text: offsets of characters, `end` exclusive."""

    start: int
    end: int


class Source:
    """The text of one `.proto` file.

    `name` is the name that it is imported by; `path` is where it was read from, if it came from a file. Bytes that are
    not UTF-8 are lone surrogates in `text` (they are legal in comments and string literals, as in protoc). `has_bom`:
    a byte order mark stood before the text.
    """

    __slots__ = ("_line_starts", "has_bom", "name", "path", "text")

    def __init__(self, name: str, text: str, path: str | None = None) -> None:
        self.name = name
        self.text = text.removeprefix(_BOM)
        self.path = path
        self.has_bom = text.startswith(_BOM)
        self._line_starts: list[int] | None = None

    @classmethod
    def from_bytes(cls, name: str, data: bytes, path: str | None = None) -> Source:
        """Decodes `data` as UTF-8, with or without a byte order mark."""
        return cls(name, data.decode("utf-8", "surrogateescape"), path)

    @property
    def display_name(self) -> str:
        """What a user recognises: the path if there is one."""
        return self.path or self.name

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column of a character, both counted from 1."""
        starts = self.line_starts()
        line = bisect_right(starts, offset)
        return line, offset - starts[line - 1] + 1

    def line_text(self, line: int) -> str:
        """The text of a line (counted from 1) without its line break."""
        start = self.line_starts()[line - 1]
        end = self.text.find("\n", start)
        return self.text[start : end if end >= 0 else len(self.text)].rstrip("\r")

    def line_starts(self) -> list[int]:
        """The offsets at which lines start."""
        # Computed when the first diagnostic asks: a file without errors never needs it.
        if self._line_starts is None:
            starts = [0]
            at = self.text.find("\n")
            while at >= 0:
                starts.append(at + 1)
                at = self.text.find("\n", at + 1)
            self._line_starts = starts
        return self._line_starts
