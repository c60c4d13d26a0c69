"""Messages: what stands between their braces, except the fields (`parse_field`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .ast import Message, Name, Oneof, Range
from .cursor import Fault
from .lexer import IDENT
from .parse_enum import parse_enum
from .parse_field import Scope, parse_field
from .parse_option import parse_option_list, parse_option_statement
from .parse_reserved import parse_range, parse_reserved

if TYPE_CHECKING:
    from .cursor import Cursor

MAX_MESSAGE_DEPTH = 32  # protoc's limit


def parse_message(p: Cursor, start: int, visibility: Name | None = None) -> Message:
    """A message, from behind the keyword; `start` is where its statement starts."""
    message = Message(name=p.identifier("a name for this message"), visibility=visibility, start=start)
    parse_message_body(p, message)
    return message


def parse_message_body(p: Cursor, message: Message) -> None:
    """`{ … }`"""
    if p.depth >= MAX_MESSAGE_DEPTH:
        name = message.name
        p.syntax_error(Fault(f"messages are nested more than {MAX_MESSAGE_DEPTH} deep", name.start, name.end))
        p.skip_block()
        return
    p.depth += 1
    scope = Scope(message.fields, message.messages)
    p.block(lambda: _parse_statement(p, message, scope), f"message '{message.name.text}'")
    p.depth -= 1
    message.end = p.end


# Words that decide what a statement is, even if a dot follows: no type of a field can start with one.
_WORDS = frozenset(("message", "enum", "oneof", "option", "extend", "extensions", "reserved"))


def _parse_statement(p: Cursor, message: Message, scope: Scope) -> None:
    if "." in p.text:
        p.split_word(_WORDS)
    keyword, start = p.text, p.start
    match keyword:
        case "message":
            p.advance()
            message.messages.append(parse_message(p, start))
        case "enum":
            p.advance()
            message.enums.append(parse_enum(p, start))
        case "oneof":
            p.advance()
            _parse_oneof(p, message, start)
        case "option":
            p.advance()
            message.options.append(parse_option_statement(p))
        case "extend":
            p.advance()
            parse_extend(p, Scope(message.extensions, message.messages))
        case "extensions":
            p.advance()
            message.extension_ranges += _parse_extension_ranges(p, start)
        case "reserved":
            p.advance()
            parse_reserved(p, message.reserved_ranges, message.reserved_names, signed=False)
        case "export" | "local" if p.has_visibility and p.peek() in ("message", "enum"):
            visibility = p.identifier("a visibility")
            if p.accept("message"):
                message.messages.append(parse_message(p, start, visibility))
            else:
                p.advance()
                message.enums.append(parse_enum(p, start, visibility))
        case _:
            if p.kind != IDENT and keyword != ".":
                raise p.fault(f"expected a field or another member of message '{message.name.text}'")
            parse_field(p, scope)


def _parse_oneof(p: Cursor, message: Message, start: int) -> None:
    oneof = Oneof(name=p.identifier("a name for this oneof"), start=start)
    message.oneofs.append(oneof)
    scope = Scope(message.fields, message.messages, oneof=oneof)

    def statement() -> None:
        if p.accept("option"):
            oneof.options.append(parse_option_statement(p))
        else:
            parse_field(p, scope)

    p.block(statement, f"oneof '{oneof.name.text}'")
    oneof.end = p.end


def parse_extend(p: Cursor, scope: Scope) -> None:
    """`Extendee { fields }`, from behind the keyword `extend`."""
    extendee = p.type_name("the name of the message to extend")
    scope.extendee = extendee
    at, before = p.start, len(scope.fields)
    p.block(lambda: parse_field(p, scope), f"the extension of {extendee.text}")
    if len(scope.fields) == before and not p.report.lost:
        p.syntax_error(Fault("an extend block needs at least one field", at, at + 1))


def _parse_extension_ranges(p: Cursor, start: int) -> list[Range]:
    ranges = [parse_range(p, signed=False)]
    while p.accept(","):
        ranges.append(parse_range(p, signed=False))
    options = parse_option_list(p)
    p.end_statement()
    for item in ranges:
        item.options = options
    return ranges
