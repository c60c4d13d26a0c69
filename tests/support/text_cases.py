"""Texts that are in the text format, and texts that are not, for the messages of tests/schema/protos/kitchen.proto.

Each names its message first. protoc judges them too (test_text_against_google): what is marked with `!` it takes though
the specification, or the conformance suite, says that it is wrong.
"""

from __future__ import annotations

_GOOD = r"""
kitchen.Sink
kitchen.Sink # only a comment
kitchen.Sink a_double: 1e5f
kitchen.Sink a_double: 1F
kitchen.Sink a_double: 1.e5
kitchen.Sink a_double: -.5
kitchen.Sink a_double: - 1
kitchen.Sink a_double: -#comment¶1
kitchen.Sink a_double: -nan
kitchen.Sink a_double: -INFinity
kitchen.Sink a_double: 1,a_bool: true
kitchen.Sink a_double:1 a_bool:true
kitchen.Sink a_float: 1e999
kitchen.Sink an_int32: -0x1
kitchen.Sink an_int32: 0X1F
kitchen.Sink an_int32: -017
kitchen.Sink a_bool: 0x1
kitchen.Sink a_bool: f
kitchen.Sink a_tap: -1
kitchen.Sink a_tap: 99
kitchen.Sink a_tap: 0x1
kitchen.Sink some_bytes: "\x4"
kitchen.Sink some_bytes: "\1234\a\b\f\n\r\t\v\?\\\'\""
kitchen.Sink some_bytes: "\u00e9\U0010ffff\377"
kitchen.Sink a_string: "a" 'b'"c" # comment¶ 'd"'
kitchen.Sink a_string: "a"a_bool: t
kitchen.Sink a_string: "\303\251é"
kitchen.Sink a_bool: true ;
kitchen.Sink a_drain { name: "x" };
kitchen.Sink a_drain < name: "x" >,
kitchen.Sink a_drain: { name: "x"; }
kitchen.Sink drains: [{}, <>]
kitchen.Sink drains [{}, {}]
kitchen.Sink drains: [] drains []
kitchen.Sink strings: ["a" "b", 'c'] strings: "d"
kitchen.Sink strings: []
kitchen.Sink int64s: [1, 2] int64s: 3
kitchen.Sink int32_to_int64: { value: 2 key: 1 }
kitchen.Sink int32_to_int64: [{ key: 1 }, { }]
kitchen.Sink int32_to_int64 { key: 1 value: 2 } int32_to_int64 < key: 1 value: 3 >
kitchen.Sink uint64_to_drain { key: 1 } uint64_to_drain { key: 2, value { name: "x" } }
kitchen.Sink string_to_tap { key: "a" value: 99 }
kitchen.Sink shelf { Corner { dust: "a" } }
kitchen.Sink shelf { corner { dust: "a" } }
kitchen.Sink shelf { Corner: < > Nook {} nook {} }
kitchen.Sink shelf { jar: 3 jars: [SHUT, 0] }
kitchen.Sink shelf { [ pantry . note ] : "a" }
kitchen.Sink shelf { [pantry. # comment¶ note]: "a" }
kitchen.Sink shelf { [pantry.notes]: ["a", "b"] [pantry.notes]: "c" }
kitchen.Sink shelf { [pantry.Crate.crate] { owner: "x" jar: OPEN } }
kitchen.Sink shelf { label: "\xff" named_lids { key: "\xff" } }
kitchen.Spices any { type_url: "a" value: "b" }
kitchen.Spices any { [a.b-c.d/kitchen.Empty] {} }
kitchen.Spices any { [a/b/kitchen.Empty]: <> }
kitchen.Spices any { [a%20b/kitchen.Empty] {} }
kitchen.Spices any { [ a . b / kitchen . Empty ] {} }
kitchen.Spices anys [{ [a/pantry.Shelf] { [pantry.note]: "x" } }, {}]
kitchen.Spices null: NULL_VALUE
kitchen.Spices struct { fields { key: "a" value { number_value: 1 } } }
"""

