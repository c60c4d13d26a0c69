"""The reference codec: reads a plan, and does what it says, slowly and obviously. This is the file to study.

`specialize` does the same at speed, and calls this one whenever anything is wrong, so every error message of the codec
comes from here. Positions always count in the outermost input; that is what makes the offsets of errors right.

Spec: https://protobuf.dev/programming-guides/encoding, all of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from . import message_set
from .access import (
    collection,
    has_presence,
    holds_messages,
    is_list,
    key_and_value,
    load,
    map_order,
    message_class,
    set_extensions,
    store,
    sub_plan,
)
from .errors import DecodeError, EncodeError
from .message import Message
from .plan import Cardinality, FieldPlan, Kind, MessagePlan
from .scalar import is_packable, scalar, show, wire_type, zero
from .skip import MAX_NESTING, skip_value
from .tag import WireType, decode_tag, encode_tag
from .unknown import keep_unknown
from .varint import UINT64_MASK, decode_length, encode_varint


def decode(plan: MessagePlan, data: bytes | bytearray | memoryview) -> Message:
    """The message that `data` holds. Raises DecodeError."""
    data = bytes(memoryview(data))
    message = message_class(plan)()
    try:
        read_message(message, plan, data, 0, len(data), MAX_NESTING)
        missing = missing_required(message)
        if missing is not None:
            raise DecodeError("required field is missing", len(data), missing)
    except DecodeError as error:
        error.message_name = plan.full_name
        raise
    return message


def encode(message: Message, deterministic: bool = False) -> bytes:
    """The bytes of `message`, with the entries of maps in order of their keys if asked for. Raises EncodeError."""
    try:
        return write_message(message, MAX_NESTING, deterministic)
    except EncodeError as error:
        error.message_name = message.__plan__.full_name
        raise


# Decoding ---------------------------------------------------------------------------------------------------------


def read_message(
    message: Message,
    plan: MessagePlan,
    data: bytes,
    position: int,
    end: int,
    depth: int,
    group: int | None = None,
) -> int:
    """Read fields into `message` up to `end`, or up to the end tag of `group`. Returns the position reached.

    `depth` is how many more levels of nesting are allowed.
    """
    if depth < 0:
        raise DecodeError(f"nested deeper than {MAX_NESTING} levels", position)
    begin = position
    while position < end:
        start = position
        number, kind, position = decode_tag(data, position, end)
        if kind is WireType.EGROUP and number == group:
            return position
        position = read_field(message, plan, data, start, (number, kind, position), depth, end)
    if group is not None:
        raise DecodeError(f"group {group} is not ended", begin)
    return position


def read_field(
    message: Message,
    plan: MessagePlan,
    data: bytes,
    start: int,
    tag: tuple[int, WireType, int],
    depth: int,
    end: int,
) -> int:
    """Read the field whose tag begins at `start` and has been decoded. Returns the position behind it."""
    number, kind, position = tag
    if plan.message_set and number == message_set.ITEM and kind is WireType.SGROUP:
        return message_set.read_item(message, plan, data, start, depth, end)
    field = plan.field(number)
    if field is None:
        reader = None
    elif field.cardinality is Cardinality.MAP:
        reader = _read_map_entry if kind is WireType.LEN else None
    elif kind is wire_type(field):
        reader = _read_message_field if holds_messages(field) else _read_scalar_field
    elif field.cardinality is Cardinality.REPEATED and is_packable(field) and kind is WireType.LEN:
        reader = _read_packed_field
    else:
        reader = None  # not a wire type that the field can have
    if field is None or reader is None:
        position = skip_value(data, number, kind, position, end, depth)
        keep_unknown(message, data[start:position])
        return position
    try:
        return reader(message, plan, field, data, position, end, depth)
    except DecodeError as error:
        if field.cardinality is Cardinality.REPEATED:
            error.within(f"[{len(load(message, plan, field) or ())}]")
        error.within(field.name)
        raise


def _read_scalar_field(
    message: Message, plan: MessagePlan, field: FieldPlan, data: bytes, position: int, end: int, depth: int
) -> int:
    value, position = scalar(field).read(data, position, end)
    _put(message, plan, field, value)
    return position


def _read_packed_field(
    message: Message, plan: MessagePlan, field: FieldPlan, data: bytes, position: int, end: int, depth: int
) -> int:
    position, end = decode_length(data, position, end)
    while position < end:
        value, position = scalar(field).read(data, position, end)
        _put(message, plan, field, value)
    return position


def _read_message_field(
    message: Message, plan: MessagePlan, field: FieldPlan, data: bytes, position: int, end: int, depth: int
) -> int:
    sub = sub_plan(field)
    group = field.number if field.kind is Kind.GROUP else None
    if group is None:
        position, end = decode_length(data, position, end)
    present = None if field.cardinality is Cardinality.REPEATED else load(message, plan, field)
    value = (
        message_class(sub)() if present is None else present
    )  # a singular message that comes again is merged
    position = read_message(value, sub, data, position, end, depth - 1, group)
    if field.cardinality is Cardinality.REPEATED:
        collection(message, plan, field).append(value)
    elif present is None:
        store(message, plan, field, value)
    return position


def _read_map_entry(
    message: Message, plan: MessagePlan, field: FieldPlan, data: bytes, position: int, end: int, depth: int
) -> int:
    """A map entry is a message of key (1) and value (2); absent ones have their zero value.

    An entry that holds anything else stays an unknown field as a whole, as in Google's upb.
    """
    key_field, value_field = key_and_value(field)
    begin = position
    position, end = decode_length(data, position, end)
    if depth < 1:
        raise DecodeError(f"nested deeper than {MAX_NESTING} levels", position)
    key = zero(key_field)
    value: Any = message_class(sub_plan(value_field))() if holds_messages(value_field) else zero(value_field)
    known = True
    while position < end:
        number, kind, after = decode_tag(data, position, end)
        if number == 1 and kind is wire_type(key_field):
            key, position = scalar(key_field).read(data, after, end)
        elif number == 2 and kind is wire_type(value_field):
            try:
                if holds_messages(value_field):
                    position, stop = decode_length(data, after, end)
                    read_message(value, sub_plan(value_field), data, position, stop, depth - 2)
                    position = stop
                else:
                    value, position = scalar(value_field).read(data, after, end)
            except DecodeError as error:
                error.within(f"[{show(key)}]")
                raise
        else:
            position = skip_value(data, number, kind, after, end, depth - 1)
            known = False
    if value_field.enum is not None:
        known = known and _is_accepted(value_field, value)
        value = value_field.enum.enum_class(value)
    if known:
        collection(message, plan, field)[key] = value
    else:
        keep_unknown(message, encode_tag(field.number, WireType.LEN) + data[begin:end])
    return position


def _put(message: Message, plan: MessagePlan, field: FieldPlan, value: Any) -> None:
    """Store or append a scalar; a number that a closed enum does not know goes to the unknown fields."""
    if field.enum is not None:
        if not _is_accepted(field, value):
            tag = encode_tag(field.number, WireType.VARINT)
            keep_unknown(message, tag + encode_varint(value & UINT64_MASK))
            return
        value = field.enum.enum_class(value)
    if field.cardinality is Cardinality.REPEATED:
        collection(message, plan, field).append(value)
    else:
        store(message, plan, field, value)


def _is_accepted(field: FieldPlan, number: int) -> bool:
    return field.enum is None or not field.enum.closed or number in field.enum.enum_class._value2member_map_


def missing_required(message: Message) -> str | None:
    """The path of the first required field, here or below, that is not set."""
    plan = message.__plan__
    for field in plan.all_fields():
        value = load(message, plan, field)
        if value is None:
            if field.cardinality is Cardinality.REQUIRED:
                return field.name
            continue
        if field.cardinality is Cardinality.MAP:
            held = [(f"[{show(key)}]", item) for key, item in value.items() if isinstance(item, Message)]
        elif not holds_messages(field):
            continue
        elif field.cardinality is Cardinality.REPEATED:
            held = [(f"[{index}]", item) for index, item in enumerate(value)]
        else:
            held = [("", value)]
        for index, item in held:
            path = missing_required(item)
            if path is not None:
                return f"{field.name}{index}.{path}"
    return None


# Encoding ---------------------------------------------------------------------------------------------------------


def write_message(message: Message, depth: int, deterministic: bool) -> bytes:
    """The fields of `message` in order of number, then its extensions likewise, then its unknown fields."""
    if depth < 0:
        raise EncodeError(f"nested deeper than {MAX_NESTING} levels")
    plan = message.__plan__
    parts: list[bytes] = []
    for field in plan.fields:
        parts += _write_field(field, getattr(message, field.attribute), depth, deterministic)
    for number, value in sorted(set_extensions(message).items()):
        if plan.message_set:
            parts += message_set.write_item(plan.extensions[number], value, depth, deterministic)
        else:
            parts += _write_field(plan.extensions[number], value, depth, deterministic)
    parts.append(bytes(message._unknown))
    return b"".join(parts)


def _write_field(field: FieldPlan, value: Any, depth: int, deterministic: bool) -> list[bytes]:
    try:
        if field.cardinality is Cardinality.MAP:
            return _write_map(field, value, depth, deterministic)
        if field.cardinality is Cardinality.REPEATED:
            return _write_repeated(field, value, depth, deterministic)
        if value is None and has_presence(field):
            if field.cardinality is Cardinality.REQUIRED:
                raise EncodeError("required field is not set")
            return []
        payload = write_value(field, value, depth, deterministic)
        if field.cardinality is Cardinality.IMPLICIT and payload == scalar(field).write(zero(field)):
            return []
        return [encode_tag(field.number, wire_type(field)), payload]
    except EncodeError as error:
        error.within(field.name)
        raise


def _write_repeated(field: FieldPlan, value: Any, depth: int, deterministic: bool) -> list[bytes]:
    if not is_list(value):
        raise EncodeError(f"{show(value)} is not a list")
    payloads: list[bytes] = []
    for index, item in enumerate(value):
        try:
            payloads.append(write_value(field, item, depth, deterministic))
        except EncodeError as error:
            error.within(f"[{index}]")
            raise
    if field.packed and payloads:
        packed = b"".join(payloads)
        return [encode_tag(field.number, WireType.LEN), encode_varint(len(packed)), packed]
    tag = encode_tag(field.number, wire_type(field))
    return [part for payload in payloads for part in (tag, payload)]


def _write_map(field: FieldPlan, value: Any, depth: int, deterministic: bool) -> list[bytes]:
    if not isinstance(value, Mapping):
        raise EncodeError(f"{show(value)} is not a dict")
    entries = cast("Mapping[Any, Any]", value)
    if entries and depth < 1:
        raise EncodeError(f"nested deeper than {MAX_NESTING} levels")
    key_field, value_field = key_and_value(field)
    written: dict[Any, bytes] = {}
    for key, item in entries.items():
        try:
            entry = encode_tag(1, wire_type(key_field)) + write_value(
                key_field, key, depth - 1, deterministic
            )
            entry += encode_tag(2, wire_type(value_field))
            written[key] = entry + write_value(value_field, item, depth - 1, deterministic)
        except EncodeError as error:
            error.within(f"[{show(key)}]")
            raise
    keys = sorted(written, key=map_order(key_field)) if deterministic else written
    tag = encode_tag(field.number, WireType.LEN)
    return [part for key in keys for part in (tag, encode_varint(len(written[key])), written[key])]


def write_value(field: FieldPlan, value: Any, depth: int, deterministic: bool) -> bytes:
    """One value without its tag; a group brings its end tag along."""
    if not holds_messages(field):
        return scalar(field).write(value)
    expected = message_class(sub_plan(field))
    if not isinstance(value, expected):
        raise EncodeError(f"{show(value)} is not a {expected.__plan__.full_name}")
    content = write_message(value, depth - 1, deterministic)
    if field.kind is Kind.GROUP:
        return content + encode_tag(field.number, WireType.EGROUP)
    return encode_varint(len(content)) + content
