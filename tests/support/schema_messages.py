"""Random messages of loaded classes, for comparing the text formats with Google's.

The well-known types get values that JSON can express, and an Any holds a message of a few known types.
"""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from barewire.schema import Message, wkt
from barewire.wire.plan import Cardinality, Kind
from tests.support.wire_schemas import VALUES

_FIRST, _LAST = -62_135_596_800, 253_402_300_799
_NANOS = st.one_of(
    st.sampled_from([0, 1, 10, 1000, 500_000_000, 120_000, 999_999_999]), st.integers(0, 999_999_999)
)
_FINITE = st.floats(allow_nan=False, allow_infinity=False)
_WORD = st.from_regex("[a-z]{1,5}(_[a-z]{1,4}){0,2}", fullmatch=True)
_TEXT = VALUES[Kind.STRING]


def _timestamps() -> st.SearchStrategy[Message]:
    return st.builds(
        wkt.Timestamp,
        seconds=st.one_of(st.sampled_from([0, -1, _FIRST, _LAST]), st.integers(_FIRST, _LAST)),
        nanos=_NANOS,
    )


def _durations() -> st.SearchStrategy[Message]:
    limit = 315_576_000_000
    return st.builds(
        lambda sign, seconds, nanos: wkt.Duration(seconds=sign * seconds, nanos=sign * nanos),
        st.sampled_from([1, -1]),
        st.one_of(st.sampled_from([0, 1, limit - 1]), st.integers(0, limit - 1)),
        _NANOS,
    )


def _values(depth: int) -> st.SearchStrategy[Message]:
    leaves = [
        st.just(wkt.Value(null_value=wkt.NullValue(0))),
        st.builds(wkt.Value, number_value=_FINITE),
        st.builds(wkt.Value, string_value=_TEXT),
        st.builds(wkt.Value, bool_value=st.booleans()),
    ]
    if depth > 0:
        leaves += [
            st.builds(wkt.Value, struct_value=_structs(depth - 1)),
            st.builds(wkt.Value, list_value=_lists(depth - 1)),
        ]
    return st.one_of(leaves)


def _structs(depth: int) -> st.SearchStrategy[Message]:
    return st.builds(wkt.Struct, fields=st.dictionaries(_TEXT, _values(depth), max_size=3))


def _lists(depth: int) -> st.SearchStrategy[Message]:
    return st.builds(wkt.ListValue, values=st.lists(_values(depth), max_size=3))


@st.composite
def _anys(draw: Any, depth: int) -> Message:
    """Holds a well-known type with a form of its own, one without, or another Any."""
    inner = draw(
        st.one_of(
            _timestamps(),
            _structs(1),
            st.just(wkt.Empty()),
            st.builds(wkt.Int64Value, value=VALUES[Kind.INT64]),
        )
    )
    packed = wkt.Any.pack(inner)
    if draw(st.integers(0, 5)) == 0:
        return wkt.Any()
    return wkt.Any.pack(packed) if draw(st.booleans()) else packed


def _special(name: str, depth: int) -> st.SearchStrategy[Any] | None:
    match name:
        case "google.protobuf.Timestamp":
            return _timestamps()
        case "google.protobuf.Duration":
            return _durations()
        case "google.protobuf.FieldMask":
            paths = st.lists(st.lists(_WORD, min_size=1, max_size=2).map(".".join), max_size=3)
            return st.builds(wkt.FieldMask, paths=paths)
        case "google.protobuf.Value":
            return _values(2)
        case "google.protobuf.Struct":
            return _structs(2)
        case "google.protobuf.ListValue":
            return _lists(2)
        case "google.protobuf.Any":
            return _anys(depth)
        case _:
            return None


def _value(draw: Any, field: Any, depth: int) -> Any:
    if field.message is not None:
        return draw(messages(field.message.message_class, depth - 1))
    if field.enum is not None:
        known = list(field.enum.enum_class)
        if field.enum.closed or field.enum.full_name == "google.protobuf.NullValue":
            return draw(st.sampled_from(known))
        return draw(
            st.one_of(st.sampled_from(known), st.integers(-(2**31), 2**31 - 1).map(field.enum.enum_class))
        )
    return draw(VALUES[field.kind])


@st.composite
def messages(draw: Any, message_class: Any, depth: int = 3) -> Any:
    """Messages of a class, with about every third field set."""
    plan = message_class.__plan__
    special = _special(plan.full_name, depth)
    if special is not None:
        return draw(special)
    message = message_class()
    for field in [*plan.fields, *plan.extensions.values()]:
        holds_messages = field.message is not None or (
            field.value is not None and field.value.message is not None
        )
        required = field.cardinality is Cardinality.REQUIRED
        if not required and ((holds_messages and depth <= 0) or draw(st.integers(0, 2)) != 0):
            continue
        size = draw(st.integers(1, 3))
        if field.cardinality is Cardinality.MAP:
            value: Any = {_value(draw, field.key, 0): _value(draw, field.value, depth) for _ in range(size)}
        elif field.cardinality is Cardinality.REPEATED:
            value = [_value(draw, field, depth) for _ in range(size)]
        else:
            value = _value(draw, field, depth)
        if field.number in plan.extensions:
            message._extensions = {**(message._extensions or {}), field.number: value}
        else:
            setattr(message, field.attribute, value)
    return message
