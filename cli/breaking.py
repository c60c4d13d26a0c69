"""Compare two versions of a schema and print what breaks: on the wire, and in JSON.

  barewire breaking old/ new/
  barewire breaking -I protos main.binpb protos/shop.proto --format github

OLD and NEW are each a .proto file, a folder of them, or a descriptor set."""

from __future__ import annotations

import argparse

from ..schema import SchemaError
from ..schema.breaking import CATEGORIES, RULES, compare, open_checked
from .errors import UserError
from .findings import add_finding_arguments, check_rules, not_compiled, print_findings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("old", nargs="?", metavar="OLD", help="the version that is in use")
    parser.add_argument("new", nargs="?", metavar="NEW", help="the version that is to replace it")
    parser.add_argument(
        "--category",
        action="append",
        choices=CATEGORIES,
        help="what must not break (may be repeated); wire and json are the default",
    )
    for side in ("old", "new"):
        parser.add_argument(
            f"--{side}-import-path",
            action="append",
            default=[],
            metavar="DIR",
            help=f"where imports of {side.upper()} alone are found; it comes before -I",
        )
    add_finding_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    if arguments.rules:
        for rule in RULES:
            print(f"{rule.id:<26} {'+'.join(rule.categories):<10} {rule.reason}")
        return 0
    if arguments.old is None or arguments.new is None:
        raise UserError("name two versions: OLD and NEW", 2)
    check_rules(arguments.ignore, [rule.id for rule in RULES])
    try:
        old = open_checked(arguments.old, [*arguments.old_import_path, *arguments.include])
        new = open_checked(arguments.new, [*arguments.new_import_path, *arguments.include])
    except SchemaError as error:
        return not_compiled(error)
    categories = arguments.category or ("wire", "json")
    return print_findings(compare(old, new, categories=categories, ignore=arguments.ignore), arguments.format)
