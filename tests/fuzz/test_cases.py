"""The inputs: what is meant to be valid is, one seed gives one input, and parts keep every byte."""

from __future__ import annotations

import random

import pytest

from barewire.schema.fuzz.cases import Cases
from barewire.schema.fuzz.faults import mutate, overlong
from barewire.schema.fuzz.generate import Generator
from barewire.schema.fuzz.parts import canonical, join, split
from barewire.wire import DecodeError
from barewire.wire.varint import decode_varint
from tests.fuzz.message_types import TYPES, message_class


@pytest.mark.parametrize("name", TYPES)
def test_without_faults_all_is_valid(name: str) -> None:
    cls = message_class(name)
    generator, chance = Generator(cls.__plan__), random.Random(1)
    for _ in range(300):
        data = generator.generate(chance)
        cls.decode(data)


def test_with_faults_much_is_invalid_but_not_all() -> None:
    cls = message_class("kitchen.Sink")
    generator, chance = Generator(cls.__plan__, faults=0.2), random.Random(1)
    refused = 0
    for _ in range(300):
        try:
            cls.decode(generator.generate(chance))
        except DecodeError:
            refused += 1
    assert 30 < refused < 270


def test_a_number_is_always_the_same_input() -> None:
    cls = message_class("kitchen.Sink")
    first, again = Cases(cls, 5), Cases(cls, 5)
    inputs = [first.case(number) for number in range(50)]
    assert [again.case(number) for number in reversed(range(50))] == inputs[::-1]
    assert len(set(inputs)) > 40
    assert inputs != [Cases(cls, 6).case(number) for number in range(50)]


def test_a_generated_any_holds_a_known_message() -> None:
    cls = message_class("kitchen.Spices")
    cases = Cases(cls, 1)
    urls = {message.any.type_url for message in map(cls.decode, _valid(cls, cases)) if message.any}
    assert "type.googleapis.com/google.protobuf.Duration" in urls


def _valid(cls: type, cases: Cases) -> list[bytes]:
    found = []
    for number in range(2000):
        data = cases.case(number)
        try:
            cls.decode(data)
        except DecodeError:
            continue
        found.append(data)
    return found


@pytest.mark.parametrize("name", TYPES)
def test_parts_keep_every_byte(name: str) -> None:
    cls = message_class(name)
    cases = Cases(cls, 2)
    for number in range(500):
        data = cases.case(number)
        assert join(split(cls.__plan__, data)) == data
        canonical(cls.__plan__, data)


def test_the_canonical_form_does_not_depend_on_order() -> None:
    cls = message_class("kitchen.Sink")
    one = cls(an_int32=1, string_to_string={"a": "1", "b": "2"}).encode() + b"\xc0\x3e\x01"
    two = b"\xc0\x3e\x01" + cls(string_to_string={"b": "2", "a": "1"}).encode() + cls(an_int32=1).encode()
    assert one != two
    assert canonical(cls.__plan__, one) == canonical(cls.__plan__, two)
    assert canonical(cls.__plan__, one) != canonical(cls.__plan__, cls(an_int32=2).encode())


def test_overlong_keeps_the_number() -> None:
    chance = random.Random(0)
    for varint in (b"\0", b"\x7f", b"\x80\x01"):
        longer = overlong(varint, 10, chance.random)
        assert len(varint) < len(longer) <= 10
        assert decode_varint(longer, 0, len(longer))[0] == decode_varint(varint, 0, len(varint))[0]


def test_mutations_of_nothing_and_of_one_byte() -> None:
    chance = random.Random(0)
    for _ in range(500):
        mutate(b"", b"", chance.random)
        mutate(b"\x08", b"\x08\x01", chance.random)
