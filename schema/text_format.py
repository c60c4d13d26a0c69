"""The text format ↔ messages.

Spec: https://protobuf.dev/reference/protobuf/textformat-spec. The conversions proper are in `text_print` and
`text_parse` (with `text_lexer`, `text_strings`, `text_values` and `text_fields`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from ..wire.interpret import missing_required
from .text_errors import TextError
from .text_lexer import Cursor
from .text_parse import Parser
from .text_print import Printer

if TYPE_CHECKING:
    from .message import Message
    from .registry import Registry

M = TypeVar("M", bound="Message")


def to_text(
    message: Message,
    *,
    indent: int | None = 2,
    as_utf8: bool = True,
    print_unknown_fields: bool = False,
    registry: Registry | None = None,
) -> str:
    """A message in the text format: a field on each line, nested ones indented by `indent` spaces; with `indent`
    None, all on one line.

    Strings are written as they are, or with `as_utf8` False in ASCII with octal escapes. An Any is expanded when
    `registry` (by default the message's own) knows its type. Raises ValueError for a message that
    is nested too deeply or holds a value of a wrong type.
    """
    printer = Printer(
        registry if registry is not None else message.__registry__, as_utf8, print_unknown_fields
    )
    try:
        printer.message(message)
    except RecursionError:
        raise ValueError("the message is nested too deeply for the text format") from None
    if indent is None:
        return " ".join(text for _, text in printer.lines)
    return "".join(f"{' ' * (indent * depth)}{text}\n" for depth, text in printer.lines)


def from_text(
    message_class: type[M],
    text: str | bytes,
    *,
    ignore_unknown_fields: bool = False,
    allow_partial: bool = False,
    max_depth: int = 100,
    registry: Registry | None = None,
) -> M:
    """The message that a text says.

    Names that the class does not know are errors unless ignored (the names that it reserves always are); so are
    required fields that are missing unless `allow_partial`. `max_depth` bounds how deep messages may be nested;
    `registry` (by default the class's own) knows the extensions and what an Any may hold. Bytes are UTF-8.

    Raises TextError, with line, column and path, for a text that is not in the format or does not fit the class.
    """
    text = _checked(text)
    try:
        known = registry if registry is not None else message_class.__registry__
        parser = Parser(Cursor(text), known, ignore_unknown_fields)
        message = message_class()
        parser.fields(message, "", max_depth)
        missing = None if allow_partial else missing_required(message)
        if missing is not None:
            raise TextError(f"required field {missing} is missing", len(text))
    except TextError as error:
        raise error.located_in(text) from None
    except RecursionError:
        raise TextError("nested too deeply").located_in(text) from None
    return message


def _checked(text: str | bytes) -> str:
    """The text, which is all Unicode."""
    try:
        if isinstance(text, str):
            if not text.isascii():
                text.encode()
            return text
        return text.decode()
    except UnicodeEncodeError as error:
        raise TextError("half of a surrogate pair is no character", error.start).located_in(
            str(text)
        ) from None
    except UnicodeDecodeError as error:
        before = error.object[: error.start].decode()
        raise TextError("the text is not UTF-8", len(before)).located_in(before) from None
