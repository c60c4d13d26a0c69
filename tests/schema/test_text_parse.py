"""Reading the text format: what is taken, what is refused and where, and that nothing but TextError comes out."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from barewire import schema
from barewire.schema import TextError, wkt
from tests.support.schemas import both
from tests.support.text_cases import BAD, ERRORS, GOOD
from tests.support.text_texts import ODD, texts

QUIET = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example)
SETTINGS = settings(deadline=None, max_examples=300, suppress_health_check=QUIET)
RESERVED = """
    edition = "2024";
    message Node {
      reserved gone, left;
      reserved 7;
      Node node = 1;
      repeated Node nodes = 2;
      map<string, Node> named = 3;
      int32 number = 4;
      extensions 100 to 200;
    }
    extend Node { Node other = 100; }
"""


def kitchen(name: str) -> Any:
    return both("kitchen.proto").ours[name]


def reserved() -> Any:
    return schema.loads(RESERVED).Node


@pytest.mark.parametrize(("name", "text"), [case[:2] for case in GOOD])
def test_takes_what_is_in_the_format(name: str, text: str) -> None:
    message = kitchen(name).from_text(text)
    assert kitchen(name).from_text(text.encode()).encode() == message.encode()
    assert kitchen(name).from_text(message.to_text()).to_text() == message.to_text()
    assert kitchen(name).from_text("\ufeff" + text).encode() == message.encode()


@pytest.mark.parametrize(("name", "text"), [case[:2] for case in BAD])
def test_refuses_what_is_not(name: str, text: str) -> None:
    with pytest.raises(TextError) as caught:
        kitchen(name).from_text(text)
    assert caught.value.line >= 1
    assert caught.value.column >= 1


@pytest.mark.parametrize(("name", "text", "error"), ERRORS)
def test_errors_say_what_where_and_in_which_field(name: str, text: str, error: str) -> None:
    with pytest.raises(TextError) as caught:
        kitchen(name).from_text(text)
    assert str(caught.value) == error


def test_bytes_have_to_be_utf8_and_text_unicode() -> None:
    with pytest.raises(TextError, match=r"^line 2, column 2: the text is not UTF-8$"):
        kitchen("kitchen.Sink").from_text("# é\né".encode() + b"\xff")
    with pytest.raises(TextError, match=r"^line 2, column 12: half of a surrogate pair"):
        kitchen("kitchen.Sink").from_text('\na_string: "\ud800"')


def test_reserved_names_are_skipped_whatever_their_value() -> None:
    node = reserved()
    for value in (
        ": 1",
        ": -inf",
        ': "a" "b"',
        " { x: [1, -2] y < z { } > }",
        ": [a, b]",
        ": []",
        " []",
        " [{}, <>]",
        ":<[a.b]:1>",
    ):
        assert node.from_text(f"gone{value} number: 3; left{value}") == node(number=3)
    for value in ("", " 1", ": ", ": [1,]", ": { x 1 }", ": { 1: 2 }", ": 08", " [1]", ": {>", ": ["):
        with pytest.raises(TextError):
            node.from_text(f"gone{value}")
    with pytest.raises(TextError, match="no field 'lost'"):
        node.from_text("lost: 1")


def test_unknown_names_are_skipped_when_asked() -> None:
    node = reserved()
    text = 'lost { a: 1 } number: 3 [no.such]: "x" named { key: "k" other: 1 value { missing: 2 } }'
    expected = node(number=3, named={"k": node()})
    assert node.from_text(text, ignore_unknown_fields=True) == expected
    with pytest.raises(TextError, match="no value"):
        kitchen("kitchen.Sink").from_text("a_tap: NONE", ignore_unknown_fields=True)


def test_required_fields_may_be_missing_when_asked() -> None:
    crate = kitchen("pantry.Crate")
    assert crate.from_text('owner: "x"', allow_partial=True) == crate(owner="x")


def test_groups_messages_in_a_set_and_delimited_messages() -> None:
    edited = both("editions.proto").ours
    text = "needed: 1 framed { x: 1 } plain { x: 2 } inner { needed: 3 } [edited.framed_too] { x: 4 }"
    message = edited.Mixed.from_text(text)
    assert (message.framed.x, message.plain.x, message.inner[0].needed) == (1, 2, 3)
    assert message[edited.framed_too].x == 4
    for name in ("edited.Member", "edited.Member.member"):
        in_set = edited.Set.from_text(f'[{name}] {{ x: "y" }}')
        assert in_set[edited["edited.Member.member"]].x == "y"
    assert in_set.to_text() == '[edited.Member] {\n  x: "y"\n}\n'


def test_an_any_of_a_well_known_type_needs_no_registry() -> None:
    packed = wkt.Any.from_text("[type.googleapis.com/google.protobuf.Duration] { seconds: 3 }")
    assert packed == wkt.Any.pack(wkt.Duration(seconds=3))
    sink = both("kitchen.proto").ours
    with pytest.raises(TextError, match="not a type that is known"):
        wkt.Any.from_text("[a/kitchen.Empty] {}")
    assert wkt.Any.from_text("[a/kitchen.Empty] {}", registry=sink.registry).type_url == "a/kitchen.Empty"


def test_an_any_whose_url_cannot_stand_in_brackets_is_not_expanded() -> None:
    packed = wkt.Any(type_url="a b/google.protobuf.Empty")
    assert packed.to_text() == 'type_url: "a b/google.protobuf.Empty"\n'
    assert wkt.Any.from_text(packed.to_text()) == packed


BOMBS = {
    "node": ("node {", "}"),
    "angles": ("node: <", ">"),
    "list": ("nodes [ {", "} ]"),
    "map": ('named { key: "a" value {', "} }"),
    "extension": ("[other] {", "}"),
    "skipped": ("gone {", "}"),
    "skipped list": ("gone: [ <", "> ]"),
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_nesting_has_a_limit(bomb: str) -> None:
    node = reserved()
    opening, closing = BOMBS[bomb]
    levels = 49 if bomb == "map" else 99
    node.from_text(opening * levels + closing * levels)
    for count in (levels + 1, 100_000):
        with pytest.raises(TextError, match="nested too deeply"):
            node.from_text(opening * count + closing * count)
    # Without a limit worth the name, it is Python's stack that ends it.
    with pytest.raises(TextError, match="nested too deeply"):
        node.from_text(opening * 100_000, max_depth=10**9)


def test_an_any_in_an_any_has_the_same_limit() -> None:
    opening = "[type.googleapis.com/google.protobuf.Any] {"
    wkt.Any.from_text(opening * 99 + "}" * 99)
    with pytest.raises(TextError, match="nested too deeply"):
        wkt.Any.from_text(opening * 100 + "}" * 100)


@pytest.mark.parametrize(
    "text", ["{" * 200_000, "[" * 200_000, '"' * 200_001, "-" * 200_000, "#" * 200_000, " " * 200_000]
)
@pytest.mark.parametrize("start", ["", "a_string: ", "gone: ", "an_int32: 1", "[", "[a/", "some_bytes: '\\"])
def test_long_texts_of_one_character_are_read_in_linear_time(start: str, text: str) -> None:
    # A quadratic reader would not end within the time that a test may take.
    with contextlib.suppress(TextError):
        kitchen("kitchen.Sink").from_text(start + text)


@pytest.mark.parametrize("name", ["kitchen.Sink", "kitchen.Spices", "pantry.Shelf", "pantry.Crate"])
@given(data=st.data())
@SETTINGS
def test_nothing_but_text_errors(name: str, data: Any) -> None:
    pieces = st.one_of(texts(kitchen(name)), st.text(max_size=8), st.sampled_from(ODD))
    text = "".join(data.draw(st.lists(pieces, max_size=4)))
    encoded: str | bytes = text if data.draw(st.booleans()) else text.encode("utf-8", "surrogatepass")
    try:
        kitchen(name).from_text(encoded, ignore_unknown_fields=data.draw(st.booleans()))
    except TextError as error:
        assert 1 <= error.line <= text.count("\n") + 1
        assert str(error)
