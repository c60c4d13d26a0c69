"""The syntax tree: what one file says, not yet what it means.

Every node knows its place as character offsets (`start`, `end`). Two things are already brought into the shape that
descriptors have, because they belong to the notation: a group is a field and a nested message, and a map field is a
repeated field of a nested entry message. Both messages stand in `messages` where the field stands.
"""

from __future__ import annotations

from ..wire.record import field, record


@record()
class Name:
    """An identifier, or several joined by dots; a type name may start with one."""

    text: str
    start: int
    end: int


@record()
class Int:
    value: int
    start: int
    end: int


class _MinusZero(int):
    """The integer literal `-0`: zero, but as a float it has a sign."""


MINUS_ZERO = _MinusZero()


@record()
class Scalar:
    """The value of an option: a bytes (string literal), int, float, or str (identifier, `-` in front if negative)."""

    value: bytes | int | float | str
    start: int
    end: int


@record()
class AggregateField:
    """`name: value`, `[extension]: value` or `[host/any.Type] {…}` inside braces; a list is written in brackets."""

    name: Name
    is_extension: bool
    value: Value
    has_colon: bool


@record()
class Aggregate:
    """`{…}`: a message in text format. `start`/`end` enclose the braces."""

    fields: list[AggregateField]
    start: int
    end: int


@record()
class ValueList:
    """`[a, b]` inside an aggregate."""

    values: list[Value]
    start: int
    end: int


Value = Scalar | Aggregate | ValueList


@record()
class OptionPart:
    """One part of an option's name: `(some.extension)` or `field`."""

    name: Name
    is_extension: bool


@record()
class Option:
    parts: list[OptionPart]
    value: Value

    @property
    def start(self) -> int:
        return self.parts[0].name.start

    @property
    def end(self) -> int:
        return self.parts[-1].name.end

    @property
    def simple_name(self) -> str:
        """The name if it is a plain one (`packed`, `features.enum_type`), else an empty string."""
        return "" if any(p.is_extension for p in self.parts) else ".".join(p.name.text for p in self.parts)


@record(kw_only=True)
class Field:
    """A field, an extension (`extendee` is set), or one of the two fields of a map entry."""

    name: Name
    type: Name  # as it is written; the message's name for a group
    number: Int
    label: Name | None = None
    options: list[Option] = field(default_factory=list)
    default: Option | None = None  # the two that are no options
    json_name: Option | None = None
    oneof: Oneof | None = None
    extendee: Name | None = None
    is_map: bool = False
    group: Message | None = None
    start: int = 0
    end: int = 0


@record(kw_only=True)
class Oneof:
    name: Name
    fields: list[Field] = field(default_factory=list)
    options: list[Option] = field(default_factory=list)
    start: int = 0
    end: int = 0


@record(kw_only=True)
class Range:
    """Numbers from `first` to `last`, both included; `last` is None for `max`."""

    first: Int
    last: Int | None
    options: list[Option]
    start: int
    end: int


@record(kw_only=True)
class Message:
    name: Name
    fields: list[Field] = field(default_factory=list)  # members of oneofs included
    oneofs: list[Oneof] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    enums: list[Enum] = field(default_factory=list)
    extensions: list[Field] = field(default_factory=list)
    extension_ranges: list[Range] = field(default_factory=list)
    reserved_ranges: list[Range] = field(default_factory=list)
    reserved_names: list[Name] = field(default_factory=list)
    options: list[Option] = field(default_factory=list)
    visibility: Name | None = None
    is_map_entry: bool = False
    is_group: bool = False
    start: int = 0
    end: int = 0


@record(kw_only=True)
class EnumValue:
    name: Name
    number: Int
    options: list[Option] = field(default_factory=list)
    start: int = 0
    end: int = 0


@record(kw_only=True)
class Enum:
    name: Name
    values: list[EnumValue] = field(default_factory=list)
    reserved_ranges: list[Range] = field(default_factory=list)
    reserved_names: list[Name] = field(default_factory=list)
    options: list[Option] = field(default_factory=list)
    visibility: Name | None = None
    start: int = 0
    end: int = 0


@record(kw_only=True)
class Method:
    name: Name
    input_type: Name
    output_type: Name
    client_streaming: bool = False
    server_streaming: bool = False
    has_block: bool = False  # braces in place of the semicolon
    options: list[Option] = field(default_factory=list)
    start: int = 0
    end: int = 0


@record(kw_only=True)
class Service:
    name: Name
    methods: list[Method] = field(default_factory=list)
    options: list[Option] = field(default_factory=list)
    start: int = 0
    end: int = 0


@record(kw_only=True)
class Import:
    path: Name  # its text is the string's value
    modifier: str = ""  # "public" | "weak" | "option"
    start: int = 0
    end: int = 0


@record(kw_only=True)
class File:
    syntax: str = "proto2"  # "proto2" | "proto3" | "editions"
    edition: str | None = None
    syntax_name: Name | None = None  # where syntax or edition is said; None if the file does not say it
    package: Name | None = None
    imports: list[Import] = field(default_factory=list)
    options: list[Option] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    enums: list[Enum] = field(default_factory=list)
    services: list[Service] = field(default_factory=list)
    extensions: list[Field] = field(default_factory=list)


def word_of(options: list[Option], name: str) -> str | None:
    """The identifier that the option called `name` is set to."""
    for option in options:
        if (
            option.simple_name == name
            and isinstance(option.value, Scalar)
            and isinstance(option.value.value, str)
        ):
            return option.value.value
    return None
