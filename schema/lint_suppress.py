"""Comments that switch rules off.

// barewire:lint-ignore enum-zero, enum-value-prefix     above a declaration, or behind it: for all of it
// barewire:lint-ignore-file package-stated              anywhere: for the whole file
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from .lint_model import Problem
from .source import Source, Span
from .unit import Unit

_COMMENT = re.compile(r"(?://+|/\*+|\*)[ \t]*barewire:lint-ignore(-file)?\b[ \t:]*([\w,\- \t]*)")
_REST = re.compile(r"(?:\s|//[^\n]*|/\*.*?\*/)*", re.DOTALL)


class Suppressions:
    """Where which rules are switched off in one file."""

    def __init__(self, unit: Unit, known: set[str]) -> None:
        self.ranges: list[tuple[int, int, str]] = []
        self.unknown: list[Problem] = []
        for comment, rules in _comments(unit.source, known, self.unknown):
            if comment is None:
                start, end = 0, len(unit.source.text) + 1
            else:
                start, end = _scope(unit, comment)
            self.ranges += [(start, end, rule) for rule in rules]

    def covers(self, rule: str, offset: int) -> bool:
        """Whether a rule is switched off at a place."""
        return any(name == rule and start <= offset < end for start, end, name in self.ranges)


def _comments(
    source: Source, known: set[str], unknown: list[Problem]
) -> Iterator[tuple[Span | None, list[str]]]:
    """The place of each comment (None: it is for the file), and the rules that it names."""
    for match in _COMMENT.finditer(source.text):
        names = match[2].replace(",", " ").split()
        wrong = [name for name in names if name not in known]
        at = Span(*match.span())
        if wrong or not names:
            message = f"there is no rule {wrong[0]!r}" if wrong else "this comment names no rule"
            unknown.append(Problem(message, "'barewire lint --rules' lists them", at))
        yield None if match[1] else at, names


def _scope(unit: Unit, comment: Span) -> tuple[int, int]:
    """What a comment is about: the declaration on its line, or the next one if it stands on lines of its own."""
    text = unit.source.text
    line_start = text.rfind("\n", 0, comment.start) + 1
    before = text[line_start : comment.start]
    if before.strip():
        start = line_start + len(before) - len(before.lstrip())
        nodes = [n for n in _nodes(unit) if n[0] == start or line_start < n[1] <= comment.start]
        scopes = nodes or [(start, comment.start)]
    else:
        line_end = text.find("\n", comment.start)
        match = _REST.match(text, line_end if line_end >= 0 else len(text))
        start = match.end() if match else len(text)
        end = text.find("\n", start)
        scopes = [n for n in _nodes(unit) if n[0] == start] or [(start, end if end >= 0 else len(text) + 1)]
    return min(scope[0] for scope in scopes), max(scope[1] for scope in scopes)


def _nodes(unit: Unit) -> Iterator[tuple[int, int]]:
    for _, node in (
        *unit.messages, *unit.fields, *unit.oneofs, *unit.enums, *unit.values, *unit.services, *unit.methods
    ):  # fmt: skip
        yield node.start, node.end
