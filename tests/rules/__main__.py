"""`python -m tests.rules`: every rule with the tests that cover it, or the reason why none does; and writes their page.

pytest is asked for the tests: it knows each marker, wherever it stands. Exit status 1 if a rule has neither test nor
reason, or both, or if a test names a rule that there is not.
"""

from __future__ import annotations

import contextlib
import io
import sys
from collections import defaultdict

import pytest

from .rules import PAGE, Rule, page, read_rules

SHOWN = 3  # functions by rule; `-v` shows all


class Collector:
    """Notes which functions cover which rules."""

    def __init__(self) -> None:
        self.covering: defaultdict[int, dict[str, None]] = defaultdict(dict)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        for item in session.items:
            for marker in item.iter_markers("rule"):
                for number in marker.args:
                    self.covering[number][item.nodeid.partition("[")[0]] = None


def print_rule(rule: Rule, tests: list[str], shown: int) -> None:
    print(f"{rule} {rule.text}")
    for test in tests[:shown]:
        print(f"       {test}")
    if len(tests) > shown:
        print(f"       … and {len(tests) - shown} more")
    if rule.missing:
        print(f"       out of scope: {rule.missing}")


def main(show_all: bool) -> int:
    collector = Collector()
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        status = pytest.main(["--collect-only"], plugins=[collector])
    if status != pytest.ExitCode.OK:
        print(said.getvalue(), "the tests cannot be collected", sep="\n", file=sys.stderr)
        return 1
    rules = read_rules()
    faults: list[str] = []
    for rule in rules:
        tests = list(collector.covering.pop(rule.number, {}))
        print_rule(rule, tests, len(tests) if show_all else SHOWN)
        if bool(tests) == bool(rule.missing):
            faults.append(f"{rule} is {'tested and out of scope' if tests else 'not tested'}")
    faults += [
        f"there is no rule {number}: {', '.join(tests)}" for number, tests in collector.covering.items()
    ]
    PAGE.write_text(page(rules))
    covered = sum(rule.missing is None for rule in rules)
    print(f"{covered} rules are kept, {len(rules) - covered} are out of scope")
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main("-v" in sys.argv))
