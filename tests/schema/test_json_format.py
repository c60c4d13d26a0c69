"""ProtoJSON: the forms that the specification names, what is refused, and where errors say the fault is."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from barewire.schema import JsonError, Message, wkt
from tests.support.schemas import both

OURS = both("kitchen.proto").ours
SINK, SPICES = OURS.Sink, OURS.Spices
UNTYPED: Any = wkt  # for values that a checker would refuse, too


def test_layout() -> None:
    message = SINK(a_string="é", int64s=[1], a_drain=SINK.Drain(), int32_to_int64={10: 1, 9: 2})
    assert message.to_json() == '{"aString":"é","aDrain":{},"int64s":["1"],"int32ToInt64":{"10":"1","9":"2"}}'
    assert message.to_json(indent=2).splitlines()[:4] == [
        "{",
        '  "aString": "é",',
        '  "aDrain": {},',
        '  "int64s": [',
    ]
    assert SINK().to_json(indent=2) == "{}"
    assert message.to_json(sort_keys=True).startswith('{"aDrain"')


def test_options() -> None:
    message = SINK(a_tap=SINK.HOT, maybe_int32=0)
    assert message.to_dict(use_integers_for_enums=True)["aTap"] == 1
    assert message.to_dict(preserving_proto_field_name=True) == {"a_tap": "HOT", "maybe_int32": 0}
    everything = SINK().to_dict(always_print_fields_with_no_presence=True)
    assert everything["anInt64"] == "0"
    assert everything["aTap"] == "COLD"
    assert everything["drains"] == []
    assert everything["stringToTap"] == {}
    assert not {"aDrain", "maybeInt32", "choiceString"} & everything.keys()


@pytest.mark.parametrize(
    ("field", "value", "printed"),
    [
        ("a_double", 1.0, "1"),
        ("a_double", -0.0, "-0.0"),
        ("a_double", 1e300, "1e+300"),
        ("a_double", math.nan, '"NaN"'),
        ("a_double", -math.inf, '"-Infinity"'),
        ("a_float", 0.1, "0.1"),
        ("a_float", 16777216.0, "16777216"),
        ("a_uint64", 2**64 - 1, '"18446744073709551615"'),
        ("an_sint32", -1, "-1"),
        ("some_bytes", b"\xfb\xff", '"+/8="'),
        ("a_tap", 99, "99"),
        ("a_bool", True, "true"),
        ("field__name4_", "x", '"x"'),
    ],
)
def test_how_scalars_are_written(field: str, value: Any, printed: str) -> None:
    message = SINK(**{field: value})
    text = message.to_json()
    assert text.partition(":")[2] == printed + "}"
    assert repr(SINK.from_json(text)) == repr(SINK.decode(message.encode()))


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        ('{"an_int32": 1e3}', "an_int32", 1000),
        ('{"anInt32": "1.0"}', "an_int32", 1),
        ('{"anInt32": -0}', "an_int32", 0),
        ('{"anInt64": 9223372036854775807}', "an_int64", 2**63 - 1),
        ('{"aFloat": "1.5"}', "a_float", 1.5),
        ('{"aFloat": 3.4028235e38}', "a_float", 3.4028234663852886e38),
        ('{"aDouble": "Infinity"}', "a_double", math.inf),
        ('{"someBytes": "-_8"}', "some_bytes", b"\xfb\xff"),
        ('{"aTap": "LUKEWARM"}', "a_tap", 2),
        ('{"aTap": -7}', "a_tap", -7),
        ('{"other@name": "x"}', "renamed", "x"),
        ('{"renamed": "x"}', "renamed", "x"),
        ('{"aString": "\\ud83d\\ude00"}', "a_string", "😀"),
        ('{"boolToDouble": {"true": 1}}', "bool_to_double", {True: 1.0}),
        ('{"choiceNull": null}', "choice_null", 0),
        ('{"choiceString": null, "choiceInt32": 3}', "choice_int32", 3),
        ('{"aString": null}', "a_string", ""),
    ],
)
def test_what_is_accepted(text: str, field: str, value: Any) -> None:
    assert getattr(SINK.from_json(text), field) == value


def test_minus_zero_keeps_its_sign() -> None:
    assert math.copysign(1, SINK.from_json('{"aDouble": -0}').a_double) == -1


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", "line 1, column 1: not JSON: Expecting value"),
        ('{\n  "aString": "x",\n}', "line 3, column 1: not JSON: "),
        ('{"aDouble": NaN}', "not JSON: NaN"),
        ("[]", "line 1, column 1: expected an object, got an array"),
        (
            '{\n "aStrin": 1}',
            "line 2, column 2: aStrin: kitchen.Sink has no field 'aStrin'; did you mean 'aString'?",
        ),
        ('{"anInt32": 2147483648}', "line 1, column 13: anInt32: 2147483648 does not fit int32"),
        ('{"anInt32": 1.5}', "expected int32, got 1.5"),
        ('{"anInt32": "1 "}', "expected int32, got string '1 '"),
        ('{"anInt32": ""}', "expected int32, got string ''"),
        ('{"anInt32": true}', "expected int32, got true"),
        ('{"anInt64": "1e400"}', "not an integer"),
        ('{"anInt64": "1e999999999"}', "not an integer"),
        ('{"aUint32": -1}', "-1 does not fit uint32"),
        ('{"aBool": 1}', "expected true or false, got number 1"),
        ('{"aString": 1}', "expected a string, got number 1"),
        ('{"aString": "\\ud800"}', "half of a surrogate pair"),
        ('{"aFloat": 3.5e38}', "does not fit float"),
        ('{"aDouble": 1e400}', "does not fit double"),
        ('{"aDouble": "inf"}', "expected double, got 'inf'"),
        ('{"someBytes": "A"}', "is not base64"),
        ('{"someBytes": "AA=A"}', "is not base64"),
        ('{"someBytes": "\u00e9AAA"}', "is not base64"),
        ('{"aTap": "hot"}', "aTap: kitchen.Sink.Tap has no value 'hot'"),
        ('{"aTap": 1.5}', "expected enum, got 1.5"),
        ('{"strings": "x"}', "strings: expected an array, got string 'x'"),
        ('{"drains": [{}, {"name": 1}]}', "line 1, column 26: drains[1].name: expected a string"),
        ('{"drains": [null]}', "drains[0]: null is no element"),
        ('{"stringToTap": {"a": "COLD", "b]": "x"}}', 'line 1, column 37: stringToTap["b]"]: '),
        (
            '{"boolToDouble": {"True": 1}}',
            'line 1, column 19: boolToDouble["True"]: expected a key "true" or "false"',
        ),
        ('{"int32ToInt64": {"1": 1, "1.0": 2}}', "the same key as an earlier one"),
        ('{"aString": "1", "aString": "2"}', "line 1, column 18: aString: the name occurs twice"),
        ('{"a_string": "1", "aString": "2"}', "line 1, column 19: aString: the same field as 'a_string'"),
        (
            '{"choiceInt32": 1, "choiceString": ""}',
            "another member of oneof 'choice', 'choiceInt32', is already set",
        ),
        ('{"[pantry.note]": "x"}', "has no field '[pantry.note]'"),
        ('{"aDouble": ' + "1" * 5000 + "}", "number"),
    ],
)
def test_what_is_refused(text: str, error: str) -> None:
    with pytest.raises(JsonError) as caught:
        SINK.from_json(text)
    assert error in str(caught.value)


def test_bytes_are_text_in_utf8() -> None:
    with pytest.raises(TypeError, match="not NoneType"):
        SINK.from_json(None)
    assert SINK.from_json('{"aString": "é"}'.encode()).a_string == "é"
    with pytest.raises(JsonError, match="not UTF-8"):
        SINK.from_json(b'{"aString": "\xff"}')


def test_unknown_parts_can_be_ignored() -> None:
    text = (
        '{"what": {"x": 1}, "aTap": "NEW", "taps": ["HOT", "NEW"], '
        '"stringToTap": {"a": "NEW", "b": "HOT"}, "anInt32": 1}'
    )
    read = SINK.from_json(text, ignore_unknown_fields=True)
    assert read == SINK(taps=[SINK.HOT], string_to_tap={"b": SINK.HOT}, an_int32=1)
    with pytest.raises(JsonError):
        SINK.from_json('{"what": 1, "anInt32": "x"}', ignore_unknown_fields=True)


def test_nesting_is_bounded() -> None:
    def nested(depth: int) -> str:
        return '{"sideDrains": [' * depth + "{}" + "]}" * depth

    assert SINK.Drain.from_json(nested(99))
    with pytest.raises(JsonError, match="nested too deeply"):
        SINK.Drain.from_json(nested(100))
    assert SINK.Drain.from_json(nested(130), max_depth=200)
    for text in (nested(100_000), "[" * 100_000, '{"x":' * 100_000):
        with pytest.raises(JsonError):
            SINK.Drain.from_json(text)
        with pytest.raises(JsonError):
            wkt.Value.from_json(text)
    with pytest.raises(JsonError, match="nested too deeply"):
        wkt.Value.from_json("[" * 101 + "]" * 101)
    drain = SINK.Drain()
    drain.side_drains.append(drain)
    with pytest.raises(JsonError, match="nested too deeply"):
        drain.to_json()


def test_extensions_and_closed_enums() -> None:
    shelf = OURS["pantry.Shelf"]
    text = '{"corner":{"dust":"x"},"[pantry.Crate.inventory]":["1"],"[pantry.note]":"y"}'
    read = shelf.from_json(text)
    assert read[OURS["pantry.note"]] == "y"
    assert read.to_json() == text
    with pytest.raises(JsonError, match=r"\[pantry\.nothing\]"):
        shelf.from_json('{"[pantry.nothing]": 1}')
    with pytest.raises(JsonError, match="has no value 77"):
        shelf.from_json('{"jar": 77}')


SPECIAL_FORMS: list[tuple[Message, str]] = [
    (wkt.Timestamp(seconds=1, nanos=21_000_000), '"1970-01-01T00:00:01.021Z"'),
    (wkt.Timestamp(seconds=-62135596800), '"0001-01-01T00:00:00Z"'),
    (wkt.Timestamp(seconds=253402300799, nanos=999999999), '"9999-12-31T23:59:59.999999999Z"'),
    (wkt.Duration(seconds=-1, nanos=-500000), '"-1.000500s"'),
    (wkt.Duration(nanos=-1), '"-0.000000001s"'),
    (wkt.FieldMask(paths=["foo_bar.baz", "qux"]), '"fooBar.baz,qux"'),
    (wkt.FieldMask(), '""'),
    (wkt.Int64Value(value=5), '"5"'),
    (wkt.BytesValue(value=b"\xff"), '"/w=="'),
    (wkt.FloatValue(value=math.inf), '"Infinity"'),
    (wkt.Struct.from_dict({"b": [1, None], "a": {}}), '{"a":{},"b":[1,null]}'),
    (wkt.Value.from_dict(None), "null"),
    (wkt.ListValue.from_dict([True, "x", 1.5]), '[true,"x",1.5]'),
    (wkt.Empty(), "{}"),
    (wkt.Any(), "{}"),
    (wkt.Any.pack(wkt.Empty()), '{"@type":"type.googleapis.com/google.protobuf.Empty"}'),
    (
        wkt.Any.pack(wkt.Any.pack(wkt.Duration(seconds=1))),
        (
            '{"@type":"type.googleapis.com/google.protobuf.Any","value":'
            '{"@type":"type.googleapis.com/google.protobuf.Duration","value":"1s"}}'
        ),
    ),
]


@pytest.mark.parametrize(("message", "text"), SPECIAL_FORMS)
def test_special_forms(message: Message, text: str) -> None:
    assert message.to_json() == text
    assert type(message).from_json(text) == message


def test_an_any_holds_what_the_registry_knows() -> None:
    spices = SPICES(any=wkt.Any.pack(SINK(an_int32=7), type_url_prefix="x.y/z"))
    text = '{"any":{"@type":"x.y/z/kitchen.Sink","anInt32":7}}'
    assert spices.to_json() == text
    assert SPICES.from_json('{"any": {"anInt32": 7, "@type": "x.y/z/kitchen.Sink"}}') == spices
    with pytest.raises(JsonError, match=r"kitchen\.Sink', which is not known"):
        spices.any.to_json()
    assert wkt.Any.from_json(spices.any.to_json(registry=OURS.registry), registry=OURS.registry) == spices.any


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ('{"any": {"value": 1}}', 'any: an Any needs "@type"'),
        ('{"any": {"@type": "kitchen.Sink"}}', "any.@type: 'kitchen.Sink' is not a type that is known here"),
        ('{"any": {"@type": "x/kitchen.Sink", "anInt32": "x"}}', "column 48: any.anInt32: expected int32"),
        ('{"any": {"@type": "x/google.protobuf.Duration"}}', 'needs "value"'),
        (
            '{"any": {"@type": "x/google.protobuf.Duration", "value": 1}}',
            "any.value: expected a string, got number 1",
        ),
        ('{"any": {"@type": "x/google.protobuf.Duration", "value": "1s", "y": 1}}', "any.y: only"),
        ('{"duration": "1"}', "duration: '1' is not a Duration"),
        ('{"duration": "315576000001s"}', "at most 315576000000 seconds"),
        ('{"timestamp": "1970-01-01t00:00:00Z"}', "is not a Timestamp"),
        ('{"timestamp": "1970-02-30T00:00:00Z"}', "is not a Timestamp: day is out of range"),
        ('{"timestamp": "0001-01-01T00:00:00+00:01"}', "outside of the years"),
        ('{"mask": "foo_bar"}', "no underscores"),
        ('{"struct": 1}', "struct: expected an object, got number 1"),
        ('{"struct": {"a": [1, {"b": 1e999}]}}', 'struct["a"][1]["b"]: inf does not fit double'),
        ('{"list": {}}', "list: expected an array"),
        ('{"bool": "true"}', "bool: expected true or false"),
        ('{"empty": {"a": 1}}', "empty.a: google.protobuf.Empty has no field 'a'"),
        ('{"int64s": [null]}', "int64s[0]: null is no element"),
    ],
)
def test_special_forms_that_are_refused(text: str, error: str) -> None:
    with pytest.raises(JsonError) as caught:
        SPICES.from_json(text)
    assert error in str(caught.value)


@pytest.mark.parametrize(
    ("message", "error"),
    [
        (SINK(an_int32="x"), "anInt32: 'x' is not an integer"),
        (SINK(an_int32=2**31), "anInt32: 2147483648 does not fit int32"),
        (SINK(strings=["a", 1]), "strings[1]: 1 is not a str"),
        (SINK(string_to_tap={"a": "x"}), "stringToTap[\"a\"]: 'x' is not an integer"),
        (SINK(a_drain=3), "aDrain: 3 is not a message"),
        (SINK(some_bytes="x"), "someBytes: 'x' is not bytes"),
        (SINK(a_float=1e39), "aFloat: 1e+39 does not fit float"),
        (SINK(a_string="\ud800"), "'\\ud800' stands alone"),
        (SPICES(timestamp=wkt.Timestamp(seconds=10**12)), "timestamp: 1000000000000 seconds is no Timestamp"),
        (SPICES(duration=wkt.Duration(seconds=1, nanos=-1)), "differ in sign"),
        (SPICES(mask=wkt.FieldMask(paths=["fooBar"])), "would not survive"),
        (
            SPICES(timestamp=UNTYPED.Timestamp(seconds=1.5)),
            "google.protobuf.Timestamp holds a value of a wrong type",
        ),
        (
            SPICES(mask=UNTYPED.FieldMask(paths=[3])),
            "mask: google.protobuf.FieldMask holds a value of a wrong type",
        ),
        (SPICES(list=UNTYPED.ListValue(values=[3])), "list[0]: 3 is not a message"),
        (SPICES(value=wkt.Value()), "value: a google.protobuf.Value must have one of its kinds set"),
        (SPICES(value=wkt.Value(number_value=math.nan)), "value: JSON has no number nan"),
        (SPICES(any=wkt.Any(value=b"x")), "any: the Any holds a value but no type URL"),
        (
            SPICES(any=wkt.Any(type_url="x/google.protobuf.Duration", value=b"\xff")),
            "does not hold what it says",
        ),
    ],
)
def test_messages_that_have_no_json(message: Message, error: str) -> None:
    with pytest.raises(JsonError) as caught:
        message.to_json()
    assert error in str(caught.value)


@given(st.sampled_from(SPECIAL_FORMS), st.data())
@settings(max_examples=300, deadline=None)
def test_edited_text_raises_json_errors_only(form: tuple[Message, str], data: Any) -> None:
    message_class, text = data.draw(
        st.sampled_from(
            [
                (type(form[0]), form[1]),
                (
                    SINK,
                    '{"aString": "x", "drains": [{"name": "y"}], "int32ToInt64": {"1": "2"}, "aDouble": -0.5}',
                ),
                (
                    SPICES,
                    '{"any": '
                    + wkt.Any.pack(wkt.Duration(seconds=1)).to_json()
                    + ', "values": [1, {"a": []}]}',
                ),
            ]
        )
    )
    at = data.draw(st.integers(0, len(text)))
    new = data.draw(st.text('{}[]",:\\0-1.eaNnu @\ud800\n', max_size=3))
    edited = text[:at] + new + text[at + data.draw(st.integers(0, 3)) :]
    read, error = None, None
    try:
        read = message_class.from_json(edited)
    except JsonError as caught:
        error = caught
    if read is not None:
        assert message_class.from_json(read.to_json()) == read
    elif error is not None and error.line:
        assert error.column <= len(edited.split("\n")[error.line - 1]) + 1


def test_dicts_of_python_are_read_as_json_is() -> None:
    assert SINK.from_dict({"anInt32": 1, "strings": ["a"]}) == SINK(an_int32=1, strings=["a"])
    assert SINK.from_dict(SINK(a_double=math.nan).to_dict()).to_dict() == {"aDouble": "NaN"}
    with pytest.raises(JsonError, match="keys are strings in JSON"):
        SINK.from_dict({"int32ToInt64": {1: 2}})
    with pytest.raises(JsonError, match=r"^aString: expected a string, got b'x'$"):
        SINK.from_dict({"aString": b"x"})


def test_output_is_json() -> None:
    hostile = SINK(a_string='"\\\u2028\0', string_to_string={'"': "\n"})
    assert json.loads(hostile.to_json()) == {"aString": '"\\\u2028\0', "stringToString": {'"': "\n"}}
