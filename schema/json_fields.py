"""What JSON must know of a message's fields and of an enum, looked up once per class and kept on it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..wire.plan import Cardinality, FieldPlan, Kind
from .descriptor import EnumDescriptor, FieldDescriptor
from .json_scalars import Parser, Printer, scalar_parser, scalar_printer

if TYPE_CHECKING:
    from .message import Message
    from .registry import Registry


@dataclass(slots=True, eq=False)
class JsonEnum:
    """The names of an enum in both directions. Of several names for one number, the first one is written."""

    full_name: str
    closed: bool
    numbers: dict[str, int]
    names: dict[int, str]

    is_null: bool = field(init=False)  # this is google.protobuf.NullValue, which JSON writes as null

    def __post_init__(self) -> None:
        self.is_null = self.full_name == "google.protobuf.NullValue"


@dataclass(slots=True, eq=False)
class JsonField:
    """A field (or the value of a map field, which has no names): `text_name` is how the text format calls it."""

    plan: FieldPlan
    name: str = ""
    json_name: str = ""
    text_name: str = ""
    enum: JsonEnum | None = None
    value: JsonField | None = None  # of a map
    is_extension: bool = False

    # What follows from these, so that it is not worked out for every value:
    attribute: str = field(init=False)
    has_presence: bool = field(init=False)
    holds_message: bool = field(init=False)
    accepts_null: bool = field(init=False)  # null is a value here, and not the absence of one
    print: Printer = field(init=False)
    parse: Parser = field(init=False)

    def __post_init__(self) -> None:
        plan = self.plan
        self.attribute = plan.attribute
        self.has_presence = plan.cardinality in (Cardinality.EXPLICIT, Cardinality.REQUIRED)
        self.holds_message = plan.kind in (Kind.MESSAGE, Kind.GROUP)
        if self.enum is not None:
            self.accepts_null = self.enum.is_null
        else:
            self.accepts_null = plan.message is not None and plan.message.full_name == "google.protobuf.Value"
        self.print = scalar_printer(plan.kind)
        self.parse = scalar_parser(plan.kind)


@dataclass(slots=True, eq=False)
class JsonTable:
    """The fields in ascending order of number, and by every name that JSON may call them."""

    full_name: str
    fields: list[JsonField]
    by_name: dict[str, JsonField] = field(default_factory=dict[str, JsonField])


_KEPT = "__json__"  # the attribute of a class that holds its table


def json_table(message_class: type[Message]) -> JsonTable:
    """The table of a message class."""
    found: JsonTable | None = message_class.__dict__.get(_KEPT)
    if found is None:
        found = _make_table(message_class)
        setattr(message_class, _KEPT, found)
    return found


def extension_field(message_class: type[Message], number: int, registry: Registry | None) -> JsonField | None:
    """A known extension of a message by its number, or None."""
    if registry is None:
        return None
    descriptor = registry.find_extension(message_class.__descriptor__.full_name, number)
    return None if descriptor is None else _extension(descriptor, registry)


def extension_named(message_class: type[Message], name: str, registry: Registry | None) -> JsonField | None:
    """A known extension of a message by its full name, or None."""
    if registry is None:
        return None
    descriptor = registry.find_symbol(name)
    if not isinstance(descriptor, FieldDescriptor) or not descriptor.is_extension:
        return None
    if descriptor.containing_type is not message_class.__descriptor__:
        return None
    return _extension(descriptor, registry)


def _extension(descriptor: FieldDescriptor, registry: Registry) -> JsonField:
    return _make_field(descriptor, registry.extension(descriptor).plan)


def _make_table(message_class: type[Message]) -> JsonTable:
    descriptor = message_class.__descriptor__
    plans = {plan.number: plan for plan in message_class.__plan__.fields}
    ordered = sorted(descriptor.fields, key=lambda declared: declared.number)
    fields = [_make_field(declared, plans[declared.number]) for declared in ordered]
    # A JSON name beats another field's original name.
    by_name = {found.name: found for found in fields} | {found.json_name: found for found in fields}
    return JsonTable(descriptor.full_name, fields, by_name)


def _make_field(descriptor: FieldDescriptor, plan: FieldPlan) -> JsonField:
    value = None
    if plan.value is not None and descriptor.message_type is not None:
        declared = next(part for part in descriptor.message_type.fields if part.number == 2)
        value = _make_field(declared, plan.value)
    bracketed = f"[{descriptor.full_name}]"
    return JsonField(
        plan=plan,
        name=bracketed if descriptor.is_extension else descriptor.name,
        json_name=bracketed if descriptor.is_extension else descriptor.json_name,
        text_name=_text_name(descriptor),
        enum=None if descriptor.enum_type is None else make_enum(descriptor.enum_type),
        value=value,
        is_extension=descriptor.is_extension,
    )


def make_enum(descriptor: EnumDescriptor) -> JsonEnum:
    """The names of an enum."""
    names: dict[int, str] = {}
    for value in descriptor.values:
        names.setdefault(value.number, value.name)
    numbers = {value.name: value.number for value in descriptor.values}
    return JsonEnum(descriptor.full_name, descriptor.is_closed, numbers, names)


def _text_name(descriptor: FieldDescriptor) -> str:
    """A group is called as its type is: `OptionalGroup { … }`, though its field is `optionalgroup`; so is a message
    in a MessageSet that declares itself to be in it."""
    message = descriptor.message_type
    if descriptor.is_extension:
        in_set = descriptor.containing_type.message_set and descriptor.extension_scope is message
        return f"[{message.full_name if in_set and message else descriptor.full_name}]"
    if descriptor.kind.value == "group" and message is not None:
        same_scope = message.containing_type is descriptor.containing_type and message.file is descriptor.file
        if same_scope and message.name.lower() == descriptor.name:
            return message.name
    return descriptor.name
