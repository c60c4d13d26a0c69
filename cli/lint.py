"""Look for what the style guide and experience advise against in .proto files.

  barewire lint -I protos protos/
  barewire lint shop.proto --enable package-folder --ignore enum-zero

In a file, a comment switches rules off for a declaration and what is inside it, or for the file:
  // barewire:lint-ignore enum-zero
  // barewire:lint-ignore-file package-stated"""

from __future__ import annotations

import argparse

from ..schema import SchemaError
from ..schema.findings import Finding
from ..schema.lint import DEFAULT_RULES, RULES, lint, open_checked
from .errors import UserError
from .findings import NOT_COMPILED, add_finding_arguments, check_rules, not_compiled, print_findings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="*", metavar="FILE", help="a .proto file, or a folder of them")
    parser.add_argument(
        "--enable",
        action="append",
        default=[],
        metavar="RULE",
        help="apply a rule that is off by default, too (may be repeated)",
    )
    add_finding_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    if arguments.rules:
        for rule in RULES:
            print(f"{rule.id:<20} {'' if rule.default else '(off) '}{rule.reason}")
        return 0
    if not arguments.files:
        raise UserError("name the files to look at", 2)
    check_rules([*arguments.enable, *arguments.ignore], [rule.id for rule in RULES])
    rules = (DEFAULT_RULES | set(arguments.enable)) - set(arguments.ignore)
    findings: dict[Finding, None] = {}  # a file may be named twice
    failed = False
    for path in arguments.files:
        try:
            findings.update(dict.fromkeys(lint(open_checked(path, arguments.include), rules=rules)))
        except SchemaError as error:
            not_compiled(error)
            failed = True
    status = print_findings(list(findings), arguments.format)
    return NOT_COMPILED if failed else status
