"""Invariant: to_text writes what Google's text_format writes."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import Any

import pytest
from google.protobuf import text_format as google_text
from hypothesis import given, settings
from hypothesis import strategies as st

from barewire import schema
from barewire.schema import wkt
from tests.support.schema_messages import messages
from tests.support.schemas import GOOGLE_INCLUDE, both

SETTINGS = settings(max_examples=60)
NAMES = ("kitchen.Sink", "kitchen.Spices", "pantry.Shelf")


def without_zero_entries(text: str) -> list[str]:
    """The lines, but for zero keys and values of maps: Google's Python leaves them out, its C++ writes them."""
    return [
        line
        for line in text.split("\n")
        if not re.fullmatch(r' *(key|value): (""|0|0\.0|false|COLD|LOOSE)', line)
    ]


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
@SETTINGS
def test_writes_what_google_writes(name: str, data: Any) -> None:
    known = both("kitchen.proto")
    message = data.draw(messages(known.ours[name]))
    google = known.google(name).FromString(message.encode())
    as_utf8 = data.draw(st.booleans())
    expected = google_text.MessageToString(google, as_utf8=as_utf8, descriptor_pool=known.pool)
    text = message.to_text(as_utf8=as_utf8)
    assert without_zero_entries(text) == without_zero_entries(expected)
    assert message.to_text(indent=None, as_utf8=as_utf8) == " ".join(
        line.strip() for line in text.split("\n")[:-1]
    )
    again = google_text.Parse(text, known.google(name)(), descriptor_pool=known.pool)
    assert google_text.MessageToString(again, as_utf8=as_utf8, descriptor_pool=known.pool) == expected


def test_unknown_fields_are_written_as_protoc_writes_them() -> None:
    ours = both("kitchen.proto").ours
    shelf = ours["pantry.Shelf"]
    nook = ours["pantry.Shelf.Nook"](depth=-1, shelf=shelf(label="inner", stamp=b""))
    sink = ours.Sink(
        a_double=1.5, a_fixed32=77, an_int32=-3, a_string="tea", shelf=shelf(nook=[nook]), strings=["é"]
    )
    encoded = sink.encode()
    command = [
        sys.executable,
        "-m",
        "grpc_tools.protoc",
        f"-I{GOOGLE_INCLUDE}",
        "--decode=google.protobuf.Empty",
    ]
    done = subprocess.run(
        [*command, "google/protobuf/empty.proto"], input=encoded, capture_output=True, check=True
    )
    unknown = wkt.Empty.decode(encoded)
    assert unknown.to_text(print_unknown_fields=True) == done.stdout.decode()
    assert not unknown.to_text()


def test_fields_come_by_number_and_maps_by_key() -> None:
    sink = both("kitchen.proto").ours.Sink
    message = sink(a_string='"quoted"\n', a_double=1e20, int32_to_int64={2: 1, -1: 5}, a_tap=7)
    assert message.to_text().splitlines() == [
        "a_double: 1e+20",
        'a_string: "\\"quoted\\"\\n"',
        "a_tap: 7",
        *("int32_to_int64 {", "  key: -1", "  value: 5", "}"),
        *("int32_to_int64 {", "  key: 2", "  value: 1", "}"),
    ]
    assert message.to_text(indent=None).startswith("a_double: 1e+20 a_string:")


def test_groups_extensions_and_anys() -> None:
    ours = both("kitchen.proto").ours
    shelf = ours["pantry.Shelf"](corner=ours["pantry.Shelf.Corner"](dust="much"))
    shelf[ours["pantry.Crate.inventory"]] = [1]
    packed = wkt.Any.pack(shelf, type_url_prefix="example.com")
    spices = ours.Spices(any=packed)
    inside = [
        "any {",
        "  [example.com/pantry.Shelf] {",
        *("    Corner {", '      dust: "much"', "    }"),
        "    [pantry.Crate.inventory]: 1",
        *("  }", "}"),
    ]
    assert spices.to_text().splitlines() == inside
    # Where its type is not known, an Any is a message like any other.
    assert packed.to_text().startswith('type_url: "example.com/pantry.Shelf"\nvalue: "')
    assert packed.to_text(registry=ours.registry).splitlines() == [line[2:] for line in inside[1:-1]]


def test_bytes_that_are_no_utf8_are_written_in_octal() -> None:
    label = schema.loads('syntax = "proto2"; message L { optional string s = 1; }').L.decode(b"\n\3a\xff\xc3")
    assert label.to_text() == 's: "a\\377\\303"\n'


def test_values_of_a_wrong_type_are_named() -> None:
    untyped: Any = wkt
    sink = both("kitchen.proto").ours.Sink
    for message, error in (
        (sink(an_int32="x"), "an_int32: 'x' is no int32"),
        (sink(a_string=3), "a_string: 3 is no string"),
        (sink(drains=[3]), "drains: 3 is not a message"),
        (untyped.Any(type_url=3), "type_url: 3 is no string"),
    ):
        with pytest.raises(ValueError, match=error):
            message.to_text()


def test_a_circle_is_refused() -> None:
    drain = both("kitchen.proto").ours.Sink.Drain()
    drain.side_drains.append(drain)
    with pytest.raises(ValueError, match="nested too deeply"):
        drain.to_text()
