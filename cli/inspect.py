"""Take the bytes of a protobuf message apart: offset, tag, length, value, and what they say.

  barewire inspect --hex '0a 01 31 12 04 44 75 6e 65'
  barewire inspect book.bin --proto bookstore.proto --type bookstore.Book

Without --proto, names are missing and what a length-delimited value holds is a guess."""

from __future__ import annotations

import argparse
import base64
import binascii
import os
import sys
from pathlib import Path

from ..schema.descriptor import MessageDescriptor
from ..wire.names import Names, names_from_plan
from ..wire.render import render
from .errors import UserError
from .source import add_schema_arguments, open_registry


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file", nargs="?", metavar="FILE", help="the bytes; - (the default) reads standard input"
    )
    parser.add_argument("--hex", metavar="DIGITS", help="the bytes in hexadecimal, spaced as you like")
    parser.add_argument("--base64", metavar="TEXT", help="the bytes in base64")
    parser.add_argument("--type", metavar="MESSAGE", help="the full name of the message that the bytes are")
    add_schema_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    names = _names(arguments)
    colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    print(render(_data(arguments), names, colour=colour))
    return 0


def _data(arguments: argparse.Namespace) -> bytes:
    given = [value for value in (arguments.hex, arguments.base64, arguments.file) if value is not None]
    if len(given) > 1:
        raise UserError("one of FILE, --hex and --base64 is enough", 2)
    try:
        if arguments.hex is not None:
            return bytes.fromhex(arguments.hex)
        if arguments.base64 is not None:
            return base64.b64decode(arguments.base64, validate=True)
        if arguments.file in (None, "-"):
            return sys.stdin.buffer.read()
        return Path(arguments.file).read_bytes()
    except (ValueError, binascii.Error) as error:
        raise UserError(f"these are no bytes: {error}", 2) from None
    except OSError as error:
        raise UserError(f"cannot read {arguments.file}: {error.strerror}") from None


def _names(arguments: argparse.Namespace) -> Names | None:
    if arguments.type is None:
        return None
    registry = open_registry(arguments)
    if not isinstance(registry.find_symbol(arguments.type), MessageDescriptor):
        raise UserError(
            f"there is no message {arguments.type!r}; --proto FILE names the file that declares it"
        )
    return names_from_plan(registry.message_class(arguments.type).__plan__)
