"""Lays out one statement: a group stands on one line if it fits, else it is broken at its breaks."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf

from .format_tokens import Comment

WIDTH = 100
INDENT = 2


@dataclass(slots=True)
class Break:
    """Where a line may end; `flat` stands there if it does not. `outer`: the next line is indented like the group's
    first."""

    flat: str = " "
    outer: bool = False


@dataclass(slots=True)
class Beside:
    """A comment behind a token."""

    comment: Comment


@dataclass(slots=True)
class Above:
    """A comment on lines of its own."""

    comment: Comment


@dataclass(slots=True)
class Group:
    """Pieces that are broken together; with `fill`, only where a line is full."""

    indent: int
    fill: bool = False
    broken: bool = False  # in any case
    pieces: list[Piece] = field(default_factory=list)
    width: float = 0  # on one line

    def add(self, *pieces: Piece) -> None:
        for piece in pieces:
            self.pieces.append(piece)
            self.width += _width(piece)
        if self.broken:
            self.width = inf


Piece = str | Break | Beside | Above | Group


def _width(piece: Piece) -> float:
    match piece:
        case str():
            return len(piece)
        case Break():
            return len(piece.flat)
        case Group():
            return piece.width
        case Beside(comment):
            return inf if comment.is_long else len(comment.text) + 1
        case Above():
            return inf


class Layout:
    """Collects the lines of a file."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.line = ""
        self.indent = 0  # of the next line, in characters
        self.ended = False  # a comment ended this line: what comes next starts another
        self.comment_column = 0  # of the last comment beside something

    def statement(self, group: Group, indent: int) -> None:
        """Writes a statement's head; the line stays open."""
        self.indent = indent
        self._group(group, indent, 0)

    def _group(self, group: Group, base: int, tail: float) -> None:
        """`tail`: what has to fit behind the group on its last line."""
        broken = group.broken or len(self.line or " " * self.indent) + group.width + tail > WIDTH
        inside = base + group.indent
        inner_base = inside if broken and not group.fill else base
        for at, piece in enumerate(group.pieces):
            match piece:
                case str():
                    self.text(piece)
                    self.indent = inside
                case Group():
                    self._group(piece, inner_base, self._until_break(group.pieces, at + 1) or tail)
                    self.indent = inside
                case Break():
                    if broken and (not group.fill or self._is_full(group.pieces, at + 1, piece)):
                        self.indent = base if piece.outer else inside
                        self.new_line()
                    else:
                        self.text(piece.flat)
                case Beside(comment):
                    self.beside(comment, "  " if comment.is_line else " ")
                case Above(comment):
                    self.above(comment)

    def _is_full(self, pieces: list[Piece], at: int, piece: Break) -> bool:
        needed = len(piece.flat) + self._until_break(pieces, at)
        return len(self.line) + needed > WIDTH

    @staticmethod
    def _until_break(pieces: list[Piece], at: int) -> float:
        """The width of the text from a piece to the next place where the line may end."""
        width: float = 0
        while at < len(pieces):
            piece = pieces[at]
            if isinstance(piece, str):
                width += len(piece)
            elif isinstance(piece, Group):
                return width + _first_text(piece)
            else:
                break
            at += 1
        return width

    # Lines

    def text(self, text: str) -> None:
        if not text.strip(" ") and (self.ended or not self.line):
            return  # no space at the start of a line
        if self.ended:
            self.new_line()
        if not self.line:
            self.line = " " * self.indent
        self.line += text

    def new_line(self) -> None:
        if self.line:
            self.lines.append(self.line.rstrip(" "))
        self.line = ""
        self.ended = False

    def blank(self) -> None:
        self.new_line()
        self.lines.append("")

    def beside(self, comment: Comment, space: str) -> None:
        if self.ended:  # it goes on below itself
            self.new_line()
            self.line = " " * self.comment_column + comment.text
            self.ended = True
            return
        self.comment_column = len(self.line) + len(space)
        self.line += space + self._indented(comment.text)
        self._after_comment(comment)

    def above(self, comment: Comment) -> None:
        self.new_line()
        self.line = " " * self.indent + self._indented(comment.text)
        self.ended = True

    def _after_comment(self, comment: Comment) -> None:
        self.ended = comment.is_line
        if "\n" in self.line:  # only its last line counts
            *lines, self.line = self.line.split("\n")
            self.lines += lines

    def _indented(self, text: str) -> str:
        """A block comment whose lines start with stars is moved with its indentation; others are left alone."""
        first, *rest = text.split("\n")
        if not rest or not all(line.lstrip().startswith("*") for line in rest):
            return text
        return "\n".join([first, *(" " * (self.indent + 1) + line.lstrip() for line in rest)])


def _first_text(group: Group) -> float:
    piece = group.pieces[0] if group.pieces else ""
    return len(piece) if isinstance(piece, str) else 0