_BAD = r"""
kitchen.Sink a_bool: +1
kitchen.Sink a_double: 012
kitchen.Sink a_double: 0x1
kitchen.Sink a_double: 08
kitchen.Sink a_double: 1a_bool: true
kitchen.Sink a_double: infinityf
kitchen.Sink a_double: "1"
kitchen.Sink a_double: 1 . 5
kitchen.Sink a_uint32: -0
kitchen.Sink a_uint32: 4294967296
kitchen.Sink an_int32: 1.0
kitchen.Sink an_int32: 1e3
kitchen.Sink an_int32: 2147483648
kitchen.Sink an_int32: -0x80000001
kitchen.Sink a_bool: 2
kitchen.Sink a_bool: TRUE
kitchen.Sink a_bool: -0
kitchen.Sink a_tap: -COLD
kitchen.Sink a_tap: "HOT"
kitchen.Sink a_tap: hot
kitchen.Sink a_tap: 2147483648
kitchen.Sink some_bytes: "\x"
kitchen.Sink some_bytes: "\q"
kitchen.Sink some_bytes: "\u12"
kitchen.Sink some_bytes: "a¶b"
kitchen.Sink some_bytes: "a
kitchen.Sink some_bytes: "\"
! kitchen.Sink some_bytes: "\400"
! kitchen.Sink some_bytes: "\X41"
! kitchen.Sink some_bytes: "\ud83d\ude00"
! kitchen.Sink some_bytes: "\U00110000"
! kitchen.Sink a_string: "\xff"
kitchen.Sink a_string: "a"; "b"
kitchen.Sink a_string: "a"1
kitchen.Sink a_string: a
kitchen.Sink a_drain: [{}]
kitchen.Sink a_drain {} a_drain {}
kitchen.Sink a_drain { name: "x" >
kitchen.Sink a_drain { , }
kitchen.Sink a_drain {
kitchen.Sink a_drain
kitchen.Sink a_drain 1
kitchen.Sink , a_bool: true
kitchen.Sink a_bool: true ,,
kitchen.Sink a_bool: true a_bool: true
kitchen.Sink drains: [{},]
kitchen.Sink drains: [[{}]]
kitchen.Sink strings []
kitchen.Sink strings: ["a", ]
kitchen.Sink strings ["a"]
kitchen.Sink int64s: [1 2]
kitchen.Sink int64s: [1; 2]
kitchen.Sink int64s: 1, 2
kitchen.Sink choice_string: "a" choice_int32: 1
kitchen.Sink choice_string: "a" choice_string: "b"
kitchen.Sink int32_to_int64 { key: 1 key: 2 }
kitchen.Sink int32_to_int64 { key: 1 other: 2 }
kitchen.Sink Drain {}
kitchen.Sink A_Bool: true
kitchen.Sink aBool: true
kitchen.Sink [pantry.nothing]: 1
kitchen.Sink [kitchen.Sink] {}
kitchen.Sink other: 1
kitchen.Sink 1: 2
kitchen.Sink a_bool:true}
kitchen.Sink a_bool
kitchen.Sink a_bool:
kitchen.Sink a_bool true
kitchen.Sink a_bool: true // comment
kitchen.Sink shelf { CORNER { dust: "a" } }
kitchen.Sink shelf { jar: 99 }
kitchen.Sink shelf { named_lids { key: "a" value: 3 } }
kitchen.Sink shelf { [pantry.note]: "a" [pantry.note]: "b" }
kitchen.Sink shelf { [pantry.note: "a" }
! kitchen.Sink shelf { [pan try.note]: "a" }
! kitchen.Sink shelf { [pantry.Crate.crate] { owner: "x" } }
! kitchen.Spices any { [a/pantry.Crate] { } }
! kitchen.Spices any { [a b/kitchen.Empty] {} }
kitchen.Spices any { [kitchen.Empty] {} }
kitchen.Spices any { [/kitchen.Empty] {} }
kitchen.Spices any { [a/kitchen.Nope] {} }
kitchen.Spices any { [a%2/kitchen.Empty] {} }
kitchen.Spices any { ["a/kitchen.Empty"] {} }
kitchen.Spices any { [a/kitchen.Empty] {} type_url: "a" }
kitchen.Spices any { type_url: "a" [a/kitchen.Empty] {} }
kitchen.Spices any { [a/kitchen.Empty] {} [a/kitchen.Empty] {} }
kitchen.Spices any { [a/kitchen.Empty] { x: 1 } }
kitchen.Spices any { [a/kitchen.Empty] 1 }
kitchen.Spices any { [a/kitchen.Empty] [{}] }
kitchen.Spices [a/kitchen.Empty] {}
kitchen.Spices empty { x: 1 }
"""

