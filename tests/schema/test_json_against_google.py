"""Invariant: Google's json_format and ours write the same JSON for a message, and read the same message from a JSON."""

from __future__ import annotations

import json
import math
import re
from typing import Any

import pytest
from google.protobuf import json_format as google_json
from hypothesis import given, settings
from hypothesis import strategies as st

from barewire.schema import JsonError
from barewire.wire import EncodeError
from tests.support.schema_messages import messages
from tests.support.schemas import both

SETTINGS = settings(max_examples=60)
SLOW = settings(SETTINGS, max_examples=400)
NAMES = ("kitchen.Sink", "kitchen.Spices", "pantry.Shelf")


def same(left: Any, right: Any) -> bool:
    """Equality of JSON values in which a NaN equals itself and the order of keys does not matter."""
    if isinstance(left, float) and isinstance(right, float) and math.isnan(left):
        return math.isnan(right)
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    return left == right and isinstance(left, bool) is isinstance(right, bool)


def google_cannot_read(text: str) -> bool:
    """What Google's Python writes but does not read back: the largest float32, and a list of NullValues."""
    return "3.4028235e+38" in text or '"nulls"' in text


def check_printing(data: Any, name: str) -> None:
    known = both("kitchen.proto")
    message = data.draw(messages(known.ours[name]))
    google = known.google(name).FromString(message.encode())
    options = {
        "always_print_fields_with_no_presence": data.draw(st.booleans()),
        "preserving_proto_field_name": data.draw(st.booleans()),
        # Google's Python alone writes NullValue as 0 with this option; C++ and the specification say null.
        "use_integers_for_enums": name == "pantry.Shelf" and data.draw(st.booleans()),
    }
    expected = google_json.MessageToDict(google, descriptor_pool=known.pool, **options)
    printed = message.to_dict(**options)
    assert same(printed, expected)
    # Through text, and back on either side.
    text = message.to_json(indent=data.draw(st.sampled_from([None, 2])), **options)
    assert same(json.loads(text), expected)
    back = type(message).from_json(text)
    if google_cannot_read(text):
        assert same(back.to_dict(**options), expected)
        return
    theirs = google_json.Parse(text, known.google(name)(), descriptor_pool=known.pool)
    ours = known.google(name).FromString(back.encode())
    # Not the messages themselves: the bytes inside an Any may have their maps in another order.
    assert same(
        google_json.MessageToDict(ours, descriptor_pool=known.pool),
        google_json.MessageToDict(theirs, descriptor_pool=known.pool),
    )


# Where Google's Python takes more than ProtoJSON allows; its C++ refuses these as we do.
LENIENT = re.compile(
    "|".join(
        [
            r"has no value ",  # the name of an enum value may be the digits of a number
            r"expected a value of .*, got (true|false|string)",
            r"expected (float|double), got ",  # what Python's float() takes: true, "+1", " 1 ", "nan"
            r"got string '(\+1|01)'",
            r"does not fit enum|expected enum, got 1.5",  # an enum's number may be anything in a list or a map
            r"expected an object, got (string|an array)",  # "" and [] pass for empty objects
            r"is not base64",  # what is no base64 is skipped
            r"member of oneof 'choice', 'choice_?[nN]ull'",  # null does not count as setting a NullValue
        ]
    )
)

