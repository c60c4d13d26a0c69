"""Rewriting inputs so that they lack a certain peculiarity: if a difference goes away with it, it is explained.

Each function changes a tree of parts in place.
"""

from __future__ import annotations

import struct

from ...wire import message_set
from ...wire.plan import Cardinality, EnumPlan, Kind
from ...wire.scalar import is_packable, scalar, wire_type, zero
from ...wire.tag import WireType, encode_tag
from ...wire.varint import UINT64_MASK, decode_varint, encode_varint, signed
from .parts import Part, walk

_NANS = {Kind.FLOAT: struct.pack("<f", float("nan")), Kind.DOUBLE: struct.pack("<d", float("nan"))}


def shortest_tags(parts: list[Part]) -> None:
    """Tags in as few bytes as they need."""
    for siblings in walk(parts):
        for part in siblings:
            if part.kind is not None:
                part.tag = encode_tag(part.number, part.kind)
                part.end = encode_tag(part.number, WireType.EGROUP) if part.end else b""


def shortest_lengths(parts: list[Part]) -> None:
    """Lengths in as few bytes as they need."""
    for siblings in walk(parts):
        for part in siblings:
            if part.kind is WireType.LEN:
                part.length = None


def plain_nans(parts: list[Part]) -> None:
    """Every NaN is the one that Python's float("nan") is."""
    for siblings in walk(parts):
        for part in siblings:
            nan = _NANS.get(part.field.kind) if part.field is not None else None
            if nan is not None and part.kind in (WireType.I32, WireType.I64, WireType.LEN):
                part.content = _plain_nans(part.content, nan)


def _plain_nans(content: bytes, nan: bytes) -> bytes:
    layout = "<f" if len(nan) == 4 else "<d"
    pieces = [content[at : at + len(nan)] for at in range(0, len(content), len(nan))]
    return b"".join(
        nan if len(piece) == len(nan) and (number := struct.unpack(layout, piece)[0]) != number else piece
        for piece in pieces
    )


def plain_entries(parts: list[Part]) -> None:
    """Map entries of one key and one value, the last of each, written as the encoder writes them."""
    for siblings in walk(parts):
        for part in siblings:
            if not part.entry or part.children is None or part.field is None or part.field.key is None:
                continue
            last = {child.number: child for child in part.children if _fits(child)}
            faults = [child for child in part.children if child.kind is None]
            key = part.field.key
            if 1 not in last:
                last[1] = Part(1, wire_type(key), content=scalar(key).write(zero(key)), field=key)
                if last[1].kind is WireType.LEN:
                    last[1].content = b""
            part.children = [last[number] for number in (1, 2) if number in last]
            _shortest([part, *part.children])
            part.children += faults


def _shortest(parts: list[Part]) -> None:
    for part in parts:
        if part.kind is not None:
            part.tag, part.length = encode_tag(part.number, part.kind), None


def _fits(part: Part) -> bool:
    return part.field is not None and part.kind is wire_type(part.field)


def shortest_enums(parts: list[Part]) -> None:
    """Numbers of closed enums as the shortest varints of 32-bit numbers."""
    for siblings in walk(parts):
        for part in siblings:
            enum = part.field.enum if part.field is not None else None
            if enum is None or not enum.closed:
                continue
            if part.kind is not None:
                part.tag = encode_tag(part.number, part.kind)
            if part.kind is WireType.VARINT:
                part.content = _int32(decode_varint(part.content, 0, len(part.content))[0])
            elif (
                part.kind is WireType.LEN
                and part.field is not None
                and part.field.cardinality is Cardinality.REPEATED
            ):
                part.content = _shortest_varints(part.content)


def _shortest_varints(content: bytes) -> bytes:
    position, found = 0, b""
    try:
        while position < len(content):
            number, position = decode_varint(content, position, len(content))
            found += _int32(number)
    except ValueError:
        return content
    return found


def _int32(number: int) -> bytes:
    return encode_varint(signed(number, 32) & UINT64_MASK)


