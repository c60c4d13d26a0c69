"""Compile .proto files and print everything that is wrong with them. Silent when nothing is.

barewire check -I protos protos/shop/*.proto"""

from __future__ import annotations

import argparse
import sys

from ..schema import SchemaError, load


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", metavar="FILE")
    parser.add_argument(
        "-I",
        "--import-path",
        dest="include",
        action="append",
        default=[],
        metavar="DIR",
        help="where imports are found",
    )


def run(arguments: argparse.Namespace) -> int:
    reports: dict[str, None] = {}  # a file that several others import is reported once
    for path in arguments.files:
        try:
            load(path, include=arguments.include)
        except SchemaError as error:
            reports.update((str(diagnostic), None) for diagnostic in error.diagnostics)
    for report in reports:
        print(report, file=sys.stderr)
    return 1 if reports else 0
