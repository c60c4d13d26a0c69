"""The rules of gRPC over HTTP/2, as the data files beside this one tell them."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent
PAGE = FOLDER.parents[1] / "docs" / "reference" / "rules.md"
INTRODUCTION = """\
# What barewire keeps

The rules of gRPC over HTTP/2, distilled from the documents and proposals of the gRPC project. The numbers are this
project's: the tests that cover a rule carry its number, and `make rules` lists them, and fails when one has none.
This page is written by `make rules` from `tests/rules`.
"""


@dataclass(frozen=True)
class Rule:
    """`missing` says why the rule is out of scope, None if it is kept."""

    number: int
    section: str
    text: str
    missing: str | None

    def __str__(self) -> str:
        return f"R{self.number:02}"


def read_rules() -> list[Rule]:
    """All rules, by number."""
    sections = tomllib.loads((FOLDER / "rules.toml").read_text())
    reasons = tomllib.loads((FOLDER / "out_of_scope.toml").read_text())["reasons"]
    return [
        Rule(int(number), section.replace("-", " ").capitalize(), text, reasons.get(number))
        for section, rules in sections.items()
        for number, text in rules.items()
    ]


def page(rules: list[Rule]) -> str:
    """The page of the documentation."""
    lines = [INTRODUCTION]
    section = ""
    for rule in rules:
        if rule.section != section:
            section = rule.section
            lines += [f"## {section}", ""]
        lines.append(
            f"- **{rule}** {rule.text}." + (f" *Out of scope: {rule.missing}.*" if rule.missing else "")
        )
        if rule is rules[-1] or rules[rule.number].section != section:
            lines.append("")
    return "\n".join(lines)
