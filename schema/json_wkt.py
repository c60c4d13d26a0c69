"""The well-known types whose JSON is not an object of their fields.

Spec: https://protobuf.dev/programming-guides/json, the rows Any, Timestamp, Duration, Struct, Wrapper types, FieldMask,
ListValue, Value; and the comments of the `.proto` files that declare them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from operator import index
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from ..wire.errors import WireError
from ..wire.plan import Kind
from .json_errors import JsonError, MapKey
from .json_fields import json_table
from .json_scalars import json_type, parse_string, print_float
from .json_time import format_duration, format_timestamp, parse_duration, parse_timestamp
from .json_types import any_class

if TYPE_CHECKING:
    from .json_parse import Parser
    from .json_print import Printer
    from .message import Message


class Special(NamedTuple):
    """Both directions of one type. Messages are Any here: their fields are known by name alone."""

    to_value: Callable[[Printer, Any], Any]
    from_value: Callable[[Parser, Any, Any, int], Any]


# Any: the fields of the message inside, or its special form under "value", next to "@type"


def _print_any(printer: Printer, message: Any) -> Any:
    if not message.type_url:
        if message.value:
            raise JsonError("the Any holds a value but no type URL")
        return {}
    registry = printer.registry or message.__registry__
    inner_class = any_class(message.type_url, registry)
    if inner_class is None:
        raise JsonError(f"the Any holds {message.type_url!r}, which is not known here")
    try:
        inner = inner_class.decode(message.value)
    except WireError as error:
        raise JsonError(f"the Any does not hold what it says: {error}") from None
    if inner_class.__plan__.full_name in SPECIAL:
        return {"@type": message.type_url, "value": printer.message(inner)}
    return {"@type": message.type_url, **printer.fields(inner)}


def _parse_any(parser: Parser, message_class: Any, value: Any, depth: int) -> Any:
    members = _object(value)
    if not members:
        return message_class()
    type_url = members.get("@type")
    if not isinstance(type_url, str):
        raise JsonError('an Any needs "@type": the URL of the type of its value, as a string')
    _inside("@type", parse_string, type_url)
    inner_class = any_class(type_url, parser.registry or message_class.__registry__)
    if inner_class is None:
        raise JsonError(f"{type_url!r} is not a type that is known here").inside("@type")
    rest = {name: item for name, item in members.items() if name != "@type"}
    if inner_class.__plan__.full_name in SPECIAL:
        inner = _parse_special_in_any(parser, inner_class, rest, depth)
    elif inner_class.__plan__.full_name == "google.protobuf.Empty" and rest == {"value": {}}:
        inner = inner_class()  # some implementations write Empty as if it were special
    else:
        inner = parser.message(inner_class, rest, depth - 1)
    try:
        return message_class(type_url=type_url, value=inner.encode())
    except WireError as error:
        raise JsonError(str(error)) from None


def _parse_special_in_any(
    parser: Parser, inner_class: type[Message], rest: dict[str, Any], depth: int
) -> Message:
    if "value" not in rest:
        raise JsonError(f'an Any of {inner_class.__plan__.full_name} needs "value" next to "@type"')
    unexpected = next((name for name in rest if name != "value"), None)
    if unexpected is not None and not parser.ignore_unknown:
        raise JsonError('only "@type" and "value" are expected here', at_key=True).inside(unexpected)
    try:
        return parser.message(inner_class, rest["value"], depth - 1)
    except JsonError as error:
        error.inside("value")
        raise


# Struct, Value, ListValue: JSON itself


def _print_struct(printer: Printer, message: Any) -> Any:
    return {key: _inside(MapKey(key), printer.message, message.fields[key]) for key in sorted(message.fields)}


def _parse_struct(parser: Parser, message_class: Any, value: Any, depth: int) -> Any:
    value_class = _field_class(message_class, "fields")
    members = _object(value)
    return message_class(
        fields={
            parse_string(key): _inside(MapKey(key), parser.message, value_class, item, depth - 1)
            for key, item in members.items()
        }
    )


def _print_list(printer: Printer, message: Any) -> Any:
    return [_inside(place, printer.message, item) for place, item in enumerate(message.values)]


def _parse_list(parser: Parser, message_class: Any, value: Any, depth: int) -> Any:
    if not isinstance(value, list):
        raise JsonError(f"expected an array, got {json_type(value)}")
    value_class = _field_class(message_class, "values")
    items = enumerate(cast("list[Any]", value))
    return message_class(
        values=[_inside(place, parser.message, value_class, item, depth - 1) for place, item in items]
    )


def _print_value(printer: Printer, message: Any) -> Any:
    match message.which("kind"):
        case None:
            raise JsonError("a google.protobuf.Value must have one of its kinds set")
        case "null_value":
            return None
        case "number_value":
            if not math.isfinite(message.number_value):
                raise JsonError(f"JSON has no number {message.number_value!r}")
            return print_float(message.number_value, Kind.DOUBLE)
        case "struct_value" | "list_value" as kind:
            return printer.message(getattr(message, kind))
        case kind:
            fields = json_table(message.__class__).by_name
            return fields[kind].print(getattr(message, kind))


def _parse_value(parser: Parser, message_class: Any, value: Any, depth: int) -> Any:
    match value:
        case None:
            return message_class(null_value=_field(message_class, "null_value").plan.enum.enum_class(0))
        case bool():
            return message_class(bool_value=value)
        case int() | float():
            return message_class(number_value=_field(message_class, "number_value").parse(value))
        case str():
            return message_class(string_value=parse_string(value))
        case dict():
            inner = _field_class(message_class, "struct_value")
            return message_class(struct_value=parser.message(inner, value, depth - 1))
        case list():
            inner = _field_class(message_class, "list_value")
            return message_class(list_value=parser.message(inner, value, depth - 1))
        case _:
            raise JsonError(f"{value!r} is not a JSON value")


# Wrappers: the value alone


def _print_wrapper(printer: Printer, message: Any) -> Any:
    return _field(message.__class__, "value").print(message.value)


def _parse_wrapper(parser: Parser, message_class: Any, value: Any, depth: int) -> Any:
    return message_class(value=_field(message_class, "value").parse(value))


# Timestamp, Duration, FieldMask: strings


def _print_timestamp(printer: Printer, message: Any) -> str:
    return format_timestamp(index(message.seconds), index(message.nanos))


def _parse_timestamp(parser: Parser, message_class: Any, value: Any, depth: int) -> Any:
    seconds, nanos = parse_timestamp(parse_string(value))
    return message_class(seconds=seconds, nanos=nanos)


def _print_duration(printer: Printer, message: Any) -> str:
    return format_duration(index(message.seconds), index(message.nanos))


def _parse_duration(parser: Parser, message_class: Any, value: Any, depth: int) -> Any:
    seconds, nanos = parse_duration(parse_string(value))
    return message_class(seconds=seconds, nanos=nanos)


def _print_field_mask(printer: Printer, message: Any) -> str:
    paths: list[str] = []
    for path in message.paths:
        head, *words = path.split("_")
        camel = head + "".join(word[:1].upper() + word[1:] for word in words)
        if _snake(camel) != path:
            raise JsonError(f"the path {path!r} would not survive being written in JSON's lowerCamelCase")
        paths.append(camel)
    return ",".join(paths)


def _parse_field_mask(parser: Parser, message_class: Any, value: Any, depth: int) -> Any:
    text = parse_string(value)
    if "_" in text:
        raise JsonError("the paths of a FieldMask are in lowerCamelCase: no underscores")
    return message_class(paths=[_snake(path) for path in text.split(",")] if text else [])


def _snake(camel: str) -> str:
    return "".join(f"_{letter.lower()}" if "A" <= letter <= "Z" else letter for letter in camel)


# Helpers


def _object(value: Any) -> dict[str, Any]:
    from .json_parse import checked_object

    return checked_object(value)


def _inside(part: Any, function: Callable[..., Any], *arguments: Any) -> Any:
    try:
        return function(*arguments)
    except JsonError as error:
        error.inside(part)
        raise


def _field(message_class: type[Message], name: str) -> Any:
    return json_table(message_class).by_name[name]


def _field_class(message_class: type[Message], name: str) -> Any:
    field = _field(message_class, name)
    return (field.plan.value or field.plan).message.message_class


_WRAPPERS = (
    "BoolValue BytesValue DoubleValue FloatValue Int32Value Int64Value StringValue UInt32Value UInt64Value"
)

SPECIAL: dict[str, Special] = {
    "google.protobuf.Any": Special(_print_any, _parse_any),
    "google.protobuf.Duration": Special(_print_duration, _parse_duration),
    "google.protobuf.FieldMask": Special(_print_field_mask, _parse_field_mask),
    "google.protobuf.ListValue": Special(_print_list, _parse_list),
    "google.protobuf.Struct": Special(_print_struct, _parse_struct),
    "google.protobuf.Timestamp": Special(_print_timestamp, _parse_timestamp),
    "google.protobuf.Value": Special(_print_value, _parse_value),
    **{f"google.protobuf.{name}": Special(_print_wrapper, _parse_wrapper) for name in _WRAPPERS.split()},
}
"""Both directions of each special type, by its full name."""
