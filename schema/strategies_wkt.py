"""Strategies for the well-known types, of the values that have a JSON form. See `strategies`."""

from __future__ import annotations

from functools import cache

from hypothesis import strategies as st

from ..wire.message import Message
from ..wire.plan import Kind
from . import wkt
from .fuzz.boundaries import SPECIAL_FIELDS
from .strategies_scalars import SCALARS, Strategy

_FIRST, _LAST = -62_135_596_800, 253_402_300_799  # seconds of the years 1 to 9999
_DURATION = 315_576_000_000
_FINITE = st.floats(allow_nan=False, allow_infinity=False)
_NANOS = st.one_of(
    st.sampled_from(SPECIAL_FIELDS["google.protobuf.Timestamp.nanos"]), st.integers(0, 999_999_999)
)
_WORD = st.from_regex("[a-z]{1,5}(_[a-z]{1,4}){0,2}", fullmatch=True)
_PATHS = st.lists(st.lists(_WORD, min_size=1, max_size=2).map(".".join), max_size=3)


def json_values(cls: type[Message]) -> Strategy | None:
    """Values of a well-known type that not all values of its fields give a JSON form; None for any other type.

    The type may be a copy of the one in `wkt`, of another registry; the values are of the class that is asked for.
    """
    match cls.__plan__.full_name:
        case "google.protobuf.Timestamp":
            return _timestamps(cls)
        case "google.protobuf.Duration":
            return _durations(cls)
        case "google.protobuf.FieldMask":
            return st.builds(cls, paths=_PATHS)
        case "google.protobuf.Value":
            return _values(2)
        case "google.protobuf.Struct":
            return _structs(2)
        case "google.protobuf.ListValue":
            return _lists(2)
        case "google.protobuf.Any":
            return _anys()
        case _:
            return None


def _timestamps(cls: type[Message]) -> Strategy:
    seconds = st.one_of(st.sampled_from([0, -1, _FIRST, _LAST]), st.integers(_FIRST, _LAST))
    return st.builds(cls, seconds=seconds, nanos=_NANOS)


def _durations(cls: type[Message]) -> Strategy:
    seconds = st.one_of(st.sampled_from([0, 1, _DURATION - 1]), st.integers(0, _DURATION - 1))

    def signed(sign: int, seconds: int, nanos: int) -> Message:
        return cls(seconds=sign * seconds, nanos=sign * nanos)

    return st.builds(signed, st.sampled_from([1, -1]), seconds, _NANOS)


@cache
def _values(depth: int) -> Strategy:
    leaves = [
        st.just(wkt.Value(null_value=wkt.NullValue(0))),
        st.builds(wkt.Value, number_value=_FINITE),
        st.builds(wkt.Value, string_value=SCALARS[Kind.STRING]),
        st.builds(wkt.Value, bool_value=st.booleans()),
    ]
    if depth > 0:
        leaves += [
            st.builds(wkt.Value, struct_value=_structs(depth - 1)),
            st.builds(wkt.Value, list_value=_lists(depth - 1)),
        ]
    return st.one_of(leaves)


@cache
def _structs(depth: int) -> Strategy:
    fields = st.dictionaries(SCALARS[Kind.STRING], _values(depth), max_size=3)
    return st.builds(wkt.Struct, fields=fields)


@cache
def _lists(depth: int) -> Strategy:
    return st.builds(wkt.ListValue, values=st.lists(_values(depth), max_size=3))


@cache
def _anys() -> Strategy:
    """Empty, or of a type with a JSON form of its own, of one without, or of another Any."""
    inner = st.one_of(
        _timestamps(wkt.Timestamp),
        _structs(1),
        st.just(wkt.Empty()),
        st.builds(wkt.Int64Value, value=SCALARS[Kind.INT64]),
    )
    packed = inner.map(wkt.Any.pack)
    return st.one_of(packed, packed.map(wkt.Any.pack), st.just(wkt.Any()))
