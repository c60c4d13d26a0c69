"""Values that are not what a field usually holds, but good enough; and sizes that the tables do not know."""

from __future__ import annotations

import types
from collections import UserDict, UserList, deque
from fractions import Fraction
from typing import Any

import pytest

from barewire.wire import interpret, specialize
from tests.support.wire_plans import EXPLICIT, REPEATED, Book, Genre, Kind, Library, field, plan

odd_plan = plan(
    "odd.Odd",
    field(1, "flag", Kind.BOOL),
    field(2, "data", Kind.BYTES),
    field(3, "number", Kind.INT64),
    field(4, "single", Kind.FLOAT),
    field(5, "double", Kind.DOUBLE),
    field(6, "fixed", Kind.FIXED32),
    field(7, "zigzag", Kind.SINT64),
    field(8, "flags", Kind.BOOL, REPEATED, packed=True),
    field(9, "maybe", Kind.BYTES, EXPLICIT),
    field(10, "singles", Kind.FLOAT, REPEATED),
    field(11, "text", Kind.STRING, REPEATED),
)
Odd: Any = odd_plan.message_class


class Index:
    """What a number of another library looks like."""

    def __init__(self, value: int) -> None:
        self.value = value

    def __index__(self) -> int:
        return self.value


@pytest.mark.parametrize(
    ("odd", "plain"),
    [
        (Odd(flag=1), Odd(flag=True)),
        (Odd(flag=0), Odd()),
        (Odd(number=True), Odd(number=1)),
        (Odd(number=False, fixed=False, zigzag=False), Odd()),
        (Odd(number=Index(5), zigzag=Index(-3), fixed=Index(7)), Odd(number=5, zigzag=-3, fixed=7)),
        (Odd(number=Genre.POEM, fixed=Genre.POEM, double=Genre.POEM), Odd(number=2, fixed=2, double=2.0)),
        (Odd(data=bytearray(b"x"), maybe=memoryview(b"yz")), Odd(data=b"x", maybe=b"yz")),
        (Odd(single=1e300), Odd(single=float("inf"))),
        (Odd(single=6e-258), Odd()),  # no float is so near to zero but zero itself
        (Odd(single=-6e-258), Odd(single=-0.0)),
        (Odd(single=2.0**-149), Odd(single=1.4e-45)),
        (Odd(singles=[-1e300]), Odd(singles=[float("-inf")])),
        (Odd(double=Fraction(1, 2), single=3), Odd(double=0.5, single=3.0)),
        (Odd(flags=[1, 0, True]), Odd(flags=[True, False, True])),
    ],
)
def test_good_enough(odd: Any, plain: Any) -> None:
    assert odd.encode() == interpret.encode(odd) == plain.encode()


def test_containers() -> None:
    message = Odd()
    for like_a_list in (UserList(["a", "b"]), deque(["a", "b"]), ("a", "b")):
        message.text = like_a_list
        assert message.encode() == Odd(text=["a", "b"]).encode()
    library: Any = Library()
    for like_a_dict in (UserDict({"a": 1}), types.MappingProxyType({"a": 1})):
        library.counts = like_a_dict
        assert library.encode() == Library(counts={"a": 1}).encode()


@pytest.mark.parametrize("size", [127, 128, 16383, 16384, 2**21 - 1, 2**21, 2**28])
def test_lengths_of_every_size(size: int) -> None:
    for message in (
        (Odd(data=bytes(size)), Book(title="x" * size)) if size < 2**28 else (Odd(data=bytes(size)),)
    ):
        encoded = specialize.fast_encode(message)
        assert len(encoded) > size
        assert specialize.fast_decode(message.__plan__, encoded) == message
    assert interpret.encode(Odd(data=bytes(size))) == Odd(data=bytes(size)).encode()


@pytest.mark.parametrize("bits", range(0, 64, 7))
def test_varints_of_every_size(bits: int) -> None:
    for value in {1 << bits, (1 << bits) - 1, -(1 << bits), -(1 << bits) - 1} - {-(1 << 63) - 1}:
        if value < 1 << 63:
            message = Odd(number=value, zigzag=value)
            encoded = specialize.fast_encode(message)
            assert encoded == interpret.encode(message)
            assert specialize.fast_decode(odd_plan, encoded) == message
