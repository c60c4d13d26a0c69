"""Bytes ↔ a tree of parts that can be edited: for shrinking, and for rewriting what a known difference is about.

Unlike the inspector's spans, parts keep every byte as it was (tags and lengths that are longer than they need be), and
what cannot be read stays as it is in a part without a wire type: `join(split(…))` gives the same bytes back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ...wire import message_set
from ...wire.access import key_and_value
from ...wire.errors import DecodeError
from ...wire.plan import Cardinality, FieldPlan, Kind, MessagePlan
from ...wire.scalar import wire_type
from ...wire.skip import skip_value
from ...wire.tag import WireType, decode_tag
from ...wire.varint import decode_varint, encode_varint

_MAX_DEPTH = 120


@dataclass(slots=True)
class Part:
    """One field. The content of a message, a group or a map entry are its `children`, if it has any list of them.

    A length that no longer fits is written anew, in as many bytes as it had (None: in as few as it needs). `field` is
    None for what the plan does not know, `entry` says that this is a map entry.
    """

    number: int
    kind: WireType | None
    tag: bytes = b""
    length: bytes | None = b""
    content: bytes = b""
    children: list[Part] | None = None
    end: bytes = b""
    field: FieldPlan | None = None
    plan: MessagePlan | None = None
    entry: bool = False

    def join(self) -> bytes:
        content = self.content if self.children is None else join(self.children)
        return self.tag + self._length(len(content)) + content + self.end

    def _length(self, size: int) -> bytes:
        if self.kind is not WireType.LEN:
            return b""
        known = self.length or b""
        length = encode_varint(size)
        if len(length) >= len(known):
            return length
        return length[:-1] + bytes([length[-1] | 0x80]) + b"\x80" * (len(known) - len(length) - 1) + b"\0"


def join(parts: list[Part]) -> bytes:
    """The bytes of parts."""
    return b"".join([part.join() for part in parts])


def canonical(plan: MessagePlan, data: bytes) -> bytes:
    """The bytes in one order: fields by number, map entries alphabetically, unknown fields behind.

    Bytes that differ in nothing but what the specification leaves free (the order of fields, of map entries) are equal
    in this form. Elements keep their order, as do unknown fields.
    """
    return _join_canonical(split(plan, data))


def _join_canonical(parts: list[Part]) -> bytes:
    pieces: list[tuple[int, bytes, bytes]] = []
    for part in parts:
        if part.children is not None and part.field is not None:
            part.content, part.children = _join_canonical(part.children), None
        joined = part.join()
        in_any_order = part.entry or (part.plan is not None and part.plan.message_set)
        pieces.append((part.number if _is_known(part) else 1 << 30, joined if in_any_order else b"", joined))
    return b"".join([piece[2] for piece in sorted(pieces, key=lambda piece: piece[:2])])


def _is_known(part: Part) -> bool:
    field = part.field
    if field is None or part.kind is None:
        return False
    return part.kind is wire_type(field) or (
        part.kind is WireType.LEN and field.cardinality is Cardinality.REPEATED
    )


def walk(parts: list[Part]) -> Iterator[list[Part]]:
    """All lists of parts in a tree, the outermost first."""
    yield parts
    for part in parts:
        if part.children is not None:
            yield from walk(part.children)


Resolve = Callable[[str], MessagePlan | None]


def split(plan: MessagePlan | None, data: bytes, resolve: Resolve | None = None) -> list[Part]:
    """The parts of a message. `resolve` finds the plan of what an Any holds, by its full name."""
    return _Splitter(resolve).message(plan, data, 0)


class _Splitter:
    def __init__(self, resolve: Resolve | None) -> None:
        self._resolve = resolve

    def message(self, plan: MessagePlan | None, data: bytes, depth: int) -> list[Part]:
        parts = self._fields(plan, data, 0, len(data), depth, None)[0]
        if plan is not None and plan.full_name == "google.protobuf.Any":
            self._any(parts, depth)
        return parts

    def _fields(
        self, plan: MessagePlan | None, data: bytes, position: int, end: int, depth: int, group: int | None
    ) -> tuple[list[Part], int]:
        """The fields up to the end of the data, or up to the end tag of a group, and the position reached."""
        parts: list[Part] = []
        while position < end:
            start = position
            try:
                number, kind, position = decode_tag(data, start, end)
                if kind is WireType.EGROUP and number == group:
                    return parts, start
                field = plan.field(number) if plan is not None else None
                part = Part(number, kind, data[start:position], field=field, plan=plan)
                position = self._value(part, data, position, end, depth)
            except DecodeError:
                parts.append(Part(0, None, content=data[start:end]))
                return parts, end
            parts.append(part)
        return parts, position

    def _value(self, part: Part, data: bytes, position: int, end: int, depth: int) -> int:
        if part.kind is WireType.SGROUP and depth < _MAX_DEPTH:
            return self._group(part, data, position, end, depth)
        if part.kind is not WireType.LEN:
            after = skip_value(data, part.number, part.kind or 0, position, end, 0)
            part.content = data[position:after]
            return after
        size, begin = decode_varint(data, position, end)
        if size > end - begin:
            raise DecodeError("truncated", begin)
        part.length, part.content = data[position:begin], data[begin : begin + size]
        inner = _message_of(part.field)
        if inner is not None and depth < _MAX_DEPTH:
            part.entry = part.field is not None and part.field.cardinality is Cardinality.MAP
            part.children = self.message(inner, part.content, depth + 1)
        return begin + size

    def _group(self, part: Part, data: bytes, position: int, end: int, depth: int) -> int:
        inner = part.field.message if part.field is not None and part.field.kind is Kind.GROUP else None
        part.children, position = self._fields(inner, data, position, end, depth + 1, part.number)
        if position < end:
            after = decode_tag(data, position, end)[2]
            part.end = data[position:after]
            position = after
        if part.plan is not None and part.plan.message_set and part.number == message_set.ITEM:
            self._item(part.plan, part.children, depth)
        return position

    def _item(self, plan: MessagePlan, parts: list[Part], depth: int) -> None:
        """Which message an item of a MessageSet holds is said by its type id, before or behind it."""
        for part in parts:
            if part.number == message_set.TYPE_ID and part.kind is WireType.VARINT:
                extension = plan.extensions.get(decode_varint(part.content, 0, len(part.content))[0])
                if extension is not None:
                    self._contents(parts, message_set.MESSAGE, extension.message, depth)
                return

    def _any(self, parts: list[Part], depth: int) -> None:
        urls = [part.content for part in parts if part.number == 1 and part.kind is WireType.LEN]
        if urls and self._resolve is not None:
            name = urls[-1].decode(errors="replace").rpartition("/")[2]
            self._contents(parts, 2, self._resolve(name), depth)

    def _contents(self, parts: list[Part], number: int, plan: MessagePlan | None, depth: int) -> None:
        for part in parts:
            if (
                part.number == number
                and part.kind is WireType.LEN
                and plan is not None
                and depth < _MAX_DEPTH
            ):
                part.children = self.message(plan, part.content, depth + 1)


def _message_of(field: FieldPlan | None) -> MessagePlan | None:
    if field is None or field.kind is not Kind.MESSAGE:
        return None
    if field.cardinality is Cardinality.MAP:
        return MessagePlan(f"{field.name} entry", key_and_value(field))
    return field.message
