"""Any bytes → a tree of spans: the inspector's eye.

It knows no schema. With names from outside it reads every field as what it is; without, it reads what the wire type
says, and guesses what a length-delimited value may be. Bytes that make no sense become a `Fault` in their place;
nothing is raised.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum as PyEnum
from typing import Any

from .errors import DecodeError
from .names import FieldName, Names
from .plan import Kind
from .scalar import SCALARS
from .skip import MAX_NESTING, skip_value
from .tag import WireType, decode_tag
from .varint import decode_varint, encode_varint

MAX_GUESSED = 1024  # bytes that a guess looks at one by one; every level of nesting may have to guess anew


class Shape(PyEnum):
    """What the value of a span is taken for."""

    NUMBER = "number"  # value: int, float or bool
    TEXT = "text"  # value: str
    BYTES = "bytes"  # value: bytes
    MESSAGE = "message"  # the children are its fields
    PACKED = "packed"  # value: list of numbers
    GROUP = "group"  # the children are its fields


@dataclass(frozen=True, slots=True)
class Fault:
    """Bytes that cannot be read, up to the end of what they are part of."""

    start: int
    end: int
    reason: str


@dataclass(frozen=True, slots=True)
class Span:
    """One field: where its parts are, and what it says. Offsets count from the first byte of the input.

    Tag `start:tag_end`, length (of LEN) `tag_end:value_start`, value `value_start:value_end`, end tag (of a group)
    `value_end:end`. `guessed` says that `shape` is a guess, `note` what does not fit the name's type.
    """

    start: int
    tag_end: int
    value_start: int
    value_end: int
    end: int
    number: int
    wire_type: WireType
    shape: Shape
    value: Any = None
    name: FieldName | None = None
    guessed: bool = False
    note: str = ""
    children: tuple[Node, ...] = ()


Node = Span | Fault


def scan(data: bytes | bytearray | memoryview, names: Names | None = None) -> tuple[Node, ...]:
    """Take bytes apart into fields. Never raises for their content."""
    data = bytes(memoryview(data))
    return _fields(data, 0, len(data), names, MAX_NESTING)[0]


def walk(nodes: tuple[Node, ...]) -> Iterator[Node]:
    """All nodes of a tree, parents first."""
    for node in nodes:
        yield node
        if isinstance(node, Span):
            yield from walk(node.children)


def _fields(
    data: bytes, position: int, end: int, names: Names | None, depth: int, group: int | None = None
) -> tuple[tuple[Node, ...], int]:
    """The fields up to `end`, or up to the end tag of `group`; and the position reached."""
    nodes: list[Node] = []
    while position < end:
        try:
            number, wire_type, tag_end = decode_tag(data, position, end)
            if wire_type is WireType.EGROUP and number == group:
                break
            span = _field(data, position, tag_end, end, number, wire_type, names, depth)
        except DecodeError as error:
            nodes.append(Fault(position, end, error.reason))
            position = end
            break
        nodes.append(span)
        position = span.end
    return tuple(nodes), position


def _field(
    data: bytes,
    start: int,
    tag_end: int,
    end: int,
    number: int,
    wire_type: WireType,
    names: Names | None,
    depth: int,
) -> Span:
    name = names.field(number) if names is not None else None
    if wire_type is WireType.SGROUP:
        return _group(data, start, tag_end, end, number, name, depth)
    if wire_type is WireType.LEN:
        return _delimited(data, (start, tag_end), end, number, name, depth)
    after = skip_value(data, number, wire_type, tag_end, end, depth)
    place = (start, tag_end, tag_end, after, after, number, wire_type)
    if name is not None:
        return _named(data, place, name, depth)
    return Span(*place, Shape.NUMBER, _plain_number(data, wire_type, tag_end, after))


def _delimited(
    data: bytes, tag: tuple[int, int], end: int, number: int, name: FieldName | None, depth: int
) -> Span:
    """A length-delimited value; one that is cut short is shown as far as it goes."""
    length, value_start = decode_varint(data, tag[1], end)
    after, note = value_start + length, ""
    if after > end:
        after, note = end, f"truncated: {length} bytes announced, {end - value_start} left"
    place = (*tag, value_start, after, after, number, WireType.LEN)
    span = _guess(data, place, depth) if name is None else _named(data, place, name, depth)
    return replace(span, note=note) if note else span


Place = tuple[int, int, int, int, int, int, WireType]


def _plain_number(data: bytes, wire_type: WireType, start: int, end: int) -> int:
    if wire_type is WireType.VARINT:
        return decode_varint(data, start, end)[0]
    return int.from_bytes(data[start:end], "little")


def _group(
    data: bytes, start: int, tag_end: int, end: int, number: int, name: FieldName | None, depth: int
) -> Span:
    if depth < 1:
        raise DecodeError(f"nested deeper than {MAX_NESTING} levels", start)
    nested = name.nested if name is not None else None
    children, value_end = _fields(data, tag_end, end, nested, depth - 1, number)
    note = "" if name is None or name.kind is Kind.GROUP else f"a group does not fit {name.type}"
    after = value_end
    if value_end < end:
        after = decode_tag(data, value_end, end)[2]
    elif not (children and isinstance(children[-1], Fault)):
        note = "the group is not ended"
    place = (start, tag_end, tag_end, value_end, after, number, WireType.SGROUP)
    return Span(*place, Shape.GROUP, None, name, note=note, children=children)


def _named(data: bytes, place: Place, name: FieldName, depth: int) -> Span:
    """Read a value as what its name says."""
    _, tag_end, start, end, _, _, wire_type = place
    if name.kind is Kind.MESSAGE and wire_type is WireType.LEN:
        if depth < 1:
            fault = Fault(start, end, f"nested deeper than {MAX_NESTING} levels")
            return Span(*place, Shape.MESSAGE, None, name, children=(fault,))
        return Span(
            *place, Shape.MESSAGE, None, name, children=_fields(data, start, end, name.nested, depth - 1)[0]
        )
    kind = SCALARS.get(name.kind)
    if kind is None or (wire_type is not kind.wire_type and wire_type is not WireType.LEN):
        note = f"{wire_type.name} does not fit {name.type}"
        shape = Shape.BYTES if wire_type is WireType.LEN else Shape.NUMBER
        value = data[start:end] if wire_type is WireType.LEN else _plain_number(data, wire_type, start, end)
        return Span(*place, shape, value, name, note=note)
    if wire_type is not kind.wire_type:
        values, note = _packed(data, start, end, name.kind)
        return Span(*place, Shape.PACKED, values, name, note=note)
    if name.kind is Kind.STRING:
        try:
            return Span(*place, Shape.TEXT, data[start:end].decode(), name)
        except UnicodeDecodeError:
            note = "invalid UTF-8" if name.utf8 else ""
            return Span(*place, Shape.TEXT, data[start:end].decode(errors="surrogateescape"), name, note=note)
    if name.kind is Kind.BYTES:
        return Span(*place, Shape.BYTES, data[start:end], name)
    return Span(*place, Shape.NUMBER, kind.read(data, tag_end, end)[0], name)


def _packed(data: bytes, position: int, end: int, kind: Kind) -> tuple[list[Any], str]:
    """The elements of a packed field, as far as they can be read, and what is wrong with the next one."""
    values: list[Any] = []
    while position < end:
        try:
            value, position = SCALARS[kind].read(data, position, end)
        except DecodeError as error:
            return values, f"element {len(values)}: {error.reason}"
        values.append(value)
    return values, ""


def _guess(data: bytes, place: Place, depth: int) -> Span:
    """What a length-delimited value without a name may be: text, a message, packed numbers or bytes.

    Text without any control character is text. Otherwise what reads as a message to its last byte is one: that hardly
    happens by chance beyond a few bytes. Text with some control characters comes next, then varints in their shortest
    form.
    """
    start, end = place[2], place[3]
    payload = data[start:end]
    if not payload:
        return Span(*place, Shape.BYTES, b"", guessed=True)
    text = _as_text(payload)
    if text is not None and text.isprintable():
        return Span(*place, Shape.TEXT, text, guessed=True)
    if depth > 0:
        children, _ = _fields(data, start, end, None, depth - 1)
        if not any(isinstance(child, Fault) or child.note for child in walk(children)):
            return Span(*place, Shape.MESSAGE, children=children, guessed=True)
    if text is not None and _is_mostly_printable(text):
        return Span(*place, Shape.TEXT, text, guessed=True)
    numbers = _as_varints(payload)
    if numbers is not None:
        return Span(*place, Shape.PACKED, numbers, guessed=True)
    return Span(*place, Shape.BYTES, payload, guessed=True)


def _as_text(payload: bytes) -> str | None:
    try:
        return payload.decode()
    except UnicodeDecodeError:
        return None


def _is_mostly_printable(text: str) -> bool:
    text = text[:MAX_GUESSED]
    return 2 * sum(char.isprintable() or char in "\n\r\t" for char in text) > len(text)


def _as_varints(payload: bytes) -> list[int] | None:
    """Two or more numbers below 2**32, each written as short as it can be; no noise looks like that for long."""
    if len(payload) > MAX_GUESSED:
        return None
    values, note = _packed(payload, 0, len(payload), Kind.UINT64)
    if note or len(values) < 2 or max(values) >> 32 or b"".join(map(encode_varint, values)) != payload:
        return None
    return values
