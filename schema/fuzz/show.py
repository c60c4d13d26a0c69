"""Prints what a run has found: a summary, and for each finding the bytes taken apart and a pytest test."""

from __future__ import annotations

import re
from typing import Any

from ...wire.render import render
from ..message import Message
from ..names import field_names
from .outcome import Outcome
from .run import Finding, Report


def summary(report: Report) -> str:
    """The counts of a run: one line, and one per known difference."""
    found = sum(finding.count for finding in report.findings.values())
    counted = f"{report.cases} cases (seed {report.seed}), {report.accepted} accepted, {report.compared_json} with JSON"
    unexplained = f"{found} unexplained differences in {len(report.findings)} buckets"
    lines = [f"{report.message} against {report.peer}: {counted}; {unexplained}"]
    lines += [f"  {count:>7}  explained: {name}" for name, count in report.explained.most_common()]
    return "\n".join(lines)


def finding_text(report: Report, finding: Finding, message_class: type[Message], load: str) -> str:
    """One bucket: what differs, the smallest input byte by byte, what each side makes of it, and a test.

    `load` is the Python expression that loads the schema in the test.
    """
    ours, theirs = finding.difference.ours, finding.difference.theirs
    return "\n".join(
        [
            f"{finding.bucket}  ({finding.count} times; first in case {finding.number} of seed {report.seed})",
            "",
            render(finding.data, field_names(message_class)),
            "",
            f"barewire  {_printed(ours)}",
            f"{report.peer:<8}  {_printed(theirs)}",
            "",
            pytest_test(report, finding, load),
        ]
    )


def pytest_test(report: Report, finding: Finding, load: str) -> str:
    """A test that fails as long as the difference is there."""
    name = re.sub(r"\W+", "_", finding.bucket.lower())[:60].strip("_")
    return "\n".join(
        [
            f"def test_{name}() -> None:",
            f"    message_class = {load}[{report.message!r}]",
            f'    data = bytes.fromhex("{finding.data.hex()}")',
            f"    assert fuzz.difference(message_class, {report.peer!r}, data) is None",
        ]
    )


def _printed(outcome: Outcome) -> str:
    if not outcome.accepted:
        return f"refuses it: {outcome.error!a}"
    parts: list[tuple[str, Any]] = [
        ("fields", outcome.tree),
        ("bytes", outcome.encoded.hex() if outcome.encoded is not None else None),
        ("json", outcome.json if outcome.json is not None else outcome.json_error or None),
        ("json read back", outcome.parsed if outcome.parsed is not None else outcome.parse_error or None),
    ]
    return "takes it; " + "; ".join(f"{name} {_short(value)}" for name, value in parts if value is not None)


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else repr(value)
    text = text.encode("unicode_escape").decode()
    return text if len(text) <= 300 else f"{text[:300]}…"
