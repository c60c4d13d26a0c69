"""What `breaking` and `lint` share: how findings are printed, which rules apply, and the exit status."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from ..schema.findings import FORMATS, Finding
from .errors import UserError

FOUND, NOT_COMPILED = 1, 2

EXIT_STATUSES = f"""\
exit status:
  0        nothing was found
  {FOUND}        something was found: it is on standard output
  {NOT_COMPILED}        the schema could not be compiled, or the command line is wrong: standard error says why
  130      interrupted"""


def add_finding_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of commands that print findings."""
    parser.epilog = EXIT_STATUSES
    parser.add_argument(
        "-I",
        "--import-path",
        dest="include",
        action="append",
        default=[],
        metavar="DIR",
        help="where imports are found (may be repeated)",
    )
    parser.add_argument(
        "--format", choices=FORMATS, default="text", help="text (the default), json, or github (annotations)"
    )
    parser.add_argument(
        "--ignore", action="append", default=[], metavar="RULE", help="pass over a rule (may be repeated)"
    )
    parser.add_argument("--rules", action="store_true", help="list the rules and their reasons, and end")


def check_rules(named: Sequence[str], known: Sequence[str]) -> None:
    """Raises UserError for a rule that does not exist: a misspelt one would silently apply."""
    for name in named:
        if name not in known:
            from difflib import get_close_matches

            close = get_close_matches(name, known, 1)
            hint = f"did you mean {close[0]}?" if close else "--rules lists them"
            raise UserError(f"there is no rule {name!r}: {hint}", 2)


def print_findings(findings: Sequence[Finding], form: str) -> int:
    """Print findings, and return the exit status. JSON is printed even if there are none."""
    if findings or form == "json":
        print(FORMATS[form](findings))
    return FOUND if findings else 0


def not_compiled(error: Exception) -> int:
    """Tell why there is nothing to look at, and return the exit status."""
    print(error, file=sys.stderr)
    return NOT_COMPILED
