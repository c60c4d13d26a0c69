"""One message with a field of every kind in every cardinality, so that no combination is left to chance."""

from __future__ import annotations

import random
from typing import Any

import pytest

from barewire.wire import Cardinality, DecodeError, Kind, interpret, specialize
from barewire.wire.access import store
from barewire.wire.read_helpers import FAULTS
from barewire.wire.scalar import RANGES
from tests.support.wire_schemas import MAP_KEYS, MESSAGES, SCALARS, Schema, build, google_tree, tree
from tests.wire.test_against_upb import google_decode, mutate
from tests.wire.test_specialize import same

CLOSED = "closed"


def _fields(start: int, step: int) -> list[dict[str, Any]]:
    """Field numbers run through tags of one, two and three bytes."""
    specs: list[dict[str, Any]] = []

    def add(name: str, kind: Kind, cardinality: Cardinality, **more: Any) -> None:
        number = start + step * len(specs)
        extra: dict[str, Any] = {}
        if kind in MESSAGES and cardinality is not Cardinality.MAP:
            extra["message"] = 1
        if kind is Kind.ENUM:
            extra["enum"] = "open"
        specs.append(
            {"number": number, "name": name, "kind": kind, "cardinality": cardinality, **extra, **more}
        )

    for kind in SCALARS:
        add(f"i_{kind.value}", kind, Cardinality.IMPLICIT)
        add(f"e_{kind.value}", kind, Cardinality.EXPLICIT)
        add(f"o_{kind.value}", kind, Cardinality.EXPLICIT, oneof="choice")
        add(f"r_{kind.value}", kind, Cardinality.REPEATED)
        if kind not in (Kind.STRING, Kind.BYTES):
            add(f"p_{kind.value}", kind, Cardinality.REPEATED, packed=True)
    add("e_closed", Kind.ENUM, Cardinality.EXPLICIT, enum=CLOSED)
    add("o_closed", Kind.ENUM, Cardinality.EXPLICIT, enum=CLOSED, oneof="choice")
    add("r_closed", Kind.ENUM, Cardinality.REPEATED, enum=CLOSED)
    add("p_closed", Kind.ENUM, Cardinality.REPEATED, enum=CLOSED, packed=True)
    add("raw", Kind.STRING, Cardinality.EXPLICIT, utf8=False)
    for kind in MESSAGES:
        add(f"e_{kind.value}", kind, Cardinality.EXPLICIT)
        add(f"o_{kind.value}", kind, Cardinality.EXPLICIT, oneof="choice")
        add(f"r_{kind.value}", kind, Cardinality.REPEATED)
        add(f"leaf_{kind.value}", kind, Cardinality.EXPLICIT, message=2)
        add(f"leaves_{kind.value}", kind, Cardinality.REPEATED, message=2)
    for index, kind in enumerate((*SCALARS, Kind.MESSAGE)):
        key = {"number": 1, "name": "key", "kind": MAP_KEYS[index % len(MAP_KEYS)]}
        value: dict[str, Any] = {"number": 2, "name": "value", "kind": kind}
        value |= {"enum": "open"} if kind is Kind.ENUM else {"message": 1} if kind is Kind.MESSAGE else {}
        add(f"m_{kind.value}", Kind.MESSAGE, Cardinality.MAP, key=key, value=value)
    text_key = {"number": 1, "name": "key", "kind": Kind.STRING}
    for name, value in (
        ("closed", {"number": 2, "name": "value", "kind": Kind.ENUM, "enum": CLOSED}),
        ("leaf", {"number": 2, "name": "value", "kind": Kind.MESSAGE, "message": 2}),
    ):
        add(f"m_{name}", Kind.MESSAGE, Cardinality.MAP, key=text_key, value=value)
    return specs


SMALL = [
    {"number": 1, "name": "id", "kind": Kind.INT32, "cardinality": Cardinality.REQUIRED},
    {"number": 2, "name": "text", "kind": Kind.STRING},
    {"number": 3, "name": "again", "kind": Kind.MESSAGE, "cardinality": Cardinality.REPEATED, "message": 1},
    {"number": 4, "name": "group", "kind": Kind.GROUP, "cardinality": Cardinality.EXPLICIT, "message": 1},
]
LEAF = [{"number": number, "name": f"t{number}", "kind": Kind.STRING} for number in (1, 2, 3)]


def _extensions() -> list[dict[str, Any]]:
    return [
        {**spec, "number": 1000 + index, "name": f"x_{spec['name']}"}
        for index, spec in enumerate(_fields(1, 1))
        if spec["cardinality"] in (Cardinality.EXPLICIT, Cardinality.REPEATED) and "oneof" not in spec
    ]


SCHEMAS = {
    "one_byte_tags_first": build("every1", [_fields(1, 1), SMALL, LEAF], _extensions()),
    "long_tags": build("every2", [_fields(2040, 97), SMALL, LEAF]),
}


