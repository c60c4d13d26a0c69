"""Print the Python source that barewire generates to encode and decode a message.

  barewire explain-codec bookstore.proto bookstore.Book
  barewire explain-codec -I protos protos/shop/order.proto shop.Order

It is what runs: the functions are compiled from this text when the message is first used. Tracebacks show its lines."""

from __future__ import annotations

import argparse

from ..schema import load
from ..schema.descriptor import MessageDescriptor
from ..schema.registry import Registry
from ..wire import specialize
from ..wire.plan import MessagePlan
from .errors import UserError

_HEAD = """\
# The codec of {name}: {fields}.
#
# encode(m, …), decode(data)        what Message.encode and Message.decode become; on a fault they ask the interpreter
# write(m, depth)                   encodes a message inside another; depth: how many more levels of nesting may come
# read(data, pos, end, m, depth)    decodes data[pos:end] as a new message, or into m
#
# Names that are not defined here are tables (VARINT, TAG_0a, ADD_7 …), helpers of barewire.wire, and the functions of
# other messages (write_…, read_…).
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="the .proto file")
    parser.add_argument(
        "message", metavar="MESSAGE", help="the full name of a message in it or in its imports"
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
    name = arguments.message.lstrip(".")
    if not isinstance(registry.find_symbol(name), MessageDescriptor):
        raise UserError(f"{arguments.file} and its imports declare no message {name!r}")
    plan = registry.message_class(name).__plan__
    print(_HEAD.format(name=plan.full_name, fields=_fields(plan)))
    print(specialize.source(plan), end="")
    return 0


def _fields(plan: MessagePlan) -> str:
    counts = [(len(plan.fields), "field"), (len(plan.extensions), "known extension")]
    shown = [
        f"{count} {what}{'' if count == 1 else 's'}" for count, what in counts if count or what == "field"
    ]
    return " and ".join(shown)
