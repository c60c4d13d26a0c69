"""The `barewire` command: finds the subcommand, runs it, and turns errors into messages and exit statuses."""

from __future__ import annotations

import argparse
import importlib
import io
import os
import sys
from collections.abc import Sequence
from typing import Any

from .errors import UserError

# Each is a module of this package (dashes become underscores), loaded when needed, with `add_arguments(parser)` and
# `run(arguments) -> exit status`.
COMMANDS = {
    "serve": "run a gRPC server for servicers in a Python module",
    "call": "call a method: JSON in, JSON out",
    "list": "list the services of a server, or the methods of a service",
    "describe": "print the declaration of a service, method, message, enum or field",
    "top": "watch a server at work: calls, errors and latencies by method, live",
    "check": "compile .proto files and print everything that is wrong with them",
    "compile": "compile .proto files; write Python modules or stubs",
    "breaking": "compare two versions of a schema and print what breaks",
    "fuzz": "compare the codec with another implementation's on random inputs",
    "format": "bring .proto files into the canonical layout; comments are kept",
    "lint": "look for what the style guide and experience advise against",
    "inspect": "take the bytes of a message apart, field by field",
    "explain-codec": "print the source that encodes and decodes a message",
}

_EXIT_STATUSES = """\
exit status:
  0        all went well
  1        it could not be done; standard error says why
  2        the command line is wrong
  64 + N   the call ended with the gRPC status code N (69 is NOT_FOUND, 78 UNAVAILABLE), as with grpcurl
  130      interrupted"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line (by default sys.argv's) and return the exit status. Raises SystemExit if it is wrong."""
    argv = sys.argv[1:] if argv is None else argv
    if not argv:
        _top_parser().print_help(sys.stderr)
        return 2
    top = _top_parser().parse_args(argv)
    command: Any = importlib.import_module(f".{top.command.replace('-', '_')}", __package__)
    parser = argparse.ArgumentParser(
        prog=f"barewire {top.command}",
        description=command.__doc__,
        epilog=_EXIT_STATUSES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    command.add_arguments(parser)
    arguments = parser.parse_intermixed_args(_double_dashes(parser, top.arguments))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(
                errors="backslashreplace"
            )  # what the terminal cannot show is escaped, not an error
    return _run(command, arguments)


def _top_parser() -> argparse.ArgumentParser:
    width = max(map(len, COMMANDS))
    lines = "\n".join(f"  {name:<{width}} {text}" for name, text in COMMANDS.items())
    parser = argparse.ArgumentParser(
        prog="barewire",
        usage="barewire COMMAND [ARGUMENTS]",
        description=f"gRPC and Protocol Buffers on the command line.\n\ncommands:\n{lines}",
        epilog=f"`barewire COMMAND --help` tells more.\n\n{_EXIT_STATUSES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"barewire {_version()}")
    parser.add_argument("command", choices=COMMANDS, metavar="COMMAND", help=argparse.SUPPRESS)
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    return parser


def _version() -> str:
    from ..wire.version import __version__

    return __version__


def _double_dashes(parser: argparse.ArgumentParser, arguments: Sequence[str]) -> list[str]:
    """grpcurl's habit: an option may be written with one dash (-plaintext, -max-time 5)."""
    known = parser._option_string_actions
    return [
        f"-{argument}"
        if len(argument) > 2 and argument[0] == "-" != argument[1] and f"-{argument.split('=')[0]}" in known
        else argument
        for argument in arguments
    ]


def _run(command: Any, arguments: argparse.Namespace) -> int:
    """Run a command; errors that are not ours to explain with a traceback become text."""
    from ..rpc import RpcConfigurationError, RpcError
    from ..schema import SchemaError
    from .output import error_text, printable

    try:
        status: int = command.run(arguments)
        sys.stdout.flush()
        return status
    except RpcError as error:
        print(error_text(error), end="", file=sys.stderr)
        return 64 + int(error.code)
    except SchemaError as error:
        print(error, file=sys.stderr)
        return 1
    except (UserError, RpcConfigurationError) as error:
        print(f"barewire {_name_of(command)}: {printable(str(error))}", file=sys.stderr)
        return error.status if isinstance(error, UserError) else 1
    except BrokenPipeError:  # whoever read the output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 141
    except KeyboardInterrupt:
        return 130


def _name_of(command: Any) -> str:
    return command.__name__.rpartition(".")[2].replace("_", "-")


if __name__ == "__main__":
    sys.exit(main())
