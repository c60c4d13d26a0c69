"""What the style guide and experience advise against in a schema that compiles.

findings = lint.lint(open_checked("protos/"))
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from .checked import Checked, check_files, open_checked
from .errors import SchemaError
from .findings import Finding, Where, in_order
from .lint_declarations import DECLARATION_RULES
from .lint_files import FILE_RULES
from .lint_model import Problem, Rule
from .lint_names import NAME_RULES
from .lint_suppress import Suppressions
from .unit import Unit

__all__ = ["DEFAULT_RULES", "RULES", "Checked", "Finding", "check_files", "lint", "open_checked"]


def _never(unit: Unit) -> Iterable[Problem]:
    return ()


# Comments are looked at before any rule is, so this one has nothing left to do.
_COMMENT_RULE = Rule("lint-comment", True, "A misspelt rule in a comment would switch nothing off.", _never)

RULES = (*FILE_RULES, *NAME_RULES, *DECLARATION_RULES, _COMMENT_RULE)
DEFAULT_RULES = frozenset(rule.id for rule in RULES if rule.default)

_LINT = ("lint",)


def lint(checked: Checked, *, rules: Collection[str] = DEFAULT_RULES) -> list[Finding]:
    """What the rules (by their ids) object to in the files that were asked for, in the order of files and lines.

    Raises SchemaError for a descriptor set: it has no source to point at.
    """
    findings: list[Finding] = []
    for file in checked.files:
        unit = checked.units.get(file.name)
        if unit is None:
            raise SchemaError(f"{file.name}: lint looks at .proto files, not at descriptor sets")
        findings += _file(unit, rules)
    return in_order(findings)


def _file(unit: Unit, rules: Collection[str]) -> Iterator[Finding]:
    suppressions = Suppressions(unit, {rule.id for rule in RULES})
    for rule in RULES:
        if rule.id not in rules:
            continue
        problems = suppressions.unknown if rule is _COMMENT_RULE else rule.check(unit)
        for message, help, at in problems:
            if not suppressions.covers(rule.id, at.start):
                yield Finding(rule.id, _LINT, message, help, Where.in_source(unit.source, at.start))
