"""What `barewire fuzz` has found in barewire, one test each."""

from __future__ import annotations

import pytest

from barewire import schema
from barewire.schema import JsonError
from barewire.wire import DecodeError, interpret

REQUIRED = schema.loads(
    """
    syntax = "proto2";
    message Inner { required string name = 1; }
    message Outer {
      optional Inner one = 1;
      repeated Inner many = 2;
      map<int32, Inner> by_number = 3;
      optional group Grouped = 4 { required int32 number = 1; }
      extensions 100 to 200;
    }
    extend Outer { optional Inner extra = 100; }
    """,
    name="required.proto",
)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param("8a0000", id="message"),
        pytest.param("920000", id="repeated"),
        pytest.param("92000312016192000200ff", id="repeated, unknown inside"),
        pytest.param("9a0000", id="map"),
        pytest.param("1a0212001a0212031a00", id="map, value alone"),
        pytest.param("1a0712030a0161080112001a0412000801", id="map, a key again"),
        pytest.param("a300a400", id="group"),
        pytest.param("a2860000", id="extension"),
    ],
)
def test_a_required_field_is_missed_behind_an_overlong_tag(data: str) -> None:
    """The fast decoder lets the interpreter read such fields, and did not look whether what it read was complete."""
    for decode in (REQUIRED.Outer.decode, lambda data: interpret.decode(REQUIRED.Outer.__plan__, data)):
        with pytest.raises(DecodeError):
            decode(bytes.fromhex(data))


def test_a_complete_message_behind_an_overlong_tag_is_taken() -> None:
    outer = REQUIRED.Outer
    one, again = outer(one=outer.decode(bytes.fromhex("0a030a0161")).one), bytes.fromhex("8a00030a0161")
    assert outer.decode(again) == one
    twice = bytes.fromhex("1a0712030a016108011a0712030a01620801")
    assert outer.decode(twice).by_number[1].name == "b"


def test_a_null_value_of_an_unknown_number_is_null_in_json() -> None:
    value = schema.loads(
        'syntax = "proto3"; import "google/protobuf/struct.proto";'
        " message Holder { oneof kind { google.protobuf.NullValue null = 1; }"
        " repeated google.protobuf.NullValue list = 2; }"
    ).Holder.decode(b"\x08\x01\x12\x02\x00\x07")
    assert value.to_json() == '{"null":null,"list":[null,null]}'


def test_the_type_url_of_an_any_is_unicode() -> None:
    """Half of a surrogate pair was taken, and the message could not be encoded."""
    with pytest.raises(JsonError, match="surrogate"):
        schema.wkt.Any.from_json(r'{"@type": "\ud800/google.protobuf.Duration", "value": "1s"}')
