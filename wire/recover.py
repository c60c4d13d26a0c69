"""What happens to input that the fast decoder gave up on: the interpreter finds the error, or copes.

It need not begin at the beginning. The traceback of the fault holds the frames of the generated functions, and they
know how far they had come: what lies in front of that is good, and the fast decoder reads it again. So bad input costs
about twice what good input does, and the interpreter's pace for the fields around the fault; good input pays nothing.
"""

from __future__ import annotations

from typing import NamedTuple

from . import interpret
from .access import collection, load, message_class, store, sub_plan
from .errors import DecodeError
from .message import Message
from .plan import Cardinality, FieldPlan, Kind, MessagePlan
from .skip import MAX_NESTING
from .tag import WireType, decode_tag
from .varint import decode_length


class Reached(NamedTuple):
    """How far the function of one message came: `start` is behind a field; `position` where it looked last.

    While it calls the function of a submessage, `position` is where that begins.
    """

    plan: MessagePlan
    start: int
    position: int


def reached(fault: BaseException, data: bytes) -> list[Reached]:
    """From the outermost message inwards, as far as their functions read `data` itself and no slice of it."""
    found: list[Reached] = []
    traceback = fault.__traceback__
    while traceback is not None and (traceback := traceback.tb_next) is not None:
        frame = traceback.tb_frame
        state = frame.f_locals
        if frame.f_code.co_name != "read" or "start" not in state or state["data"] is not data:
            break
        found.append(Reached(frame.f_globals["PLAN"], state["start"], state["pos"]))
    return found


def decode(plan: MessagePlan, data: bytes, path: list[Reached]) -> Message:
    """What `interpret.decode` does; `path` is what `reached` found."""
    message = message_class(plan)()
    try:
        _read_message(message, plan, data, 0, len(data), MAX_NESTING, path)
        missing = interpret.missing_required(message)
        if missing is not None:
            raise DecodeError("required field is missing", len(data), missing)
    except DecodeError as error:
        error.message_name = plan.full_name
        raise
    return message


def _read_message(
    message: Message, plan: MessagePlan, data: bytes, position: int, end: int, depth: int, path: list[Reached]
) -> None:
    # The fast decoder wants every required field to be there at the end of what it reads.
    required = any(field.cardinality is Cardinality.REQUIRED for field in plan.fields)
    if not path or path[0].plan is not plan or required:
        interpret.read_message(message, plan, data, position, end, depth)
        return
    here, *inner = path
    from .specialize import codec_of  # which needs this module

    codec_of(plan).function("read")(data, position, here.start, message, depth)
    position = here.start
    while position < end:
        start = position
        number, wire_type, position = decode_tag(data, position, end)
        field = plan.field(number)
        if inner and field and _begins_at(field, wire_type, data, position, end) == here.position:
            position = _read_inner(message, plan, field, data, position, end, depth, inner)
        else:
            tag = number, wire_type, position
            position = interpret.read_field(message, plan, data, start, tag, depth, end)


def _begins_at(field: FieldPlan, wire_type: WireType, data: bytes, position: int, end: int) -> int:
    """Where the submessage begins whose length is at `position`; -1 if there is none."""
    is_message = field.kind is Kind.MESSAGE and field.cardinality is not Cardinality.MAP
    if not is_message or wire_type is not WireType.LEN:
        return -1
    try:
        return decode_length(data, position, end)[0]
    except DecodeError:
        return -1


def _read_inner(
    message: Message,
    plan: MessagePlan,
    field: FieldPlan,
    data: bytes,
    position: int,
    end: int,
    depth: int,
    path: list[Reached],
) -> int:
    """What the interpreter does for a field that holds a message, but with a `path`."""
    position, end = decode_length(data, position, end)
    repeated = field.cardinality is Cardinality.REPEATED
    present = None if repeated else load(message, plan, field)
    value = message_class(sub_plan(field))() if present is None else present
    try:
        _read_message(value, sub_plan(field), data, position, end, depth - 1, path)
    except DecodeError as error:
        if repeated:
            error.within(f"[{len(load(message, plan, field) or ())}]")
        error.within(field.name)
        raise
    if repeated:
        collection(message, plan, field).append(value)
    elif present is None:
        store(message, plan, field, value)
    return end
