"""MessageSet, proto2's oldest form of extension: `option message_set_wire_format = true`.

Every extension is a message, written as an item: group 1 { type_id = 2: the extension's number; message = 3: bytes }.
Spec: descriptor.proto, MessageOptions.message_set_wire_format.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .access import holds_messages, load, message_class, store, sub_plan
from .errors import DecodeError, EncodeError
from .plan import FieldPlan, MessagePlan
from .skip import MAX_NESTING, skip_value
from .tag import WireType, decode_tag, encode_tag
from .unknown import keep_unknown
from .varint import decode_length, decode_varint, encode_varint

if TYPE_CHECKING:
    from .message import Message

ITEM = 1
TYPE_ID = 2
MESSAGE = 3


def read_item(message: Message, plan: MessagePlan, data: bytes, start: int, depth: int, end: int) -> int:
    """Read the item whose start tag is at `start`; what is not a known extension becomes an unknown field."""
    from .interpret import read_message

    _, _, position = decode_tag(data, start, end)
    after = skip_value(data, ITEM, WireType.SGROUP, position, end, depth)
    type_id, content = _parse_item(data, position, after)
    field = plan.extensions.get(type_id) if content is not None else None
    if field is None or content is None or not holds_messages(field):
        keep_unknown(message, data[start:after])
        return after
    value = load(message, plan, field)
    if value is None:
        value = message_class(sub_plan(field))()
        store(message, plan, field, value)
    try:
        read_message(value, sub_plan(field), data, *content, depth - 2)
    except DecodeError as error:
        error.within(field.name)
        raise
    return after


def _parse_item(data: bytes, position: int, end: int) -> tuple[int, tuple[int, int] | None]:
    """The type id, and where the message begins and ends. The first of each counts; they come in any order."""
    type_id = 0
    content: tuple[int, int] | None = None
    while True:
        number, wire_type, after = decode_tag(data, position, end)
        if wire_type is WireType.EGROUP:
            return type_id, content
        if number == TYPE_ID and wire_type is WireType.VARINT and not type_id:
            type_id = decode_varint(data, after, end)[0]
        elif number == MESSAGE and wire_type is WireType.LEN and content is None:
            content = decode_length(data, after, end)
        position = skip_value(data, number, wire_type, after, end, MAX_NESTING)


def write_item(field: FieldPlan, value: Any, depth: int, deterministic: bool) -> list[bytes]:
    """The item of one extension."""
    from .interpret import write_value

    try:
        payload = write_value(field, value, depth - 1, deterministic)
    except EncodeError as error:
        error.within(field.name)
        raise
    return [
        encode_tag(ITEM, WireType.SGROUP),
        encode_tag(TYPE_ID, WireType.VARINT),
        encode_varint(field.number),
        encode_tag(MESSAGE, WireType.LEN),
        payload,
        encode_tag(ITEM, WireType.EGROUP),
    ]