# Under each text, the error.
_ERRORS = r"""
kitchen.Sink a_bool: 1¶  an_int32: x
    line 2, column 13: an_int32: expected a whole number (int32), found 'x'
kitchen.Sink a_uint32: -1
    line 1, column 11: a_uint32: expected digits (uint32), found '-'
kitchen.Sink a_tap: HOTT
    line 1, column 8: a_tap: kitchen.Sink.Tap has no value 'HOTT'; did you mean HOT?
kitchen.Sink a_tap: ;
    line 1, column 8: a_tap: expected a value of kitchen.Sink.Tap, by its name or number, found ';'
kitchen.Sink an_int32: 99999999999999999999999999999999999999999
    line 1, column 11: an_int32: 99999999999999999999… does not fit int32
kitchen.Sink a_boole: 1
    line 1, column 1: kitchen.Sink has no field 'a_boole'; did you mean a_bool?
kitchen.Sink drains {}¶drains { name: 1 }
    line 2, column 16: drains[1].name: expected a string in quotes, found '1'
kitchen.Sink uint64_to_drain { key: 7 value { name: 1 } }
    line 1, column 40: uint64_to_drain[7].name: expected a string in quotes, found '1'
kitchen.Sink string_to_tap { key: 'a' value: x }
    line 1, column 33: string_to_tap["a"]: kitchen.Sink.Tap has no value 'x'
kitchen.Sink bool_to_double { key: t value: x }
    line 1, column 32: bool_to_double["true"]: expected a decimal number, inf or nan (double), found 'x'
kitchen.Sink int32_to_int64 { key: x }
    line 1, column 23: int32_to_int64.key: expected a whole number (int32), found 'x'
kitchen.Sink strings: ['a', 'b', 'c\q']
    line 1, column 23: strings[2]: unknown escape \q
kitchen.Sink shelf { [pantry.none]: 1 }
    line 1, column 9: shelf: [pantry.none] is not a known extension of pantry.Shelf
kitchen.Sink shelf { [pantry.Crate.crate] { jar: OPEN } }
    line 1, column 45: required field shelf.pantry.Crate.crate.owner is missing
kitchen.Spices any { [a/pantry.Shelf] { label: 1 } }
    line 1, column 33: any.[a/pantry.Shelf].label: expected a string in quotes, found '1'
kitchen.Sink a_bool: /* c */ true
    line 1, column 9: a_bool: unexpected character '/'; comments start with #
kitchen.Sink a_string: "é¶"
    line 1, column 11: a_string: this string is not closed on its line
kitchen.Sink ¶ # é¶ a_drain {
    line 3, column 11: a_drain: expected the name of a field or '}', found the end of the text
"""


def _cases(table: str) -> list[tuple[str, str, bool]]:
    """Message, text, and whether protoc is known to judge otherwise. (A pilcrow stands for a line break.)"""
    cases: list[tuple[str, str, bool]] = []
    for line in table.strip().split("\n"):
        name, _, text = line.removeprefix("! ").partition(" ")
        cases.append((name, text.replace("¶", "\n"), line.startswith("!")))
    return cases


GOOD = _cases(_GOOD)
BAD = _cases(_BAD)
_LINES = _ERRORS.strip().split("\n")
ERRORS = [
    (name, text, error.strip())
    for (name, text, _), error in zip(_cases("\n".join(_LINES[::2])), _LINES[1::2], strict=True)
]
