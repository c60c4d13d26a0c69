"""JSON text ↔ messages.

The conversions proper are in `json_print` and `json_parse` (with `json_scalars` and `json_wkt`): between messages and
the values that the standard library's `json` reads and writes.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from .json_errors import JsonError
from .json_locate import locate
from .json_parse import Parser, TwiceNamed
from .json_print import Printer

if TYPE_CHECKING:
    from .message import Message
    from .registry import Registry

M = TypeVar("M", bound="Message")


def to_json(
    message: Message,
    *,
    indent: int | None = None,
    always_print_fields_with_no_presence: bool = False,
    preserving_proto_field_name: bool = False,
    use_integers_for_enums: bool = False,
    sort_keys: bool = False,
    registry: Registry | None = None,
) -> str:
    """A message as ProtoJSON text: on one line, or indented by `indent` spaces.

    Fields without presence are left out at their zero value unless `always_print_fields_with_no_presence`; names are
    lowerCamelCase unless `preserving_proto_field_name`. `registry` resolves what an Any holds (by default the
    message's own). Fields come in the order of their numbers unless `sort_keys`.

    Raises JsonError for a message that has no JSON: an Any of a type that is not known here, a Timestamp out of range.
    """
    value = to_dict(
        message,
        always_print_fields_with_no_presence=always_print_fields_with_no_presence,
        preserving_proto_field_name=preserving_proto_field_name,
        use_integers_for_enums=use_integers_for_enums,
        registry=registry,
    )
    separators = (",", ":") if indent is None else (",", ": ")
    text = json.dumps(value, indent=indent, separators=separators, ensure_ascii=False, sort_keys=sort_keys)
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise JsonError(f"a string is not valid Unicode: {text[error.start]!a} stands alone") from None
    return text


def to_dict(
    message: Message,
    *,
    always_print_fields_with_no_presence: bool = False,
    preserving_proto_field_name: bool = False,
    use_integers_for_enums: bool = False,
    registry: Registry | None = None,
) -> Any:
    """The value that `to_json` would write: dicts, lists, strings, numbers, booleans, None. Raises JsonError."""
    printer = Printer(
        registry if registry is not None else message.__registry__,
        always_print_fields_with_no_presence,
        preserving_proto_field_name,
        use_integers_for_enums,
    )
    try:
        return printer.message(message)
    except RecursionError:
        raise JsonError("the message is nested too deeply") from None


def from_json(
    message_class: type[M],
    text: str | bytes | bytearray,
    *,
    ignore_unknown_fields: bool = False,
    max_depth: int = 100,
    registry: Registry | None = None,
) -> M:
    """The message that a ProtoJSON text says.

    Unknown fields and enum names are errors unless ignored. `max_depth` bounds how deep messages may be nested.
    Raises JsonError, with line, column and path, for a text that is no JSON or does not fit the class.
    """
    if not isinstance(text, str):
        if not isinstance(text, bytes | bytearray):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"JSON text is a str or bytes, not {type(text).__name__}")
        try:
            text = text.decode()
        except UnicodeDecodeError as error:
            raise JsonError(f"the text is not UTF-8 (at byte {error.start})") from None
    value = _parse_text(text)
    try:
        return from_dict(
            message_class,
            value,
            ignore_unknown_fields=ignore_unknown_fields,
            max_depth=max_depth,
            registry=registry,
        )
    except JsonError as error:
        error.line, error.column = locate(text, error.parts, error.at_key)
        raise


def from_dict(
    message_class: type[M],
    value: Any,
    *,
    ignore_unknown_fields: bool = False,
    max_depth: int = 100,
    registry: Registry | None = None,
) -> M:
    """The message that a parsed JSON value says; options as for `from_json`. Raises JsonError."""
    parser = Parser(registry if registry is not None else message_class.__registry__, ignore_unknown_fields)
    try:
        return parser.message(message_class, value, max_depth)
    except RecursionError:
        raise JsonError("nested too deeply") from None


def _parse_text(text: str) -> Any:
    # -0 is the one number for which it matters whether `json` makes it an int; looking costs less than a hook.
    decoder = _DECODER_OF_ZEROES if "-0" in text else _DECODER
    try:
        return decoder.decode(text)
    except json.JSONDecodeError as error:
        raise JsonError(f"not JSON: {error.msg}", line=error.lineno, column=error.colno) from None
    except RecursionError:
        raise JsonError("nested too deeply") from None
    except JsonError:
        raise
    except ValueError as error:  # an integer of thousands of digits
        raise JsonError(f"not a usable number: {error}") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) == len(pairs):
        return members
    marked = TwiceNamed(members)
    seen: set[str] = set()
    marked.twice = next(name for name, _ in pairs if name in seen or seen.add(name))
    return marked


def _constant(name: str) -> NoReturn:
    raise JsonError(f'not JSON: {name} (float and double fields take it as a string, "{name}")')


def _integer(text: str) -> int | float:
    return -0.0 if text == "-0" else int(text)


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_constant)
_DECODER_OF_ZEROES = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_constant, parse_int=_integer)
