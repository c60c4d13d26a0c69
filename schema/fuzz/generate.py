"""Bytes for a plan: valid ones in all the shapes that the wire format allows, and such as are almost valid.

Everything is drawn through `random()` of the source that is handed in, so one seed gives one input, and a Hypothesis
source can shrink it: lower numbers choose simpler things.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from ...wire import message_set
from ...wire.plan import Cardinality, EnumPlan, FieldPlan, Kind, MessagePlan
from ...wire.scalar import is_packable, scalar, wire_type
from ...wire.tag import MAX_FIELD_NUMBER, WireType, encode_tag
from ...wire.varint import encode_varint
from .boundaries import BAD_UTF8, BOUNDARIES, SPECIAL_FIELDS, enum_numbers
from .faults import bad_tag, lying_length, overlong, wrong_value

T = TypeVar("T")
_MESSAGES = (Kind.MESSAGE, Kind.GROUP)
_COUNTS = (1, 2, 0, 1, 3, 2, 4, 1, 6, 12)
_VARINT_KINDS = (
    Kind.INT32,
    Kind.INT64,
    Kind.UINT32,
    Kind.UINT64,
    Kind.SINT32,
    Kind.SINT64,
    Kind.BOOL,
    Kind.ENUM,
)
MAX_DEPTH = 4  # levels of nesting that come about by chance; deeper ones are made on purpose


class Source(Protocol):
    """Where chance comes from: a `random.Random`, or Hypothesis's."""

    def random(self) -> float: ...


@dataclass(frozen=True, slots=True)
class _Layout:
    """What is looked up once per plan: its fields, and the payloads that are ready to be written."""

    fields: tuple[FieldPlan, ...]
    leaves: tuple[FieldPlan, ...]
    required: tuple[FieldPlan, ...]


