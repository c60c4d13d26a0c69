"""Tokens with the comments around them: nothing of a file is lost on the way to its canonical layout."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from .errors import Report
from .lexer import tokenize
from .source import Source

_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_ENDS = frozenset(";{}")


@dataclass(slots=True, eq=False)
class Comment:
    """A comment as it is written, without white space at the ends of its lines."""

    text: str
    blank_before: bool = False  # an empty line stands before it

    @property
    def is_line(self) -> bool:
        return self.text.startswith("//")

    @property
    def is_long(self) -> bool:
        """Whether nothing can follow it on its line, or it has several."""
        return self.is_line or "\n" in self.text


@dataclass(slots=True, eq=False)
class Token:
    """A token and its comments: `before` stand on lines of their own above it, `after` on its line behind it, `below`
    (at the end of a statement) on the next lines, set off from what follows by an empty line."""

    text: str
    kind: int
    before: list[Comment] = field(default_factory=list)
    after: list[Comment] = field(default_factory=list)
    below: list[Comment] = field(default_factory=list)
    blank_before: bool = False  # between it (or its last comment) and what is above
    new_line: bool = False  # it is the first on its line

    @property
    def has_blank_above(self) -> bool:
        """Whether an empty line stands above it and the comments before it."""
        return self.before[0].blank_before if self.before else self.blank_before

    @has_blank_above.setter
    def has_blank_above(self, value: bool) -> None:
        (self.before[0] if self.before else self).blank_before = value

    def detached(self) -> int:
        """How many of the comments before it an empty line separates from it."""
        count = len(self.before)
        if self.blank_before:
            return count
        return next((at for at in range(count - 1, 0, -1) if self.before[at].blank_before), 0)


def tokens_of(source: Source, report: Report) -> list[Token]:
    """The tokens of a file that the parser accepts, the END included."""
    kinds, texts, starts = tokenize(source, report)
    tokens: list[Token] = []
    end = 0
    for kind, text, start in zip(kinds, texts, starts, strict=True):
        token = Token(text, kind)
        _place_comments(source.text, end, start, tokens[-1] if tokens else None, token)
        tokens.append(token)
        end = start + len(text)
    return tokens


def _place_comments(text: str, start: int, end: int, previous: Token | None, token: Token) -> None:
    """Gives each comment between two tokens to one of them."""
    found: list[tuple[Comment, int]] = []  # with the line breaks before it
    columns: list[int] = []
    at = start
    for match in _COMMENT.finditer(text, start, end):
        breaks = text.count("\n", at, match.start())
        found.append((Comment(_without_trailing_space(match[0]), breaks > 1), breaks))
        columns.append(match.start() - text.rfind("\n", 0, match.start()))
        at = match.end()
    breaks = text.count("\n", at, end)
    token.blank_before = breaks > 1
    token.new_line = breaks > 0 or previous is None
    on_line = 0
    if previous is not None:
        while on_line < len(found) and found[on_line][1] == 0:
            on_line += 1
        # Between a statement and the next one on the same line: a comment is about the latter.
        if on_line == len(found) and breaks == 0 and previous.text in _ENDS:
            on_line = 0
        # One that goes on in the same column of the next line.
        while 0 < on_line < len(found) and _goes_on(*found[on_line - 1 : on_line + 1]):
            if columns[on_line] != columns[on_line - 1]:
                break
            on_line += 1
        previous.after = [comment for comment, _ in found[:on_line]]
    token.before = [comment for comment, _ in found[on_line:]]


def _goes_on(above: tuple[Comment, int], below: tuple[Comment, int]) -> bool:
    return above[0].is_line and below[0].is_line and below[1] == 1


def move_below(last: Token, following: Token) -> None:
    """A comment directly below a statement, and followed by an empty line, belongs to that statement (as in protoc).

    `last` is the last token of the statement.
    """
    comments = following.before
    if last.after or not comments or comments[0].blank_before or following.text in ("", "}"):
        return
    gaps = [comment.blank_before for comment in comments[1:]] + [following.blank_before]
    if True in gaps:
        count = gaps.index(True) + 1
        last.below, following.before = comments[:count], comments[count:]


def _without_trailing_space(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.split("\n"))
