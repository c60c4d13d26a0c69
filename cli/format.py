"""Bring .proto files into the canonical layout. Comments are kept, and what the files mean.

  barewire format --write protos/          # rewrite the files that need it
  barewire format --check protos/          # for CI: name them, and exit with 1
  barewire format --diff protos/shop.proto
  barewire format - < shop.proto

Without --write, --check or --diff, the result is printed. A FILE may be a folder: all .proto files in it."""

from __future__ import annotations

import argparse
import difflib
import sys
from collections.abc import Iterator
from pathlib import Path

from ..schema import SchemaError
from ..schema.format import format_bytes
from .errors import UserError
from .findings import FOUND, NOT_COMPILED
from .output import printable

_EXIT_STATUSES = f"""\
exit status:
  0        all went well; with --check or --diff: all files have their layout
  {FOUND}        with --check or --diff: some file does not
  {NOT_COMPILED}        a file is not correct (it is left alone), or the command line is wrong: standard error says why
  130      interrupted"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = _EXIT_STATUSES
    parser.add_argument(
        "files", nargs="+", metavar="FILE", help="a .proto file, a folder, or - (standard input)"
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--write", action="store_true", help="rewrite the files")
    what.add_argument("--check", action="store_true", help="only name the files that would change")
    what.add_argument("--diff", action="store_true", help="print what would change")


def run(arguments: argparse.Namespace) -> int:
    status = 0
    for path in proto_files(arguments.files):
        name = "<stdin>" if path is None else str(path)
        try:
            before = sys.stdin.buffer.read() if path is None else path.read_bytes()
        except OSError as error:
            raise UserError(f"{name}: cannot be read: {error.strerror}", NOT_COMPILED) from None
        try:
            after = format_bytes(before, name)
        except SchemaError as error:
            print(error, file=sys.stderr)
            status = NOT_COMPILED
            continue
        differs = before != after
        if arguments.check or arguments.diff:
            if differs:
                print(printable(name) if arguments.check else _difference(name, before, after))
                status = max(status, FOUND)
        elif arguments.write and path is not None:
            if differs:
                path.write_bytes(after)
                print(printable(name))
        else:
            sys.stdout.flush()
            sys.stdout.buffer.write(after)
    return status


def proto_files(names: list[str]) -> Iterator[Path | None]:
    """The files that are meant; None for standard input. Raises UserError for a folder without any."""
    for name in names:
        path = Path(name)
        if name == "-":
            yield None
        elif path.is_dir():
            found = sorted(path.rglob("*.proto"))
            if not found:
                raise UserError(f"there is no .proto file in {name}", NOT_COMPILED)
            yield from found
        else:
            yield path


def _difference(name: str, before: bytes, after: bytes) -> str:
    old, new = (data.decode("utf-8", "backslashreplace").split("\n") for data in (before, after))
    lines = difflib.unified_diff(old, new, name, f"{name} (formatted)", lineterm="")
    return printable("\n".join(lines))
