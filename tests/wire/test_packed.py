"""Packed fields against upb, long ones above all: the bulk ways work on hundreds of values at a time."""

from __future__ import annotations

import random
from array import array
from typing import Any

import pytest
from google.protobuf.message import DecodeError as GoogleDecodeError

from barewire.wire import Cardinality, EncodeError, Kind
from barewire.wire.packed import PACKERS, UNPACKERS
from barewire.wire.packed_bulk import pack_bulk, unpack_bulk
from barewire.wire.read_helpers import Unusual
from barewire.wire.scalar import RANGES
from barewire.wire.varint import decode_length
from tests.support.wire_schemas import build

KINDS = [Kind.INT32, Kind.INT64, Kind.UINT32, Kind.UINT64, Kind.SINT32, Kind.SINT64]
SCHEMA = build(
    "packed",
    [[{"number": n + 1, "name": kind.value, "kind": kind, "cardinality": Cardinality.REPEATED, "packed": True}
      for n, kind in enumerate([*KINDS, Kind.BOOL, Kind.DOUBLE, Kind.FLOAT, Kind.FIXED32, Kind.SFIXED64])]],
)  # fmt: skip


def profile(kind: Kind, name: str, count: int, chance: random.Random) -> list[int]:
    low, high = RANGES[kind]
    if name == "uniform":
        return [chance.randint(low, high) for _ in range(count)]
    if name == "small":
        return [chance.randint(max(low, -100), 100) for _ in range(count)]
    if name == "below 2**55":
        return [chance.randint(0, min(high, 2**55)) for _ in range(count)]
    if name == "any size":
        return [
            max(low, min(high, chance.getrandbits(chance.randrange(1, 64)) * chance.choice((1, low and -1))))
            for _ in range(count)
        ]
    powers = [2**k - e for k in (0, 7, 14, 21, 28, 31, 32, 35, 42, 49, 56, 63) for e in (0, 1)]
    edges = [v for v in (*powers, *(-p for p in powers), low, high) if low <= v <= high]
    return [chance.choice(edges) for _ in range(count)]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.value)
@pytest.mark.parametrize("name", ["uniform", "small", "below 2**55", "any size", "edges"])
def test_long_lists_agree_with_upb(kind: Kind, name: str) -> None:
    chance = random.Random(f"{kind} {name}")
    for count in (1, 63, 64, 65, 300, 2047, 2048, 2049, 5000):
        values = profile(kind, name, count, chance)
        google: Any = SCHEMA.google[0]()
        getattr(google, kind.value).extend(values)
        encoded = google.SerializeToString()
        payload = encoded[slice(*decode_length(encoded, 1, len(encoded)))]
        assert PACKERS[kind](values) == payload
        unpacked = UNPACKERS[kind](payload)
        assert unpacked == values
        assert {type(value) for value in unpacked} == {int}
        assert unpack_bulk(payload, kind) in (values, None)
        assert pack_bulk(values, kind) in (payload, None)
        hostile(kind, payload, chance)


def hostile(kind: Kind, payload: bytes, chance: random.Random) -> None:
    """Mutated payloads: the verdict and the values of upb."""
    number = KINDS.index(kind) + 1
    for _ in range(6):
        mutated = bytearray(payload)
        for _ in range(chance.choice((1, 2, 5))):
            at = chance.randrange(len(mutated))
            what = chance.random()
            if what < 0.4:
                mutated[at] ^= 0x80
            elif what < 0.7:
                mutated[at] = chance.getrandbits(8)
            else:
                mutated[at : at + chance.randrange(12)] = bytes(
                    [chance.choice((0x80, 0xFF))]
                ) * chance.randrange(12)
            if not mutated:
                return
        from barewire.wire.varint import encode_varint

        message = bytes([number << 3 | 2]) + encode_varint(len(mutated)) + mutated
        try:
            expected = list(getattr(SCHEMA.google[0].FromString(message), kind.value))
        except GoogleDecodeError:
            with pytest.raises(Unusual):
                UNPACKERS[kind](bytes(mutated))
        else:
            assert UNPACKERS[kind](bytes(mutated)) == expected


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.value)
@pytest.mark.parametrize("count", [1, 100, 3000])
def test_values_that_do_not_fit_are_refused(kind: Kind, count: int) -> None:
    cls: Any = SCHEMA.plans[0].message_class
    low, high = RANGES[kind]
    for wrong in (low - 1, high + 1, "1", 1.5, None):
        message = cls(**{kind.value: [70000] * count + [wrong]})
        with pytest.raises(EncodeError, match=rf"{kind.value}\[{count}\]"):
            message.encode()


def test_arrays_are_lists() -> None:
    cls: Any = SCHEMA.plans[0].message_class
    message = cls()
    message.double = array("d", [1.5, 2.5])
    message.int32 = array("i", [1, 2, 300, -1])
    message.fixed32 = array("Q", [1, 2])
    decoded = cls.decode(message.encode())
    assert (decoded.double, decoded.int32, decoded.fixed32) == ([1.5, 2.5], [1, 2, 300, -1], [1, 2])


@pytest.mark.parametrize("kind", [Kind.DOUBLE, Kind.FLOAT, Kind.FIXED32, Kind.SFIXED64])
@pytest.mark.parametrize("count", [0, 1, 32, 33, 1000])
def test_fixed_width(kind: Kind, count: int) -> None:
    values = [float(v) if kind in (Kind.DOUBLE, Kind.FLOAT) else v for v in range(count)]
    payload = PACKERS[kind](values)
    assert UNPACKERS[kind](payload) == values
    for wrong in (payload + b"\0", payload[:-1]):
        if wrong:
            with pytest.raises(Unusual):
                UNPACKERS[kind](wrong)


def test_floats_too_large_become_infinite() -> None:
    cls: Any = SCHEMA.plans[0].message_class
    assert cls.decode(cls(float=[1e300, -1e300, 1.0]).encode()).float == [float("inf"), float("-inf"), 1.0]
