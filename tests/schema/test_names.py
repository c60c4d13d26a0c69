"""The inspector with names from a schema."""

from __future__ import annotations

from barewire import schema
from barewire.schema.names import field_names
from barewire.wire.render import render
from tests.support.schemas import PROTOS


def test_names_and_types_are_those_of_the_proto() -> None:
    kitchen = schema.load(PROTOS / "kitchen.proto")
    shelf = kitchen["pantry.Shelf"](corner=kitchen["pantry.Shelf.Corner"](dust="grey"), named_lids={"a": 5})
    shelf[kitchen["pantry.Crate.inventory"]] = [-1]
    sink = kitchen.Sink(a_tap=2, floats=[1.5], uint64_to_drain={7: kitchen.Sink.Drain(name="x")}, shelf=shelf)
    text = render(sink.encode(), field_names(kitchen.Sink))
    for expected in (
        "a_tap",
        "WARM",
        "repeated float",
        "map<uint64, kitchen.Sink.Drain>",
        "pantry.Shelf.Corner",
        '"grey"',
        "map<string, pantry.Lid>",
        "TIGHT",
        "[pantry.Crate.inventory]",
        "repeated sint64",
    ):
        assert expected in text, text


def test_no_class_is_built() -> None:
    clash = schema.load(PROTOS / "clash.proto")
    names = field_names(clash.file.messages[0])
    colour, encode = names.field(16), names.field(3)
    assert colour is not None
    assert colour.member is not None
    assert colour.member(8) == "while"
    assert colour.member(99) is None
    assert encode is not None
    assert (encode.name, encode.type) == ("encode", "string")
    assert names.field(999) is None
