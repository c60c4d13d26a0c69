"""Diagnostics, and the exception that carries them.

    SchemaError (ValueError)    a `.proto` file or a descriptor set that cannot be compiled

The compiler collects diagnostics in a `Report` and goes on; the caller gets all of them at once.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from ..wire.record import record

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .source import Source

MAX_ERRORS = 200  # a run that found this many stops collecting: the rest would be noise
_MAX_LINE = 160  # source lines are cut to this width around the caret


class Severity(Enum):
    ERROR = "error"
    WARNING = "warning"


@record(frozen=True)
class Diagnostic:
    """One thing that is wrong.

    `start` and `end` are character offsets in `source`. Without a source (a file that is not there) `file` alone says
    what it is about. `help` says what to do about it.
    """

    severity: Severity
    message: str
    file: str
    source: Source | None = None
    start: int = 0
    end: int = 0
    help: str | None = None

    @property
    def line(self) -> int:
        """The line, counted from 1; 0 without a source."""
        return self.source.position(self.start)[0] if self.source else 0

    @property
    def column(self) -> int:
        """The column in characters, counted from 1; 0 without a source."""
        return self.source.position(self.start)[1] if self.source else 0

    def __str__(self) -> str:
        """`file:line:column: error: message`, the source line, a caret under the offending text, and the help."""
        # A source without text stands for a descriptor set, which has no lines.
        has_place = self.source is not None and self.source.text
        where = f"{self.file}:{self.line}:{self.column}" if has_place else self.file
        lines = [f"{where}: {self.severity.value}: {self.message}"]
        if self.source and has_place:
            lines += _excerpt(self.source, self.start, self.end)
        if self.help:
            lines.append(f"  help: {self.help}")
        return _printable("\n".join(lines))


class SchemaError(ValueError):
    """A schema that cannot be compiled. `diagnostics` holds everything that was found; str() is the whole report."""

    def __init__(self, diagnostics: Sequence[Diagnostic] | str) -> None:
        if isinstance(diagnostics, str):
            diagnostics = [Diagnostic(Severity.ERROR, diagnostics, "<schema>")]
        self.diagnostics = tuple(diagnostics)
        super().__init__(self.diagnostics)

    def __str__(self) -> str:
        return "\n".join(map(str, self.diagnostics))


class Report:
    """Collects the diagnostics of one run."""

    __slots__ = ("_lost_words", "_seen", "diagnostics", "errors", "lost")

    def __init__(self) -> None:
        self.diagnostics: list[Diagnostic] = []
        self.errors = 0
        self.lost = False  # a statement could not be read
        self._lost_words: set[str] = set()
        self._seen: set[tuple[str, int, str]] = set()

    @property
    def full(self) -> bool:
        return self.errors >= MAX_ERRORS

    def lose(self, words: Iterable[str]) -> None:
        """A statement of these words could not be read."""
        self.lost = True
        self._lost_words.update(words)

    def may_be_lost(self, name: str) -> bool:
        """Whether a name that nothing declares stands in a statement that could not be read. Its absence is no news
        then; that of other names is."""
        return not self._lost_words.isdisjoint(name.split("."))

    def error(self, source: Source, start: int, end: int, message: str, help: str | None = None) -> None:
        self._add(Diagnostic(Severity.ERROR, message, source.display_name, source, start, end, help))

    def warning(self, source: Source, start: int, end: int, message: str, help: str | None = None) -> None:
        self._add(Diagnostic(Severity.WARNING, message, source.display_name, source, start, end, help))

    def file_error(self, file: str, message: str, help: str | None = None) -> None:
        """An error that has no place in any text."""
        self._add(Diagnostic(Severity.ERROR, message, file, help=help))

    def raise_if_errors(self) -> None:
        """Raises SchemaError with everything collected, in the order of files and lines."""
        if self.errors:
            raise SchemaError(self.in_order())

    def in_order(self) -> list[Diagnostic]:
        """Everything collected, in the order of files and lines."""
        order: dict[str, int] = {}
        for diagnostic in self.diagnostics:
            order.setdefault(diagnostic.file, len(order))
        return sorted(self.diagnostics, key=lambda d: (order[d.file], d.start))

    def _add(self, diagnostic: Diagnostic) -> None:
        key = (diagnostic.file, diagnostic.start, diagnostic.message)
        if key in self._seen:
            return
        if diagnostic.severity is Severity.ERROR:
            if self.full:
                return
            self.errors += 1
        self._seen.add(key)
        self.diagnostics.append(diagnostic)


def _excerpt(source: Source, start: int, end: int) -> list[str]:
    line, column = source.position(start)
    text = source.line_text(line)
    at = column - 1
    width = max(1, min(end - start, len(text) - at))
    if len(text) > _MAX_LINE:
        cut = max(0, at - _MAX_LINE // 2)
        text, at = text[cut : cut + _MAX_LINE], at - cut
        width = max(1, min(width, _MAX_LINE - at))
    # Tabs are copied into the caret line, so that the caret stands right whatever a tab is wide.
    margin = "".join("\t" if character == "\t" else " " for character in text[:at])
    return ["  " + text, "  " + margin + "^" * width]


def _printable(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in "\n\t" else c.encode("unicode_escape").decode() for c in text)
