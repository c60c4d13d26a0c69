"""Invariant: for every plan and every input, the fast codec and the interpreter agree in value, in bytes and in error.

On a fault the fast codec hands over to the interpreter (see test_recover), so what is tested here are the fast
functions alone: where they answer, the interpreter gives the same answer.
"""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from barewire.wire import DecodeError, EncodeError, interpret, specialize
from barewire.wire.message import Message
from barewire.wire.read_helpers import FAULTS, Unusual
from barewire.wire.write_helpers import FAULTS as WRITE_FAULTS
from tests.support.wire_schemas import messages, schemas, tree
from tests.wire.test_against_upb import MUTATIONS, SETTINGS, SLOW, mutate


def same(one: Message, other: Message) -> bool:
    """Equal down to the types of values, which == does not see (True == 1, a member == its number)."""
    return (
        tree(one) == tree(other) and repr(one) == repr(other) and bytes(one._unknown) == bytes(other._unknown)
    )


def check_agreement(data: Any) -> None:
    schema = data.draw(schemas())
    message = data.draw(messages(schema.plans[0]))
    encoded = interpret.encode(message)
    assert specialize.fast_encode(message) == encoded
    assert message.encode() == encoded
    decoded = specialize.fast_decode(schema.plans[0], encoded)
    assert same(decoded, interpret.decode(schema.plans[0], encoded))
    assert type(decoded) is schema.plans[0].message_class

    mutated = mutate(encoded, data.draw(MUTATIONS))
    try:
        expected = interpret.decode(schema.plans[0], mutated)
    except DecodeError:
        with pytest.raises(FAULTS):
            specialize.fast_decode(schema.plans[0], mutated)
        return
    try:
        decoded = specialize.fast_decode(schema.plans[0], mutated)
    except FAULTS:
        return  # it may always pass the question on
    assert same(decoded, expected)
    assert specialize.fast_encode(decoded) == interpret.encode(expected)


@given(data=st.data())
@SETTINGS
def test_agreement(data: Any) -> None:
    check_agreement(data)


@pytest.mark.slow
@given(data=st.data())
@SLOW
def test_agreement_at_length(data: Any) -> None:
    check_agreement(data)


WRONG = st.one_of(
    st.none(),
    st.sampled_from(
        [
            True,
            False,
            "",
            "x",
            "\udc80",
            "\ud800",
            b"",
            b"x",
            bytearray(b"y"),
            [],
            [1],
            {},
            {1: 1},
            (),
            object(),
        ]
    ),
    st.integers(-(2**70), 2**70),
    st.floats(),
)


def check_wrong_values(data: Any) -> None:
    """One attribute holds something else than it should: both refuse, or both write the same."""
    schema = data.draw(schemas())
    message = data.draw(messages(schema.plans[0]))
    if not schema.plans[0].fields:
        return
    field = data.draw(st.sampled_from(schema.plans[0].fields))
    value = data.draw(WRONG)
    container = getattr(message, field.attribute)
    if isinstance(container, list) and data.draw(st.booleans()):
        container.append(value)
    elif isinstance(container, dict) and container and data.draw(st.booleans()):
        container[next(iter(container))] = value
    else:
        setattr(message, field.attribute, value)
    expected, error = None, None
    try:
        expected = interpret.encode(message)
    except EncodeError as raised:
        error = str(raised)
    if error is not None:
        assert error.startswith(f"{schema.plans[0].full_name}.{field.name}")
        with pytest.raises((*WRITE_FAULTS, Unusual)):
            specialize.fast_encode(message)
        return
    with contextlib.suppress(*WRITE_FAULTS, Unusual):  # it may always pass the question on
        assert specialize.fast_encode(message) == expected
    assert message.encode() == expected


@given(data=st.data())
@SETTINGS
def test_wrong_values(data: Any) -> None:
    check_wrong_values(data)


@pytest.mark.slow
@given(data=st.data())
@SLOW
def test_wrong_values_at_length(data: Any) -> None:
    check_wrong_values(data)
