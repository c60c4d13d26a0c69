"""Scoping: which of several things a name means. The parity cases hold the same rules against protoc."""

from __future__ import annotations

import pytest

from barewire.schema.compile import compile_files
from barewire.schema.errors import SchemaError


def type_of(text: str, **others: str) -> str:
    """The full name of the type of the field called `x` in the message `M` of the file."""
    sources = {
        "a.proto": 'syntax = "proto3"; ' + text,
        **{f"{k}.proto": 'syntax = "proto3"; ' + v for k, v in others.items()},
    }
    (file,) = compile_files(["a.proto"], sources=sources)
    message = next(m for m in file.messages if m.name == "M")
    field = next(f for f in message.fields if f.name == "x")
    named = field.message_type or field.enum_type
    assert named
    return named.full_name


@pytest.mark.parametrize(
    ("text", "full_name"),
    [
        ("package p; message M { T x = 1; message T {} } message T {}", "p.M.T"),
        ("package p; message M { .p.T x = 1; message T {} } message T {}", "p.T"),
        ("package p; message M { p.T x = 1; } message T {}", "p.T"),
        ("package a.b.c; message M { b.c.T x = 1; } message T {}", "a.b.c.T"),
        ("message M { U.T x = 1; } message U { message T {} }", "U.T"),
        ("message M { M x = 1; }", "M"),
        ("message M { int32 T = 1; T x = 2; } message T {}", "T"),  # a field is no type: the search goes on
        ("message M { E x = 1; enum E { Z = 0; } }", "M.E"),
    ],
)
def test_the_innermost_scope_wins(text: str, full_name: str) -> None:
    assert type_of(text) == full_name


def test_public_imports_are_handed_on() -> None:
    assert (
        type_of('import "b.proto"; message M { T x = 1; }', b='import public "c.proto";', c="message T {}")
        == "T"
    )


def test_other_imports_are_not() -> None:
    with pytest.raises(SchemaError, match=r'help: add: import "c\.proto";'):
        type_of('import "b.proto"; message M { T x = 1; }', b='import "c.proto";', c="message T {}")


def test_packages_meet_across_files() -> None:
    assert (
        type_of('package p.q; import "b.proto"; message M { r.T x = 1; }', b="package p.r; message T {}")
        == "p.r.T"
    )


@pytest.mark.parametrize(
    ("name", "suggestion"),
    [
        ("Acount", "p.Account"),
        ("accounts", "p.Account"),
        ("integer", "int32"),
        ("strng", "string"),
    ],
)
def test_suggestions(name: str, suggestion: str) -> None:
    with pytest.raises(SchemaError) as caught:
        type_of(f"package p; message Account {{}} message M {{ {name} x = 1; }}")
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.help == f"did you mean {suggestion}?"


@pytest.mark.parametrize("name", ["google.protobuf.Timestamp", "Timestamp", "timestamp", "datetime"])
def test_well_known_types_that_are_not_imported(name: str) -> None:
    with pytest.raises(SchemaError) as caught:
        type_of(f"message M {{ {name} x = 1; }}")
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.help
    assert diagnostic.help.endswith('add: import "google/protobuf/timestamp.proto";')
    assert ("did you mean" in diagnostic.help) is ("." not in name)