def _value(field: Any, chance: random.Random, depth: int) -> Any:
    if field.kind in MESSAGES:
        return _message(field.message, chance, depth - 1)
    if field.kind is Kind.ENUM:
        return field.enum.enum_class(chance.choice((0, 1, 100, -1) if field.enum.closed else (0, 2, 77, -5)))
    if field.kind is Kind.STRING:
        return chance.choice(("", "a", "é", "text", "x" * 130))
    if field.kind is Kind.BYTES:
        return chance.choice((b"", b"\xff", b"x" * 130))
    if field.kind is Kind.BOOL:
        return chance.random() < 0.5
    if field.kind in (Kind.FLOAT, Kind.DOUBLE):
        return chance.choice((0.0, -0.0, 1.5, float("inf"), -(2.0**20)))
    low, high = RANGES[field.kind]
    return max(
        low, min(high, chance.choice((0, 1, -1, 64, 127, 128, 300, 2**20, 2**30, 2**40, -(2**40), low, high)))
    )


def _message(plan: Any, chance: random.Random, depth: int = 2) -> Any:
    """Not from Hypothesis: shrinking a message of a hundred fields takes for ever."""
    message: Any = plan.message_class()
    for field in plan.all_fields():
        is_required = field.cardinality is Cardinality.REQUIRED
        if not is_required and (chance.random() < 0.4 or (field.message is not None and depth <= 0)):
            continue
        if field.cardinality is Cardinality.MAP:
            value: Any = {_value(field.key, chance, 0): _value(field.value, chance, depth) for _ in range(2)}
        elif field.cardinality is Cardinality.REPEATED:
            value = [_value(field, chance, depth) for _ in range(chance.choice((1, 2, 40)))]
        else:
            value = _value(field, chance, depth)
        store(message, plan, field, value)
    return message


def _mutations(chance: random.Random) -> list[tuple[str, int, bytes]]:
    kinds = ("flip", "byte", "cut", "insert", "repeat")
    return [
        (chance.choice(kinds), chance.randrange(10**6), chance.randbytes(chance.randrange(11)))
        for _ in range(2)
    ]


@pytest.mark.parametrize("name", SCHEMAS)
@pytest.mark.parametrize("seed", range(8))
def test_every_kind(name: str, seed: int) -> None:
    schema = SCHEMAS[name]
    plan = schema.plans[0]
    chance = random.Random(seed)
    message = _message(plan, chance)
    encoded = interpret.encode(message)
    assert specialize.fast_encode(message) == encoded
    google = schema.google[0].FromString(encoded)
    assert google_tree(google, plan) == tree(message)
    for data_again in (encoded, google.SerializeToString()):
        decoded = specialize.fast_decode(plan, data_again)
        assert same(decoded, interpret.decode(plan, data_again))
        assert tree(decoded) == tree(message)
    doubled = specialize.fast_decode(plan, encoded + encoded)
    assert same(doubled, interpret.decode(plan, encoded + encoded))
    assert google_tree(schema.google[0].FromString(encoded + encoded), plan) == tree(doubled)
    assert decoded.copy() == decoded or "nan" in repr(decoded)

    for _ in range(20):
        check_mutated(schema, mutate(encoded, _mutations(chance)))


def check_mutated(schema: Schema, mutated: bytes) -> None:
    plan = schema.plans[0]
    google = google_decode(schema, mutated)
    try:
        reference = interpret.decode(plan, mutated)
    except DecodeError:
        assert google is None
        with pytest.raises(FAULTS):
            specialize.fast_decode(plan, mutated)
        return
    assert google is not None
    assert google_tree(google, plan) == tree(reference)
    assert same(plan.message_class.decode(mutated), reference)


def test_absent_fields_write_nothing() -> None:
    for schema in SCHEMAS.values():
        message = schema.plans[0].message_class()
        assert message.encode() == specialize.fast_encode(message) == b""


def test_zero_values_are_written_where_presence_is_explicit() -> None:
    schema = SCHEMAS["one_byte_tags_first"]
    values = {"implicit": {}, "explicit": {}}
    for kind in SCALARS:
        zero = {"double": -0.0, "float": -0.0, "string": "", "bytes": b"", "bool": False}.get(kind.value, 0)
        values["implicit"][f"i_{kind.value}"] = zero
        values["explicit"][f"e_{kind.value}"] = zero
    for given_values in values.values():
        message = schema.plans[0].message_class(**given_values)
        encoded = message.encode()
        assert encoded == specialize.fast_encode(message) == interpret.encode(message)
        google = schema.google[0](**given_values)
        assert encoded == google.SerializeToString()


def test_sources_can_be_read() -> None:
    for schema in SCHEMAS.values():
        text = specialize.source(schema.plans[0])
        assert "def decode(data):" in text
        assert "def write(m, depth):" in text
        compile(text, "source", "exec")
