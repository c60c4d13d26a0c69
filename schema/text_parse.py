"""The text format → messages.

Spec: https://protobuf.dev/reference/protobuf/textformat-spec, "Syntax Elements".
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, cast

from ..wire.access import collection, store
from ..wire.errors import EncodeError
from ..wire.plan import Cardinality
from ..wire.scalar import zero
from .json_errors import MapKey
from .json_fields import JsonField
from .json_types import any_class
from .text_errors import TextError
from .text_fields import text_extension, text_names
from .text_lexer import IDENT, Cursor
from .text_values import read_scalar, skip_scalar

if TYPE_CHECKING:
    from .message import Message
    from .registry import Registry

_CLOSING = {"{": "}", "<": ">"}
_ANY = "google.protobuf.Any"
_MANY = (Cardinality.REPEATED, Cardinality.MAP)


@dataclass(slots=True, frozen=True)
class Parser:
    """One run over one text, with its options; `registry` names extensions and resolves what an Any holds."""

    cursor: Cursor
    registry: Registry | None
    ignore_unknown: bool = False

    # Few calls lie between one level of messages and the next: they are what a deep text costs of Python's stack.

    def fields(self, message: Message, closing: str, depth: int) -> None:
        """Take fields into a message, up to its closing bracket (or, when that is empty, to the end of the text).

        `depth` is how many levels of messages may still come, this one included.
        """
        cursor = self.cursor
        if depth <= 0:
            raise TextError("nested too deeply", cursor.start)
        seen: dict[str, str] = {}
        while cursor.token != closing:
            start = cursor.start
            name = self._name(closing)
            if "/" in name:
                self._expanded_any(message, name, start, seen, depth)
            else:
                field = self._find(message, name, start)
                if field is None:
                    self._skip_value(depth)
                else:
                    try:
                        self._field(message, field, start, seen, depth)
                    except TextError as error:
                        error.inside(field.name)
                        raise
            if cursor.token == ";" or cursor.token == ",":
                cursor.advance()
        cursor.advance()

    def _name(self, closing: str) -> str:
        """Take the name of a field: an identifier, or what stands in brackets, with them unless it is a URL."""
        cursor = self.cursor
        if cursor.kind == IDENT:
            name = cursor.token
            cursor.advance()
            return name
        if cursor.token == "[":
            name = cursor.bracketed_name()
            return name if "/" in name else f"[{name}]"
        raise cursor.fault(f"the name of a field or {closing!r}" if closing else "the name of a field")

    def _find(self, message: Message, name: str, start: int) -> JsonField | None:
        """The field that a name means; None for one that is to be skipped."""
        message_class = type(message)
        if name[0] == "[":
            found = text_extension(message_class, name[1:-1], self.registry or message_class.__registry__)
        else:
            found = text_names(message_class).get(name)
            if found is None and name in message_class.__descriptor__.reserved_names:
                return None
        if found is None and not self.ignore_unknown:
            full_name = message_class.__plan__.full_name
            if name[0] == "[":
                raise TextError(f"{name} is not a known extension of {full_name}", start)
            close = get_close_matches(name, text_names(message_class), n=1)
            hint = f"; did you mean {close[0]}?" if close else ""
            raise TextError(f"{full_name} has no field {name!r}{hint}", start)
        return found

    def _field(
        self, message: Message, field: JsonField, start: int, seen: dict[str, str], depth: int
    ) -> None:
        """Take a field's value (its name has been taken) into the message."""
        cursor, plan = self.cursor, field.plan
        is_message = field.holds_message or field.value is not None
        if not cursor.accept(":") and not is_message:
            raise cursor.fault("':' between the field and its value")
        if plan.cardinality not in _MANY:
            _check_first(field, seen, start)
            value = self.message(field, depth) if is_message else read_scalar(cursor, field)
            store(message, type(message).__plan__, plan, value)
            return
        many = collection(message, type(message).__plan__, plan)
        in_list = cursor.accept("[")
        if in_list and cursor.accept("]"):
            return
        while True:
            if field.value is not None:
                self._map_entry(field, field.value, many, depth)
            else:
                try:
                    many.append(self.message(field, depth) if is_message else read_scalar(cursor, field))
                except TextError as error:
                    error.inside(len(many))
                    raise
            if not in_list or cursor.accept("]"):
                return
            cursor.expect(",", "or ']' in the list")

    def message(self, field: JsonField, depth: int) -> Message:
        """Take the message in brackets that is the value of a field."""
        assert field.plan.message is not None
        message = cast("type[Message]", field.plan.message.message_class)()
        self.fields(message, self._open(), depth - 1)
        return message

    def _open(self) -> str:
        """Take an opening bracket; which one closes it."""
        closing = _CLOSING.get(self.cursor.token)
        if closing is None:
            raise self.cursor.fault("a message in '{…}' or '<…>'")
        self.cursor.advance()
        return closing

    def _map_entry(
        self, field: JsonField, value_field: JsonField, entries: dict[Any, Any], depth: int
    ) -> None:
        """Take an entry: a message of `key` and `value`, either of which may be missing."""
        cursor = self.cursor
        assert field.plan.key is not None
        if depth <= 1:
            raise TextError("nested too deeply", cursor.start)
        parts = {"key": JsonField(field.plan.key, name="key"), "value": value_field}
        found: dict[str, Any] = {}
        closing = self._open()
        while cursor.token != closing:
            start = cursor.start
            name = self._name(closing)
            part = parts.get(name)
            if part is None:
                if not self.ignore_unknown:
                    raise TextError(f"the entry of a map has no {name!r}, only 'key' and 'value'", start)
                self._skip_value(depth)
            else:
                try:
                    found[name] = self._entry_part(part, name in found, start, depth)
                except TextError as error:
                    if name == "value" and "key" in found:
                        raise error.inside(_key_part(found["key"])) from None
                    raise error.inside(name) from None
            if cursor.token == ";" or cursor.token == ",":
                cursor.advance()
        cursor.advance()
        key = found.get("key", zero(field.plan.key))
        if "value" not in found:
            message = value_field.plan.message
            found["value"] = zero(value_field.plan) if message is None else cast(Any, message.message_class)()
        entries[key] = found["value"]

    def _entry_part(self, part: JsonField, again: bool, start: int, depth: int) -> Any:
        if again:
            raise TextError("is already set in this entry", start)
        if not self.cursor.accept(":") and not part.holds_message:
            raise self.cursor.fault("':' between the field and its value")
        return self.message(part, depth - 1) if part.holds_message else read_scalar(self.cursor, part)

    def _expanded_any(self, message: Message, url: str, start: int, seen: dict[str, str], depth: int) -> None:
        """Take the message inside an Any (its URL has been taken)."""
        if type(message).__plan__.full_name != _ANY:
            raise TextError(f"[{url}] can only stand in a {_ANY}", start)
        inner_class = any_class(url, self.registry or message.__registry__)
        if inner_class is None:
            raise TextError(f"{url!r} is not a type that is known here", start)
        if seen:
            raise TextError("the Any already holds something", start)
        seen.update(type_url=url, value=url)
        inner = inner_class()
        self.cursor.accept(":")
        try:
            self.fields(inner, self._open(), depth - 1)
            data = inner.encode()
        except EncodeError as error:
            raise TextError(str(error), start) from None
        except TextError as error:
            raise error.inside(f"[{url}]") from None
        any_message = cast(Any, message)
        any_message.type_url, any_message.value = url, data

    # What is not looked at: reserved names, and unknown ones if they are to be ignored

    def _skip_value(self, depth: int) -> None:
        """Take the value of a field whose type is not known (its name has been taken)."""
        cursor = self.cursor
        only_messages = not cursor.accept(":")
        in_list = cursor.accept("[")
        if in_list and cursor.accept("]"):
            return
        while True:
            if cursor.token in _CLOSING:
                self._skip_message(depth - 1)
            elif only_messages:
                raise cursor.fault("':' or a message after the name of a field")
            else:
                skip_scalar(cursor)
            if not in_list or cursor.accept("]"):
                return
            cursor.expect(",", "or ']' in the list")

    def _skip_message(self, depth: int) -> None:
        cursor = self.cursor
        if depth <= 0:
            raise TextError("nested too deeply", cursor.start)
        closing = self._open()
        while cursor.token != closing:
            self._name(closing)
            self._skip_value(depth)
            if cursor.token == ";" or cursor.token == ",":
                cursor.advance()
        cursor.advance()


def _check_first(field: JsonField, seen: dict[str, str], start: int) -> None:
    """Refuse a second value of a field, and a second member of a oneof."""
    if field.name in seen:
        raise TextError("is already set", start)
    seen[field.name] = field.name
    oneof = field.plan.oneof
    if oneof is not None:
        other = seen.setdefault(f"oneof {oneof}", field.name)
        if other != field.name:
            raise TextError(f"another member of oneof {oneof!r}, {other!r}, is already set", start)


def _key_part(key: Any) -> int | MapKey:
    """A map's key as a part of a path."""
    if isinstance(key, bool):
        return MapKey(str(key).lower())
    return key if isinstance(key, int) else MapKey(key)
