"""Plans: plain data that says how one message is laid out on the wire.

A plan knows no `.proto` file and no descriptor: numbers, kinds and cardinalities are all that encoding and decoding
need. `barewire.schema` lowers descriptors to plans; a plan can also be written by hand.

Plans may refer to each other in circles (a tree node that holds tree nodes), so a `MessagePlan` is created first and
given its fields afterwards.
"""

from __future__ import annotations

from enum import Enum as PyEnum
from typing import TYPE_CHECKING, Any

from .record import field, record

if TYPE_CHECKING:
    from .enum import Enum
    from .message import Message
    from .specialize import Codec


class Kind(PyEnum):
    """What a field holds. The values are the keywords of the `.proto` language (for GROUP and MESSAGE, words)."""

    DOUBLE = "double"
    FLOAT = "float"
    INT64 = "int64"
    UINT64 = "uint64"
    INT32 = "int32"
    FIXED64 = "fixed64"
    FIXED32 = "fixed32"
    BOOL = "bool"
    STRING = "string"
    GROUP = "group"  # also editions' DELIMITED messages: framed by start and end tags
    MESSAGE = "message"
    BYTES = "bytes"
    UINT32 = "uint32"
    ENUM = "enum"
    SFIXED32 = "sfixed32"
    SFIXED64 = "sfixed64"
    SINT32 = "sint32"
    SINT64 = "sint64"


class Cardinality(PyEnum):
    """How often a field may occur, and whether its absence can be told from its zero value."""

    IMPLICIT = "implicit"  # proto3 scalar: the zero value is not written, absent reads as zero
    EXPLICIT = "explicit"  # absent reads as None: messages, `optional`, oneof members, proto2 scalars
    REQUIRED = "required"  # like EXPLICIT, and encoding and decoding insist on it
    REPEATED = "repeated"  # a list
    MAP = "map"  # a dict; on the wire a repeated entry message of key (1) and value (2)


@record()
class EnumPlan:
    """An enum as the codec sees it.

    `closed` enums (proto2) send numbers that they do not know to the unknown fields; open ones hand them on.
    """

    full_name: str
    enum_class: type[Enum]
    closed: bool = False


@record(kw_only=True)
class FieldPlan:
    """One field of a message.

    `name` is the name in the `.proto`, for error messages; `attribute` the Python attribute (another one where `name`
    is a keyword or belongs to `Message`). `packed` says how a repeated scalar is written; both forms are read.
    `utf8=False` (proto2) lets bytes that are not UTF-8 pass through a str as surrogate escapes. `default` is the
    declared default of a field with presence (None: the zero value). `message`/`enum` are set for those kinds,
    `key` and `value` for MAP.
    """

    number: int
    name: str
    kind: Kind
    cardinality: Cardinality = Cardinality.IMPLICIT
    attribute: str = ""
    packed: bool = False
    utf8: bool = True
    oneof: str | None = None
    default: Any = None
    message: MessagePlan | None = None
    enum: EnumPlan | None = None
    key: FieldPlan | None = None
    value: FieldPlan | None = None

    def __post_init__(self) -> None:
        if not self.attribute:
            self.attribute = self.name

    def __repr__(self) -> str:
        return f"<FieldPlan {self.cardinality.value} {self.kind.value} {self.name} = {self.number}>"


@record()
class MessagePlan:
    """One message: its fields in ascending order of number.

    `oneofs` names every oneof in order of declaration. `extensions` holds the extension fields known for this
    message by number; it may grow until the message is first encoded or decoded, and afterwards through
    `add_extension`. `message_set` is proto2's `message_set_wire_format`. `message_class` is what decoding creates (see
    `message.build_class`). `codec` belongs to `specialize`: the functions compiled for this plan.
    """

    full_name: str
    fields: tuple[FieldPlan, ...] = ()
    oneofs: tuple[str, ...] = ()
    extensions: dict[int, FieldPlan] = field(default_factory=dict)
    message_set: bool = False
    message_class: type[Message] | None = None
    codec: Codec | None = None
    _by_number: dict[int, FieldPlan] | None = None

    def __repr__(self) -> str:
        return (
            f"<MessagePlan {self.full_name}>"  # plans refer to each other: a whole one would fill the screen
        )

    def field(self, number: int) -> FieldPlan | None:
        """The field or known extension with that number."""
        if self._by_number is None:
            self._by_number = {each.number: each for each in self.fields}
        return self._by_number.get(number) or self.extensions.get(number)

    def all_fields(self) -> list[FieldPlan]:
        """In the order of encoding: the message's own fields, then its known extensions, each by number."""
        return [*self.fields, *(self.extensions[number] for number in sorted(self.extensions))]

    def add_extension(self, extension: FieldPlan) -> None:
        """Register an extension, also after this message has been encoded or decoded."""
        if self.extensions.get(extension.number) is not extension:
            self.extensions[extension.number] = extension
            if self.codec is not None:
                self.codec.forget()