LEAVES = st.sampled_from(
    [
        *(None, True, False, 0, 1, -1, 1.5, 2.0, -0.0, 1e5, 1e300, 2**31, 2**32, 2**53, 2**63, 2**64, -(2**63) - 1),
        *("", "0", "-1", "1.0", "1.5", "1e3", " 1", "1 ", "01", "+1", "0x1", "NaN", "Infinity", "-Infinity", "nan"),
        *("true", "HOT", "hot", "9223372036854775808", "1e400", "a/b", "AA==", "AA", "A", "_-8=", "+/8", "A===", "a,b"),
        *("1s", "1.5s", "-0.1s", "s", "1.0000000001s", "315576000001s", "fooBar,baz.qux", "foo_bar", "é", "x" * 5),
        *("2020-01-01T00:00:00Z", "2020-01-01t00:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999999Z"),
        *("0000-01-01T00:00:00Z", "2020-02-30T00:00:00Z", "2020-01-01T00:00:00", "2020-01-01T00:00:00+01:30"),
        *("2020-01-01T00:00:00.Z", "2020-01-01T00:00:00.1234567891Z", "2020-01-01T24:00:00Z"),
        "0001-01-01T00:00:00+01:00",
        *([], {}, [None], [[]], [1], ["1"], {"a": 1}, {"a": None}, {"1": 1}, {"true": True}, {"x": {}}, {"value": 1}),
        *({"@type": "type.googleapis.com/google.protobuf.Duration", "value": "1s"}, {"@type": "x"}, {"@type": ""}),
        *({"@type": "type.googleapis.com/google.protobuf.Duration"}, {"@type": 3}),
        *({"@type": "type.googleapis.com/google.protobuf.Empty"}, {"@type": "a/kitchen.Empty", "value": 1}),
    ]
)  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of all values inside a JSON value."""
    items = (
        list(value.items())
        if isinstance(value, dict)
        else list(enumerate(value))
        if isinstance(value, list)
        else []
    )
    return [path, *(place for key, item in items for place in places(item, (*path, key)))]


def replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """A JSON value with what lies at `path` replaced."""
    if not path:
        return new
    if isinstance(value, dict):
        return {key: replaced(item, path[1:], new) if key == path[0] else item for key, item in value.items()}
    return [replaced(item, path[1:], new) if index == path[0] else item for index, item in enumerate(value)]


def check_reading(data: Any, name: str) -> None:
    known = both("kitchen.proto")
    message_class = known.ours[name]
    names = sorted(
        {field.json_name for field in message_class.__descriptor__.fields}
        | {"unknown", "a_string", "aString"}
    )
    value = data.draw(messages(message_class, 1)).to_dict()
    for _ in range(data.draw(st.integers(1, 2))):
        place = data.draw(st.sampled_from(places(value)))
        value = replaced(value, place, data.draw(LEAVES))
        if isinstance(value, dict):
            value = {**value, data.draw(st.sampled_from(names)): data.draw(LEAVES)}
    text = json.dumps(value)
    # Not with enums: a name that is to be ignored may be a number to Google.
    ignore = name == "kitchen.Spices" and data.draw(st.booleans())
    try:
        theirs = google_json.Parse(
            text, known.google(name)(), ignore_unknown_fields=ignore, descriptor_pool=known.pool
        )
    except (google_json.ParseError, ValueError, TypeError, AttributeError):
        theirs = None
    ours, error = None, None
    try:
        ours = message_class.from_json(text, ignore_unknown_fields=ignore)
    except JsonError as caught:
        error = caught
    if ours is None:
        assert error is not None
        assert error.line == 1
        assert theirs is None or LENIENT.search(error.reason), (text, error)
        return
    if google_cannot_read(text):
        return
    assert theirs is not None, (text, ours)
    try:
        again = known.google(name).FromString(ours.encode())
    except EncodeError:
        return  # a required field is not set, which JSON allows
    assert same(
        google_json.MessageToDict(again, descriptor_pool=known.pool),
        google_json.MessageToDict(theirs, descriptor_pool=known.pool),
    )


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
@SETTINGS
def test_both_print_and_read_the_same(name: str, data: Any) -> None:
    check_printing(data, name)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
@SLOW
def test_both_print_and_read_the_same_at_length(name: str, data: Any) -> None:
    check_printing(data, name)


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
@SETTINGS
def test_both_refuse_the_same(name: str, data: Any) -> None:
    check_reading(data, name)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
@SLOW
def test_both_refuse_the_same_at_length(name: str, data: Any) -> None:
    check_reading(data, name)
