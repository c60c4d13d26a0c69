from __future__ import annotations

import inspect

import pytest

from barewire.wire import RESERVED_NAMES, Message, attribute_name
from tests.support.wire_plans import EXPLICIT, Kind, field, plan


@pytest.mark.parametrize("name", ["title", "from_", "_private", "type", "id", "self", "unknown"])
def test_most_names_stay(name: str) -> None:
    assert attribute_name(name) == name


@pytest.mark.parametrize("name", ["class", "None", "encode", "which", "to_json", "_unknown", "_extensions"])
def test_taken_names_get_an_underscore(name: str) -> None:
    assert attribute_name(name) == name + "_"


def test_all_public_attributes_of_message_are_reserved() -> None:
    public = {name for name, _ in inspect.getmembers(Message) if not name.startswith("_")}
    assert public <= RESERVED_NAMES


@pytest.mark.parametrize("name", ["__x", "__init__", "__class__", "__slots__", "___", "__plan__"])
def test_dunder_names_make_usable_attributes(name: str) -> None:
    attribute = attribute_name(name)
    made = plan("odd.Dunder", field(1, name, Kind.INT32, attribute=attribute))
    message = made.message_class(**{attribute: 5})
    assert getattr(message, attribute) == 5
    assert made.message_class.decode(message.encode()) == message


@pytest.mark.parametrize(
    "name", ["self", "m", "data", "pos", "end", "t", "x", "plain", "storage", "public", "f_1"]
)
def test_names_that_generated_code_uses_are_free(name: str) -> None:
    made = plan(
        "odd.Names",
        field(1, name, Kind.STRING, oneof="o", cardinality=EXPLICIT),
        field(2, name + "2", Kind.INT32, oneof="o", cardinality=EXPLICIT),
    )
    message = made.message_class(**{name: "v"})
    assert getattr(made.message_class.decode(message.encode()), name) == "v"
