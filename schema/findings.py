"""What a check of schemas found, and the three ways to print it: for people, for programs, for GitHub."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from .source import Source


@dataclass(frozen=True, slots=True)
class Where:
    """A place in a file. `line` and `column` count from 1; both are 0 where only the file is known."""

    file: str
    line: int = 0
    column: int = 0

    @classmethod
    def in_source(cls, source: Source, offset: int) -> Where:
        """The place of a character. A source without text (it stands for a descriptor set) has no lines."""
        return cls(source.display_name, *source.position(offset)) if source.text else cls(source.display_name)

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a rule objects to.

    `categories` says what it endangers; `help` what to do about it; `old_where` where it was before, for a change.
    """

    rule: str
    categories: tuple[str, ...]
    message: str
    help: str
    where: Where
    old_where: Where | None = None

    def __str__(self) -> str:
        return as_text([self])


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """Findings in the order of files, lines and rules."""
    return sorted(findings, key=lambda f: (f.where.file, f.where.line, f.where.column, f.rule, f.message))


def as_text(findings: Iterable[Finding]) -> str:
    """`file:line:column: category: message [rule]`, then where it was and what to do. No line break at the end."""
    lines: list[str] = []
    for finding in findings:
        words = "+".join(finding.categories)
        lines.append(f"{finding.where}: {words}: {finding.message} [{finding.rule}]")
        if finding.old_where is not None:
            lines.append(f"  before: {finding.old_where}")
        lines.append(f"  help: {finding.help}")
    return _printable("\n".join(lines))


def as_json(findings: Iterable[Finding]) -> str:
    """A JSON array with one object per finding."""
    return json.dumps([_members(finding) for finding in findings], indent=2)


def as_github(findings: Iterable[Finding]) -> str:
    """Workflow commands, one line each: GitHub Actions shows them beside the lines of a pull request."""
    return "\n".join(_workflow_command(finding) for finding in findings)


FORMATS = {"text": as_text, "json": as_json, "github": as_github}


def _members(finding: Finding) -> dict[str, Any]:
    members = {
        "rule": finding.rule,
        "categories": list(finding.categories),
        "message": finding.message,
        "help": finding.help,
        **_place(finding.where),
    }
    if finding.old_where is not None:
        members["before"] = _place(finding.old_where)
    return members


def _place(where: Where) -> dict[str, Any]:
    return {"file": where.file, "line": where.line or None, "column": where.column or None}


def _workflow_command(finding: Finding) -> str:
    properties = {"file": finding.where.file, "title": finding.rule}
    if finding.where.line:
        properties |= {"line": str(finding.where.line), "col": str(finding.where.column)}
    listed = ",".join(f"{name}={_escaped(value, ':,')}" for name, value in properties.items())
    return f"::error {listed}::{_escaped(f'{finding.message}. {finding.help}')}"


def _escaped(text: str, more: str = "") -> str:
    for character in "%\r\n" + more:  # the percent sign first
        text = text.replace(character, f"%{ord(character):02X}")
    return _printable(text)


def _printable(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in text)
