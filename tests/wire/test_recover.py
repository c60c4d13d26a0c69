"""Invariant: of input that the fast decoder gives up on, `decode` makes what the interpreter alone makes of it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from barewire.wire import DecodeError, interpret
from tests.support.wire_atoms import ATOMS, SCHEMA, wrapped
from tests.wire.test_against_upb import MUTATIONS, mutate
from tests.wire.test_specialize import same


def outcome(decode: Any) -> Any:
    try:
        return decode()
    except DecodeError as error:
        return error.reason, error.offset, error.path, error.message_name


def check(data: bytes) -> None:
    expected = outcome(lambda: interpret.decode(SCHEMA.Node.__plan__, data))
    got = outcome(lambda: SCHEMA.Node.decode(data))
    if isinstance(expected, tuple) or isinstance(got, tuple):
        assert got == expected
    else:
        assert same(got, expected)
        assert type(got) is type(expected)


@st.composite
def inputs(draw: Any) -> bytes:
    """Fields in any order, inside each other at any depth, large enough that submessages are read where they lie."""
    data = b"".join(draw(st.lists(st.sampled_from(list(ATOMS.values())), max_size=30)))
    for _ in range(draw(st.integers(0, 4))):
        before, after = draw(st.lists(st.sampled_from(list(ATOMS.values())), min_size=2, max_size=2))
        inner = wrapped(data * draw(st.sampled_from((1, 1, 10))))
        in_list = b"\x3a" + inner[1:]  # the field `nodes`
        data = before + draw(st.sampled_from((inner, in_list))) + after
    return data


@given(data=inputs(), mutations=MUTATIONS)
@settings(max_examples=300)
def test_as_the_interpreter(data: bytes, mutations: Any) -> None:
    check(data)
    check(mutate(data, mutations))


@pytest.mark.parametrize("levels", [1, 2, 99, 100, 101])
def test_deep_inside(levels: int) -> None:
    data = b"".join(ATOMS.values()) * 3
    for _ in range(levels):
        data = ATOMS["text"] + wrapped(data) + ATOMS["map entry"]
    for end in (b"", b"\x07", b"\x0a\x7f"):
        check(data + end)
    check(data.replace(ATOMS["packed"], b"\x22\x03\x01\x80\x80"))
