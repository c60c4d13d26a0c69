"""Compare barewire's codec and JSON with another implementation's, on inputs made for a message type.

  barewire fuzz bookstore.proto bookstore.Book --against upb -n 100000

Inputs are valid bytes in all the shapes that the wire format allows, bytes with a fault inside, and mutated bytes. What
differs is shrunk and printed byte by byte, with a test. Differences that are known (docs/reference/differences.md) are
counted. One seed gives the same inputs everywhere."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable

from ..schema import Message, Registry, load
from ..schema.descriptor import MessageDescriptor
from ..schema.fuzz import PEERS, PeerError, Report, finding_text, fuzz, open_peer, summary
from .errors import UserError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE.proto")
    parser.add_argument("message", metavar="MESSAGE", help="the full name of a message type")
    peers = "; ".join(f"{name}: {what}" for name, what in PEERS.items())
    parser.add_argument(
        "--against", default="upb", choices=PEERS, help=f"whom to compare with: {peers} (default: upb)"
    )
    parser.add_argument(
        "-n", "--cases", type=int, default=10_000, metavar="N", help="how many inputs (default: 10000)"
    )
    parser.add_argument(
        "--seed", type=int, default=0, metavar="N", help="another seed, other inputs (default: 0)"
    )
    parser.add_argument(
        "--first", type=int, default=0, metavar="N", help="the number of the first input (default: 0)"
    )
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
    registry = Registry()
    load(arguments.file, include=arguments.include, registry=registry)
    if not isinstance(registry.find_symbol(arguments.message), MessageDescriptor):
        raise UserError(f"{arguments.file} declares no message {arguments.message!r}")
    message_class = registry.message_class(arguments.message)
    try:
        peer = open_peer(arguments.against, message_class)
    except PeerError as error:
        raise UserError(str(error)) from None
    try:
        report = fuzz(
            message_class,
            peer,
            cases=arguments.cases,
            seed=arguments.seed,
            first=arguments.first,
            progress=_progress(arguments.cases),
        )
    finally:
        peer.close()
    _print(report, message_class, f"schema.load({arguments.file!r}, include={arguments.include!r})")
    return 1 if report.findings else 0


def _print(report: Report, message_class: type[Message], load: str) -> None:
    for finding in report.findings.values():
        print(finding_text(report, finding, message_class, load), end="\n\n\n")
    if report.findings:
        print("The tests need: from barewire import schema; from barewire.schema import fuzz\n")
    print(summary(report))


def _progress(cases: int) -> Callable[[int], None] | None:
    """A line that is rewritten while the run goes on, for whoever looks at a terminal."""
    if not sys.stderr.isatty():
        return None
    began = time.monotonic()

    def show(done: int) -> None:
        rate = done / max(0.001, time.monotonic() - began)
        end = "\r" if done < cases else "\n"
        print(f"{done} of {cases}, {rate:.0f} per second", end=end, file=sys.stderr, flush=True)

    return show