class Generator:
    """Generates the bytes of one message type.

    `faults` is the chance of each single field to be written wrongly; 0 gives valid bytes only. `any_types` are the
    messages that a google.protobuf.Any may hold.
    """

    def __init__(
        self, plan: MessagePlan, *, faults: float = 0.0, any_types: Sequence[MessagePlan] = ()
    ) -> None:
        self.plan = plan
        self.faults = faults
        self.any_types = tuple(any_types)
        self._layouts: dict[int, _Layout] = {}
        self._payloads: dict[int, tuple[bytes, ...]] = {}
        self._random: Callable[[], float] = float

    def generate(self, source: Source) -> bytes:
        """One encoded message."""
        self._random = source.random
        return self.message(self.plan, 0)

    # Chance

    def chance(self, probability: float) -> bool:
        return self._random() >= 1.0 - probability

    def below(self, limit: int) -> int:
        return int(self._random() * limit)

    def pick(self, choices: Sequence[T]) -> T:
        return choices[int(self._random() * len(choices))]

    # Messages

    def message(self, plan: MessagePlan, depth: int) -> bytes:
        """The fields of a message in any order, each as often as chance will have it."""
        if plan.full_name == "google.protobuf.Any" and self.any_types and self.chance(0.9):
            return self._any(depth)
        layout = self._layout(plan)
        fields = layout.fields if depth < MAX_DEPTH else layout.leaves
        parts = [
            self.field(plan, field, depth)
            for field in layout.required
            if depth < MAX_DEPTH
            or field.kind not in _MESSAGES  # a message that requires itself has no valid bytes
        ]
        if fields:
            count = self.pick(_COUNTS) if depth else self.pick(_COUNTS) + self.below(3)
            if self.chance(0.25):  # few fields, many times: last one wins, lists grow, messages merge
                fields = [self.pick(fields) for _ in range(2)]
            parts += [self.field(plan, self.pick(fields), depth) for _ in range(count)]
        if self.chance(0.06):
            parts.append(self._unknown(plan, depth))
        if parts and self.chance(0.1):
            parts.insert(self.below(len(parts)), parts.pop())
        return b"".join(parts)

    def _layout(self, plan: MessagePlan) -> _Layout:
        layout = self._layouts.get(id(plan))
        if layout is None:
            fields = tuple(plan.all_fields())
            leaves = tuple(field for field in fields if field.kind not in _MESSAGES)
            required = tuple(field for field in fields if field.cardinality is Cardinality.REQUIRED)
            layout = self._layouts[id(plan)] = _Layout(fields, leaves, required)
        return layout

    def field(self, plan: MessagePlan, field: FieldPlan, depth: int) -> bytes:
        """One occurrence of a field, tag and all; a packed one may hold any number of elements."""
        if self.faults and self._random() < self.faults:
            return self._faulty(plan, field, depth)
        if field.kind in _MESSAGES:
            if field.cardinality is Cardinality.MAP:
                content = self._entry(plan, field, depth)
            elif plan.message_set:
                return self._item(field, depth)
            else:
                content = self._sub_message(field, depth)
            if field.kind is Kind.GROUP:
                return (
                    self.tag(field.number, WireType.SGROUP)
                    + content
                    + self.tag(field.number, WireType.EGROUP)
                )
            return self.tag(field.number, WireType.LEN) + self._delimited(content)
        if (
            field.cardinality is Cardinality.REPEATED
            and is_packable(field)
            and self.chance(0.6 if field.packed else 0.3)
        ):
            payloads = self._payloads_of(plan, field)
            content = b"".join([self.pick(payloads) for _ in range(self.pick(_COUNTS))])
            return self.tag(field.number, WireType.LEN) + self._delimited(content)
        return self.tag(field.number, wire_type(field)) + self.payload(plan, field)

    def _sub_message(self, field: FieldPlan, depth: int) -> bytes:
        assert field.message is not None
        if self.chance(0.004):
            return self._nested(field.message, depth)
        return self.message(field.message, depth + 1)

    def tag(self, number: int, kind: WireType) -> bytes:
        tag = encode_tag(number, kind)
        return overlong(tag, 5, self._random) if self.chance(0.004) else tag

    def _delimited(self, content: bytes) -> bytes:
        length = encode_varint(len(content))
        if self.chance(0.02):
            length = overlong(length, 5, self._random)
        return length + content

    # Scalars

    def payload(self, plan: MessagePlan, field: FieldPlan) -> bytes:
        """One value of a scalar field, without its tag."""
        return self.pick(self._payloads_of(plan, field))

    def _payloads_of(self, plan: MessagePlan, field: FieldPlan) -> tuple[bytes, ...]:
        known = self._payloads.get(id(field))
        if known is None:
            known = self._payloads[id(field)] = tuple(_payloads(plan, field))
        if field.kind in _VARINT_KINDS and self.chance(_random_share(field)):
            number = self.below(1 << 64) >> self.below(64)
            known = (encode_varint(number), overlong(encode_varint(number), 10, self._random))
        elif field.kind is Kind.STRING and self.chance(0.1):
            known = (self._delimited("".join(map(chr, self._code_points())).encode()),)
        return known

    def _code_points(self) -> list[int]:
        tops = (0x7F, 0x7FF, 0xD7FF, 0x10FFFF)
        points = [self.below(self.pick(tops) + 1) for _ in range(self.below(9))]
        return [point for point in points if not 0xD800 <= point <= 0xDFFF]

    # Messages with a shape of their own

    def _entry(self, plan: MessagePlan, field: FieldPlan, depth: int) -> bytes:
        """A map entry: key and value, one of them missing, in the other order, twice."""
        assert field.key is not None
        assert field.value is not None
        key = lambda: self.field(plan, field.key, depth + 1)  # noqa: E731  # pyright: ignore
        value = lambda: self.field(plan, field.value, depth + 1)  # noqa: E731  # pyright: ignore
        shapes = (
            (key, value),
            (key, value),
            (key, value),
            (value, key),
            (key,),
            (value,),
            (),
            (key, value, key, value),
        )
        content = b"".join([part() for part in self.pick(shapes)])
        return content + self._unknown(plan, depth) if self.chance(0.02) else content

    def _any(self, depth: int) -> bytes:
        held = self.pick(self.any_types)
        content = self.message(held, depth + 1) if depth < MAX_DEPTH else b""
        url = f"type.googleapis.com/{held.full_name}".encode()
        return (
            b"\x0a" + encode_varint(len(url)) + url + (b"\x12" + self._delimited(content) if content else b"")
        )

    def _item(self, field: FieldPlan, depth: int) -> bytes:
        """An item of a MessageSet; its parts come in any order."""
        type_id = self.tag(message_set.TYPE_ID, WireType.VARINT) + encode_varint(field.number)
        content = self.tag(message_set.MESSAGE, WireType.LEN) + self._delimited(
            self._sub_message(field, depth)
        )
        shapes = ((type_id, content), (type_id, content), (content, type_id), (type_id,), (content,))
        if self.faults and self.chance(0.1):
            shapes = ((type_id, content, content), (content, type_id, content), (type_id, type_id, content))
        parts = b"".join(self.pick(shapes))
        return (
            self.tag(message_set.ITEM, WireType.SGROUP) + parts + self.tag(message_set.ITEM, WireType.EGROUP)
        )

    def _unknown(self, plan: MessagePlan, depth: int) -> bytes:
        """A field that the plan does not have, well formed."""
        numbers = (99_999, 1, 15, 16, 2047, 2048, 19_000, MAX_FIELD_NUMBER, 1 + self.below(4000))
        number = self.pick(numbers)
        if plan.field(number) is not None:
            number = 54_321
        kind = self.pick((WireType.VARINT, WireType.LEN, WireType.I32, WireType.I64, WireType.SGROUP))
        if kind is WireType.SGROUP:
            content = self._unknown(plan, depth + 1) if depth < MAX_DEPTH and self.chance(0.5) else b""
            return self.tag(number, kind) + content + self.tag(number, WireType.EGROUP)
        return self.tag(number, kind) + wrong_value(kind, self._random)

    def _nested(self, plan: MessagePlan, depth: int) -> bytes:
        """A chain of messages (or, where the type does not contain itself, of unknown groups) near the limit of 100."""
        levels = self.pick((96, 97, 98, 99, 100, 101, 150)) - depth if self.faults else 90 - depth
        recursive = [field for field in self._layout(plan).fields if field.message is plan]
        content = b""
        if not recursive or plan.message_set or self.chance(0.3):
            return encode_tag(77_777, WireType.SGROUP) * levels + encode_tag(77_777, WireType.EGROUP) * levels
        field = self.pick(recursive)
        for _ in range(levels):
            if field.kind is Kind.GROUP:
                content = (
                    encode_tag(field.number, WireType.SGROUP)
                    + content
                    + encode_tag(field.number, WireType.EGROUP)
                )
            else:
                content = encode_tag(field.number, WireType.LEN) + encode_varint(len(content)) + content
        return content

    # What is wrong in one field

    def _faulty(self, plan: MessagePlan, field: FieldPlan, depth: int) -> bytes:
        kinds = (WireType.VARINT, WireType.LEN, WireType.I32, WireType.I64, WireType.SGROUP, WireType.EGROUP)
        match self.below(10):
            case 0 | 1:  # another wire type than the field has
                kind = self.pick(kinds)
                end = encode_tag(field.number, WireType.EGROUP) if kind is WireType.SGROUP else b""
                return self.tag(field.number, kind) + wrong_value(kind, self._random) + end
            case 2:
                return bad_tag(field.number, self._random) + wrong_value(self.pick(kinds), self._random)
            case 3 | 4:  # a length that lies
                content = (
                    self.message(field.message, depth + 1) if field.message and depth < MAX_DEPTH else b"abc"
                )
                return (
                    self.tag(field.number, WireType.LEN) + lying_length(len(content), self._random) + content
                )
            case 5:  # a group that does not end, or ends as another
                ends = (b"", encode_tag(field.number + 1, WireType.EGROUP), encode_tag(1, WireType.EGROUP))
                return (
                    self.tag(field.number, WireType.SGROUP) + self._unknown(plan, depth + 1) + self.pick(ends)
                )
            case 6 if field.kind is Kind.STRING:
                text = self.pick(BAD_UTF8)
                return self.tag(field.number, WireType.LEN) + self._delimited(text)
            case 7:  # a varint of eleven bytes, or one that never ends
                tails = (
                    b"\xff" * 10 + b"\1",
                    b"\x80" * 10 + b"\0",
                    b"\xff" * 9 + b"\x7f",
                    b"\x80",
                    b"\xff" * 9 + b"\2",
                )
                return self.tag(field.number, WireType.VARINT) + self.pick(tails)
            case 8 if is_packable(field):  # packed, and cut short inside an element, or of anything at all
                content = self.payload(plan, field) + self.payload(plan, field)
                return self.tag(field.number, WireType.LEN) + self._delimited(content[: len(content) - 1])
            case 9 if self.chance(0.2):
                return self.tag(field.number, WireType.LEN) + self._delimited(
                    self._nested(field.message or plan, depth)
                )
            case _:
                whole = self.tag(field.number, wire_type(field)) + wrong_value(wire_type(field), self._random)
                return whole[: max(1, len(whole) - self.below(3))]


