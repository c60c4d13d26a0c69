"""The parser: one bad statement costs that statement only."""

from __future__ import annotations

import pytest

from barewire.schema import ast
from barewire.schema.errors import Report
from barewire.schema.parse_file import parse_file
from barewire.schema.source import Source


def parse(text: str) -> tuple[ast.File, list[str]]:
    report = Report()
    file = parse_file(Source("x.proto", text), report)
    return file, [d.message for d in report.diagnostics]


def names(nodes: list[ast.Message] | list[ast.Field]) -> list[str]:
    return [node.name.text for node in nodes]


@pytest.mark.parametrize(
    "bad",
    [
        "foo bar baz;",
        "message 5 { string x = 1; }",
        "option = 1;",
        "option a = { b: [ };",
        "rpc X(Y);",
        "} ",
    ],
)
def test_statements_around_a_bad_one_are_read(bad: str) -> None:
    file, messages = parse(f'syntax = "proto3";\nmessage A {{}}\n{bad}\nmessage B {{}}')
    assert names(file.messages) == ["A", "B"]
    assert len(messages) == 1


@pytest.mark.parametrize(
    "bad",
    ["string = 2;", "string x 2;", "5;", "map<string> m = 4;", "string x = ;"],
)
def test_fields_around_a_bad_one_are_read(bad: str) -> None:
    file, messages = parse(f'syntax = "proto3";\nmessage A {{ int32 a = 1; {bad} int32 z = 9; }}')
    assert names(file.messages[0].fields) == ["a", "z"]
    assert len(messages) == 1


def test_a_missing_semicolon_at_the_end_of_a_line() -> None:
    file, messages = parse('syntax = "proto3"\npackage a\nmessage A { int32 a = 1\n int32 b = 2\n}')
    assert names(file.messages[0].fields) == ["a", "b"]
    assert messages == ["expected ';' at the end of this statement"] * 4


def test_a_map_brings_its_entry_and_a_group_its_message() -> None:
    file, messages = parse(
        "message A { map<string, int32> some_map = 1; optional group G = 2 { optional int32 x = 1; } }"
    )
    assert not messages
    entry, group = file.messages[0].messages
    assert (entry.name.text, entry.is_map_entry, names(entry.fields)) == (
        "SomeMapEntry",
        True,
        ["key", "value"],
    )
    assert (group.name.text, group.is_group, names(group.fields)) == ("G", True, ["x"])
    assert names(file.messages[0].fields) == ["some_map", "g"]


def test_names_may_have_white_space_around_their_dots() -> None:
    file, messages = parse("package a . b /* c */ .d; message A { optional . a . b.d . A x = 1; }")
    assert not messages
    assert file.package
    assert file.package.text == "a.b.d"
    assert file.messages[0].fields[0].type.text == ".a.b.d.A"


def test_option_names_keep_their_parts() -> None:
    file, _ = parse("option (a.b).c.(.d) = 1;")
    assert [(p.name.text, p.is_extension) for p in file.options[0].parts] == [
        ("a.b", True),
        ("c", False),
        (".d", True),
    ]


def test_nodes_know_their_places() -> None:
    text = 'syntax = "proto3"; message Abc { string def = 12; }'
    file, _ = parse(text)
    message = file.messages[0]
    assert text[message.start : message.end] == "message Abc { string def = 12; }"
    field = message.fields[0]
    assert text[field.start : field.end] == "string def = 12;"
    assert text[field.number.start : field.number.end] == "12"
