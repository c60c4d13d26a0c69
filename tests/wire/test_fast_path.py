"""Invariant: what encoders write never needs the interpreter, whatever the schema uses.

The random schemas have it all: required fields, declared defaults, closed and open enums, oneofs, groups, extensions,
maps of every kind, packed and not, text that is not checked, tags of one to five bytes. What they lack is MessageSet,
proto2's oldest form of extension, which is left to the interpreter on purpose.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn
from unittest import mock

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from barewire import schema
from barewire.wire import interpret
from barewire.wire.access import message_class
from tests.support.wire_schemas import messages, schemas
from tests.wire.test_against_upb import SETTINGS, SLOW
from tests.wire.test_specialize import same


def refuse(*arguments: Any) -> NoReturn:
    raise AssertionError("the interpreter was needed")


@contextmanager
def without_interpreter() -> Iterator[None]:
    """For codecs that are compiled inside: nothing in them reaches the interpreter."""
    with (
        mock.patch("barewire.wire.interpret.encode", refuse),
        mock.patch("barewire.wire.interpret.read_field", refuse),
        mock.patch("barewire.wire.recover.decode", refuse),
    ):
        yield


def check_random_schema(data: Any) -> None:
    made = data.draw(schemas())
    message = data.draw(messages(made.plans[0]))
    with without_interpreter():
        encoded = message.encode()
        sorted_maps = message.encode(deterministic=True)
        decoded = message_class(made.plans[0]).decode(encoded)
    event("extensions" if made.extensions else "no extensions")
    assert encoded == interpret.encode(message)
    assert sorted_maps == interpret.encode(message, True)
    assert same(decoded, interpret.decode(made.plans[0], encoded))


@given(data=st.data())
@SETTINGS
def test_random_schemas(data: Any) -> None:
    check_random_schema(data)


@pytest.mark.slow
@given(data=st.data())
@SLOW
def test_random_schemas_at_length(data: Any) -> None:
    check_random_schema(data)


def test_a_closed_enum_keeps_what_it_does_not_know() -> None:
    made: Any = schema.loads("""
        syntax = "proto2";
        enum E { A = 1; B = 2; }
        message M { optional E one = 1; repeated E many = 2; repeated E packed = 3 [packed = true]; }
    """)
    data = b"\x08\x07" + b"\x10\x01\x10\x07" + b"\x1a\x02\x01\x07"
    with without_interpreter():
        message = made.M.decode(data)
    assert same(message, interpret.decode(made.M.__plan__, data))
    assert (message.one, message.many, message.packed) == (None, [1], [1])