def _random_share(field: FieldPlan) -> float:
    """How many numbers are random instead of boundaries. Those of closed enums are mostly to be known."""
    if field.enum is None or not field.enum.closed:
        return 0.25
    return 0.0 if field.cardinality is Cardinality.REQUIRED else 0.02


def _enum_values(field: FieldPlan, enum: EnumPlan) -> tuple[int, ...]:
    """A required field of a closed enum needs a number that is known, or it is missing."""
    known = tuple(map(int, enum.enum_class))
    return known if enum.closed and field.cardinality is Cardinality.REQUIRED else enum_numbers(known)


def _payloads(plan: MessagePlan, field: FieldPlan) -> list[bytes]:
    """The boundary values of a scalar field, encoded; varints also longer than they need be, or too wide."""
    values = SPECIAL_FIELDS.get(f"{plan.full_name}.{field.name}", ())
    if not values:
        values = _enum_values(field, field.enum) if field.enum else BOUNDARIES[field.kind]
    payloads = [scalar(field).write(value) for value in values]
    if field.kind in _VARINT_KINDS and (field.enum is None or not field.enum.closed):
        payloads += [
            payload[:-1] + bytes([payload[-1] | 0x80]) + b"\0" for payload in payloads if len(payload) < 9
        ]
        payloads += [encode_varint(number) for number in (2**32, 2**32 + 1, 2**63, 2**64 - 1)]
    if field.kind is Kind.FLOAT:
        payloads += [b"\x01\x00\xc0\xff", b"\x01\x00\x00\x00"]  # a NaN with a payload; the least subnormal
    if field.kind is Kind.DOUBLE:
        payloads += [b"\x01\x00\x00\x00\x00\x00\xf8\xff", b"\x01\x00\x00\x00\x00\x00\xf0\x7f"]
    return payloads
