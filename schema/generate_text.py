"""Pieces of Python text: lines with indentation, docstrings, long lists, bytes over several lines."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import contextmanager

WIDTH = 100


class Text:
    """Lines of Python, written from the top down."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._indent = ""

    def line(self, text: str = "") -> None:
        self.lines.append(self._indent + text if text else "")

    def blank(self, count: int = 1) -> None:
        """So many empty lines, unless a block has just begun."""
        if self.lines and not self.lines[-1].endswith(":"):
            self.lines += [""] * count

    @contextmanager
    def block(self, head: str) -> Generator[None]:
        """A line that ends with a colon, and what stands under it."""
        self.line(head)
        with self.indented():
            yield

    @contextmanager
    def indented(self) -> Generator[None]:
        """What is written in it stands further right."""
        outer, self._indent = self._indent, self._indent + "    "
        yield
        self._indent = outer

    def fits(self, line: str) -> bool:
        return len(self._indent) + len(line) <= WIDTH

    def listed(self, head: str, items: Iterable[str], tail: str) -> None:
        """`head`, the items and `tail` in one line or, where that is too long, with one item a line."""
        items = list(items)
        one_line = f"{head}{', '.join(items)}{tail}"
        if self.fits(one_line):
            self.line(one_line)
            return
        self.line(head)
        for item in items:
            self.line(f"    {item},")
        self.line(tail)

    def constant(self, head: str, data: bytes, tail: str) -> None:
        """`head`, the bytes in as many lines as they take, and `tail`."""
        self.line(head)
        with self.indented():
            for line in bytes_lines(data):
                self.line(line)
        self.line(tail)

    def docstring(self, text: str) -> None:
        """A docstring; nothing for an empty text."""
        lines = [_escaped(line.rstrip()) for line in text.strip("\n").splitlines()]
        if not any(lines):
            return
        first = lines[0].lstrip()
        if len(lines) == 1:
            end = " " if first.endswith(('"', "\\")) else ""
            self.line(f'"""{first}{end}"""')
            return
        self.line(f'"""{first}')
        for line in lines[1:]:
            self.line(line)
        self.line('"""')

    def text(self) -> str:
        return "\n".join(self.lines).rstrip() + "\n"


def _escaped(line: str) -> str:
    """A comment's line as it may stand in a docstring; control characters and lone surrogates are written out."""
    line = line.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    return "".join(
        char if char.isprintable() or char == "\t" else char.encode("unicode_escape").decode()
        for char in line
    )


def bytes_lines(data: bytes) -> list[str]:
    """Bytes literals, to be written one below the other, that make `data` together."""
    lines: list[str] = []
    line = ""
    for byte in data:
        piece = _BYTES[byte]
        if len(line) + len(piece) > WIDTH - 12:
            lines.append(_literal(line))
            line = ""
        line += piece
    return [*lines, _literal(line)]


_NAMED = {9: "\\t", 10: "\\n", 13: "\\r", 92: "\\\\"}
_BYTES = [_NAMED.get(b) or (chr(b) if 32 <= b < 127 else f"\\x{b:02x}") for b in range(256)]


def _literal(line: str) -> str:
    if '"' in line and "'" not in line:
        return f"b'{line}'"
    return 'b"' + line.replace('"', '\\"') + '"'
