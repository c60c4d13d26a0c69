"""Messages → JSON values (the text is made by `json_format`).

Spec: https://protobuf.dev/programming-guides/json (ProtoJSON).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..wire.access import is_present, set_extensions
from ..wire.message import Message as WireMessage
from ..wire.plan import Cardinality
from ..wire.scalar import show
from .json_errors import JsonError, MapKey
from .json_fields import JsonField, extension_field, json_table
from .json_scalars import print_enum
from .json_wkt import SPECIAL

if TYPE_CHECKING:
    from .message import Message
    from .registry import Registry


@dataclass(slots=True, frozen=True)
class Printer:
    """One run, with its options; `registry` resolves what an Any holds and names extensions."""

    registry: Registry | None
    defaults: bool = False
    proto_names: bool = False
    enum_numbers: bool = False

    def message(self, message: Message) -> Any:
        """The JSON value of a message: an object, but for the well-known types with a form of their own."""
        if not isinstance(message, WireMessage):  # pyright: ignore[reportUnnecessaryIsInstance]  # nothing checks lists
            raise JsonError(f"{show(message)} is not a message")
        special = SPECIAL.get(message.__plan__.full_name)
        if special is None:
            return self.fields(message)
        try:
            return special.to_value(self, message)
        except (TypeError, AttributeError) as error:  # what its attributes hold was never checked
            raise JsonError(f"{message.__plan__.full_name} holds a value of a wrong type: {error}") from None

    def fields(self, message: Message) -> dict[str, Any]:
        """The fields of a message as a JSON object."""
        printed: dict[str, Any] = {}
        for field in json_table(type(message)).fields:
            value = getattr(message, field.attribute)
            if value is None:
                continue
            # A negative zero is falsy and yet not the zero value: is_present knows.
            if value or field.has_presence or self.defaults or is_present(field.plan, value):
                self._add(printed, field, value)
        for number, value in sorted(set_extensions(message).items()):
            field = extension_field(type(message), number, self.registry or message.__registry__)
            if field is not None:
                self._add(printed, field, value)
        return printed

    def _add(self, printed: dict[str, Any], field: JsonField, value: Any) -> None:
        name = field.name if self.proto_names else field.json_name
        cardinality = field.plan.cardinality
        try:
            if cardinality is Cardinality.REPEATED:
                printed[name] = [self._element(field, item, index) for index, item in enumerate(value)]
            elif cardinality is Cardinality.MAP and field.value is not None:
                by_key = {_key(key): self._element(field.value, item, key) for key, item in value.items()}
                # Maps have no order of their own; a fixed one makes the text reproducible.
                printed[name] = {key: by_key[key] for key in sorted(by_key)}
            else:
                printed[name] = self._single(field, value)
        except JsonError as error:
            error.inside(name)
            raise

    def _element(self, field: JsonField, value: Any, place: Any) -> Any:
        try:
            return self._single(field, value)
        except JsonError as error:
            error.inside(place if field.plan.cardinality is Cardinality.REPEATED else MapKey(_key(place)))
            raise

    def _single(self, field: JsonField, value: Any) -> Any:
        if field.holds_message:
            return self.message(value)
        if field.enum is not None:
            return print_enum(field.enum, value, self.enum_numbers)
        return field.print(value)


def _key(key: Any) -> str:
    if isinstance(key, bool):
        return "true" if key else "false"
    return str(key)
