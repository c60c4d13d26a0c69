"""Invariant: for every schema and every input, our codec and Google's accept the same bytes and read the same
values."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf.message import DecodeError as GoogleDecodeError
from hypothesis import given, settings
from hypothesis import strategies as st

from barewire.wire import DecodeError, interpret
from tests.support.wire_schemas import Schema, google_tree, messages, schemas, tree

SETTINGS = settings(max_examples=60)
SLOW = settings(SETTINGS, max_examples=1200)


def google_decode(schema: Schema, data: bytes) -> Any:
    """Google's message, or None when it refuses the bytes or misses a required field (which its Python never minds)."""
    try:
        message = schema.google[0].FromString(data)
    except GoogleDecodeError:
        return None
    return message if message.IsInitialized() else None


def check_values(data: Any) -> None:
    schema = data.draw(schemas())
    message = data.draw(messages(schema.plans[0]))
    encoded = interpret.encode(message)
    google = schema.google[0].FromString(encoded)
    assert google_tree(google, schema.plans[0]) == tree(message)
    decoded = interpret.decode(schema.plans[0], google.SerializeToString())
    assert tree(decoded) == tree(message)
    assert not decoded._unknown


MUTATIONS = st.lists(
    st.tuples(
        st.sampled_from(["flip", "byte", "cut", "insert", "repeat"]),
        st.integers(0, 10**6),
        st.binary(max_size=11),
    ),
    min_size=1,
    max_size=4,
)


def mutate(data: bytes, mutations: list[tuple[str, int, bytes]]) -> bytes:
    mutated = bytearray(data)
    for what, where, new in mutations:
        at = where % (len(mutated) + 1)
        if what == "insert":
            mutated[at:at] = new
        elif what == "repeat":
            mutated += mutated[at : at + 20]
        elif what == "cut":
            del mutated[at : at + 1 + where % 3]
        elif at < len(mutated):
            mutated[at] = mutated[at] ^ 0x80 if what == "flip" or not new else new[0]
    return bytes(mutated)


def check_bytes(data: Any) -> None:
    schema = data.draw(schemas())
    message = data.draw(messages(schema.plans[0]))
    mutated = mutate(interpret.encode(message), data.draw(MUTATIONS))
    google = google_decode(schema, mutated)
    error: DecodeError | None = None
    ours: Any = None
    try:
        ours = interpret.decode(schema.plans[0], mutated)
    except DecodeError as raised:
        error = raised
    if error is not None:
        assert google is None, error
        assert 0 <= error.offset <= len(mutated)
        return
    assert google is not None, ours
    assert google_tree(google, schema.plans[0]) == tree(ours)
    # What either side kept as unknown, the other reads back to the same values.
    again = interpret.decode(schema.plans[0], google.SerializeToString())
    assert tree(again) == tree(ours)
    assert tree(interpret.decode(schema.plans[0], interpret.encode(ours))) == tree(ours)


@given(data=st.data())
@SETTINGS
def test_values(data: Any) -> None:
    check_values(data)


@given(data=st.data())
@SETTINGS
def test_mutated_bytes(data: Any) -> None:
    check_bytes(data)


@pytest.mark.slow
@given(data=st.data())
@SLOW
def test_values_at_length(data: Any) -> None:
    check_values(data)


@pytest.mark.slow
@given(data=st.data())
@SLOW
def test_mutated_bytes_at_length(data: Any) -> None:
    check_bytes(data)
