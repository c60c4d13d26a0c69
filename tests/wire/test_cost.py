"""Invariant: decoding takes time in proportion to the input, good or bad, and bad input little more than good.

Counted in lines of Python that run, so the machine does not matter.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable
from typing import Any

import pytest

from barewire.wire import DecodeError, Message, interpret
from barewire.wire.varint import encode_varint
from tests.support.wire_atoms import ATOMS, SCHEMA, wrapped

BAD_ENDS = {
    "good": b"",
    "field number 0": b"\x07",
    "cut off": b"\x0a\x7f",
    "wrong text": b"\x52\x03\x0a\x01\xff",
}
SIZES = (15, 30, 60)


def lines_run(call: Callable[[], Any]) -> int:
    """How many lines of Python `call` runs; a DecodeError ends it."""
    count = 0

    def trace(frame: Any, event: str, argument: Any) -> Any:
        nonlocal count
        count += 1
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    except DecodeError:
        pass
    finally:
        sys.settrace(before)
    return count


def decoding(data: bytes) -> int:
    return lines_run(lambda: SCHEMA.Node.decode(data))


def interpreting(data: bytes) -> int:
    return lines_run(lambda: interpret.decode(SCHEMA.Node.__plan__, data))


@pytest.fixture(autouse=True, scope="module")
def compiled() -> None:
    """Compiling is not what is counted."""
    everything = b"".join(ATOMS.values())
    for data in (everything, b"\x3a" + encode_varint(len(everything)) + everything, *ATOMS.values()):
        Message.decode.__func__(SCHEMA.Node, data)


@pytest.mark.parametrize("end", BAD_ENDS)
@pytest.mark.parametrize("first", ATOMS)
def test_linear(first: str, end: str) -> None:
    for second in ATOMS:
        pair = ATOMS[first] + ATOMS[second]
        small, medium, large = (decoding(pair * size + BAD_ENDS[end]) for size in SIZES)
        assert large - medium <= 2.2 * (medium - small) + 100, second


@pytest.mark.parametrize("end", [end for end in BAD_ENDS if BAD_ENDS[end]])
@pytest.mark.parametrize("atom", [atom for atom in ATOMS if "overlong" not in atom])
def test_bad_input_costs_twice_as_much_as_good_input(atom: str, end: str) -> None:
    good = ATOMS[atom] * 300
    for data, bad in ((good, good + BAD_ENDS[end]), (wrapped(good), wrapped(good + BAD_ENDS[end]))):
        assert decoding(bad) <= 2 * decoding(data) + 1000


def test_no_input_costs_much_more_than_the_interpreter() -> None:
    """Up to a factor: what the fast decoder leaves to the interpreter, it may leave to it twice."""
    for first, second in itertools.product(ATOMS, ATOMS):
        data = (ATOMS[first] + ATOMS[second]) * 20 + b"\x07"
        assert decoding(data) <= 3 * interpreting(data) + 500, (first, second)
