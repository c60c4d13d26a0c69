"""The tables of rules in the documentation are the ones in the code."""

from __future__ import annotations

import re
from pathlib import Path

from barewire.schema.breaking import RULES as BREAKING
from barewire.schema.lint import RULES as LINT

HOW_TO = Path(__file__).parents[2] / "docs" / "how-to"


def rows(page: str) -> list[tuple[str, ...]]:
    return re.findall(r"^\| `([\w-]+)` \| ([\w, ]+) \| (.*) \|$", (HOW_TO / page).read_text(), re.MULTILINE)


def test_breaking() -> None:
    assert rows("breaking.md") == [(rule.id, ", ".join(rule.categories), rule.reason) for rule in BREAKING]


def test_lint() -> None:
    assert rows("lint.md") == [(rule.id, "on" if rule.default else "off", rule.reason) for rule in LINT]
