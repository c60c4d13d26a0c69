"""JSON values → messages (the text is parsed by `json_format`).

Spec: https://protobuf.dev/programming-guides/json (ProtoJSON).
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, TypeVar, cast

from ..wire.plan import Cardinality, Kind
from ..wire.scalar import show
from .json_errors import JsonError, MapKey
from .json_fields import JsonField, JsonTable, extension_named, json_table
from .json_scalars import json_type, parse_enum, parse_integer
from .json_wkt import SPECIAL

if TYPE_CHECKING:
    from .message import Message
    from .registry import Registry

M = TypeVar("M", bound="Message")


class TwiceNamed(dict[str, Any]):
    """A JSON object in which a name occurs more than once."""

    twice: str = ""


# An enum name that the schema lacks, in a text whose unknown parts are to be ignored.
_IGNORED = object()


@dataclass(slots=True, frozen=True)
class Parser:
    """One run, with its options; `registry` resolves what an Any holds and names extensions."""

    registry: Registry | None
    ignore_unknown: bool = False

    def message(self, message_class: type[M], value: Any, depth: int) -> M:
        """The message that a JSON value says; `depth` is how many levels of messages may still come."""
        if depth <= 0:
            raise JsonError("nested too deeply")
        special = SPECIAL.get(message_class.__plan__.full_name)
        if special is not None:
            return cast(M, special.from_value(self, message_class, value, depth))
        message = message_class()
        self.fields(message, checked_object(value), depth)
        return message

    def fields(self, message: Message, members: dict[str, Any], depth: int) -> None:
        """Set the fields of a message from the members of a JSON object."""
        message_class = type(message)
        table = json_table(message_class)
        seen: dict[Any, str] = {}
        for name, value in members.items():
            field = table.by_name.get(name) or self._extension(message_class, name)
            if field is None:
                if self.ignore_unknown:
                    continue
                raise _unknown_field(table, name)
            try:
                self._set(message, field, value, depth, seen, name)
            except JsonError as error:
                error.inside(name)
                raise

    def _extension(self, message_class: type[Message], name: str) -> JsonField | None:
        if not (name.startswith("[") and name.endswith("]")):
            return None
        return extension_named(message_class, name[1:-1], self.registry or message_class.__registry__)

    def _set(
        self, message: Message, field: JsonField, value: Any, depth: int, seen: dict[Any, str], name: str
    ) -> None:
        plan = field.plan
        if seen.setdefault(plan.name, name) != name:
            raise JsonError(f"the same field as {seen[plan.name]!r}", at_key=True)
        if value is None and (
            plan.cardinality is _REPEATED or plan.cardinality is _MAP or not field.accepts_null
        ):
            return  # absent, whatever the field holds
        if plan.oneof is not None:
            other = seen.setdefault((plan.oneof,), name)
            if other != name:
                raise JsonError(
                    f"another member of oneof {plan.oneof!r}, {other!r}, is already set", at_key=True
                )
        # Few calls lie between one level of messages and the next: they are what a deep text costs of Python's stack.
        if plan.cardinality is _REPEATED:
            parsed = self._list(field, value, depth)
        elif plan.cardinality is _MAP:
            parsed = self._map(field, value, depth)
        else:
            parsed = self._single(field, value, depth)
        if parsed is _IGNORED:
            return
        if field.is_extension:
            assert self.registry or message.__registry__
            message._extensions = {**(message._extensions or {}), plan.number: parsed}
        else:
            setattr(message, plan.attribute, parsed)

    def _list(self, field: JsonField, value: Any, depth: int) -> list[Any]:
        if not isinstance(value, list):
            raise JsonError(f"expected an array, got {json_type(value)}")
        parsed: list[Any] = []
        for index, item in enumerate(cast("list[Any]", value)):
            try:
                if item is None and not field.accepts_null:
                    raise JsonError("null is no element of an array")
                one = self._single(field, item, depth)
            except JsonError as error:
                error.inside(index)
                raise
            if one is not _IGNORED:
                parsed.append(one)
        return parsed

    def _map(self, field: JsonField, value: Any, depth: int) -> dict[Any, Any]:
        assert field.plan.key is not None
        assert field.value is not None
        parsed: dict[Any, Any] = {}
        for text, item in checked_object(value).items():
            try:
                key = _parse_key(field.plan.key.kind, text)
                if key in parsed:
                    raise JsonError("the same key as an earlier one", at_key=True)
                if item is None and not field.value.accepts_null:
                    raise JsonError("null is no value of a map")
                one = self._single(field.value, item, depth)
            except JsonError as error:
                error.inside(MapKey(text))
                raise
            if one is not _IGNORED:
                parsed[key] = one
        return parsed

    def _single(self, field: JsonField, value: Any, depth: int) -> Any:
        plan = field.plan
        if plan.message is not None:
            message_class = cast("type[Message]", plan.message.message_class)
            return self.message(message_class, value, depth - 1)
        if field.enum is None or plan.enum is None:
            return field.parse(value)
        number = parse_enum(field.enum, value)
        if number is not None:
            return plan.enum.enum_class(number)
        if self.ignore_unknown:
            return _IGNORED
        raise JsonError(
            f"{field.enum.full_name} has no value {show(value)}{_hint(value, field.enum.numbers)}"
        )


_REPEATED = Cardinality.REPEATED
_MAP = Cardinality.MAP


def checked_object(value: Any) -> dict[str, Any]:
    """`value` if it is a JSON object that names nothing twice; raises JsonError."""
    if not isinstance(value, dict):
        raise JsonError(f"expected an object, got {json_type(value)}")
    if isinstance(value, TwiceNamed):
        raise JsonError("the name occurs twice in its object", at_key=True).inside(value.twice)
    return cast("dict[str, Any]", value)


def _parse_key(kind: Kind, text: Any) -> Any:
    if not isinstance(text, str):  # a dict of Python's, not of JSON's
        raise JsonError(f"keys are strings in JSON, not {show(text)}", at_key=True)
    if kind is Kind.STRING:
        return text
    if kind is Kind.BOOL:
        if text not in ("true", "false"):
            raise JsonError(f'expected a key "true" or "false", got {show(text)}', at_key=True)
        return text == "true"
    try:
        return parse_integer(text, kind)
    except JsonError as error:
        error.at_key = True
        raise


def _unknown_field(table: JsonTable, name: str) -> JsonError:
    hint = _hint(name, table.by_name)
    return JsonError(f"{table.full_name} has no field {show(name)}{hint}", at_key=True).inside(name)


def _hint(name: Any, known: dict[str, Any]) -> str:
    close = get_close_matches(name, known, n=1) if isinstance(name, str) else []
    return f"; did you mean {close[0]!r}?" if close else ""