def known_entries(parts: list[Part]) -> None:
    """No map entries whose value is a number that its closed enum does not know."""
    for siblings in walk(parts):
        siblings[:] = [part for part in siblings if not _is_unknown_entry(part)]


def _is_unknown_entry(part: Part) -> bool:
    value = part.field.value if part.entry and part.field is not None else None
    if value is None or value.enum is None or not value.enum.closed:
        return False
    enum = value.enum
    numbers = [
        child.content for child in part.children or () if child.number == 2 and child.kind is WireType.VARINT
    ]
    return any(not _knows(enum, content) for content in numbers)


def no_unknown_enums_in_oneofs(parts: list[Part]) -> None:
    """No members of oneofs that are numbers which their closed enum does not know."""
    for siblings in walk(parts):
        siblings[:] = [part for part in siblings if not _is_unknown_member(part)]


def _is_unknown_member(part: Part) -> bool:
    field = part.field
    if field is None or field.oneof is None or field.enum is None or not field.enum.closed:
        return False
    return part.kind is WireType.VARINT and not _knows(field.enum, part.content)


def _knows(enum: EnumPlan, content: bytes) -> bool:
    return signed(decode_varint(content, 0, len(content))[0], 32) in enum.enum_class._value2member_map_


def plain_items(parts: list[Part]) -> None:
    """Items of a MessageSet that hold one type id and then one message, the first of each; one item per type id."""
    last: dict[tuple[int, bytes], Part] = {}  # in the whole tree: messages that come twice merge their sets
    for siblings in walk(parts):
        for part in siblings:
            if part.plan is not None and part.plan.message_set and part.field is not None:
                last[id(part.plan), encode_varint(part.number)] = (
                    part  # an extension that is not written as an item
                )
            if not _is_item(part) or part.children is None:
                continue
            firsts = {(child.number, child.kind): child for child in reversed(part.children)}
            faults = [child for child in part.children if child.kind is None]
            type_id = firsts.get((message_set.TYPE_ID, WireType.VARINT))
            message = firsts.get((message_set.MESSAGE, WireType.LEN))
            if type_id and message:
                type_id.content = encode_varint(decode_varint(type_id.content, 0, len(type_id.content))[0])
            if faults or (type_id and message):
                part.children = [child for child in (type_id, message) if child]
                _shortest([part, *part.children])
                part.end = encode_tag(part.number, WireType.EGROUP) if part.end else b""
                part.children += faults
                last[id(part.plan), type_id.content if type_id else b""] = part
    for siblings in walk(parts):
        siblings[:] = [
            part
            for part in siblings
            if not (_is_item(part) or (part.plan and part.plan.message_set and part.field))
            or any(part is item for item in last.values())
        ]


def no_message_sets(parts: list[Part]) -> None:
    """No fields that hold a MessageSet."""
    for siblings in walk(parts):
        siblings[:] = [part for part in siblings if not _holds_message_set(part)]


def _holds_message_set(part: Part) -> bool:
    held = part.field.message if part.field is not None else None
    return held is not None and held.message_set


def _is_item(part: Part) -> bool:
    in_set = part.plan is not None and part.plan.message_set
    return in_set and part.number == message_set.ITEM and part.kind is WireType.SGROUP


def plain_text(parts: list[Part]) -> None:
    """What is not UTF-8, in strings that need not be, becomes a question mark."""
    for siblings in walk(parts):
        for part in siblings:
            if part.field is not None and part.field.kind is Kind.STRING and not part.field.utf8:
                try:
                    part.content.decode()
                except UnicodeDecodeError:
                    part.content = b"?"


def no_empty_extension_lists(parts: list[Part]) -> None:
    """No packed extensions without any element."""
    for siblings in walk(parts):
        siblings[:] = [part for part in siblings if not _is_empty_extension(part)]


def _is_empty_extension(part: Part) -> bool:
    field, plan = part.field, part.plan
    if field is None or plan is None or plan.extensions.get(field.number) is not field:
        return False
    return (
        field.cardinality is Cardinality.REPEATED
        and is_packable(field)
        and part.kind is WireType.LEN
        and not part.content
    )
