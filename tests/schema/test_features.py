"""What syntax and features mean for presence, packing, framing and openness."""

from __future__ import annotations

import pytest

from barewire.schema.compile import compile_files
from barewire.schema.descriptor import FieldDescriptor, FileDescriptor, Label
from barewire.wire.plan import Kind


def load(text: str) -> FileDescriptor:
    return compile_files(["a.proto"], sources={"a.proto": text})[0]


def field(text: str) -> FieldDescriptor:
    return load(text).messages[0].fields[0]


@pytest.mark.parametrize(
    ("text", "presence"),
    [
        ('syntax = "proto2"; message M { optional int32 x = 1; }', True),
        ('syntax = "proto2"; message M { repeated int32 x = 1; }', False),
        ('syntax = "proto3"; message M { int32 x = 1; }', False),
        ('syntax = "proto3"; message M { optional int32 x = 1; }', True),
        ('syntax = "proto3"; message M { M x = 1; }', True),
        ('syntax = "proto3"; message M { oneof o { int32 x = 1; } }', True),
        ('edition = "2023"; message M { int32 x = 1; }', True),
        ('edition = "2023"; message M { int32 x = 1 [features.field_presence = IMPLICIT]; }', False),
        ('edition = "2023"; option features.field_presence = IMPLICIT; message M { int32 x = 1; }', False),
        ('edition = "2023"; option features.field_presence = IMPLICIT; message M { M x = 1; }', True),
    ],
)
def test_presence(text: str, presence: bool) -> None:
    assert field(text).has_presence is presence


@pytest.mark.parametrize(
    ("text", "packed"),
    [
        ('syntax = "proto2"; message M { repeated int32 x = 1; }', False),
        ('syntax = "proto2"; message M { repeated int32 x = 1 [packed = true]; }', True),
        ('syntax = "proto3"; message M { repeated int32 x = 1; }', True),
        ('syntax = "proto3"; message M { repeated int32 x = 1 [packed = false]; }', False),
        ('syntax = "proto3"; message M { repeated string x = 1; }', False),
        ('edition = "2023"; message M { repeated int32 x = 1; }', True),
        (
            'edition = "2023"; message M { repeated int32 x = 1 [features.repeated_field_encoding = EXPANDED]; }',
            False,
        ),
    ],
)
def test_packing(text: str, packed: bool) -> None:
    assert field(text).packed is packed


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ('syntax = "proto2"; message M { optional group X = 1 {} }', Kind.GROUP),
        ('syntax = "proto2"; message M { optional M x = 1; }', Kind.MESSAGE),
        ('edition = "2023"; message M { M x = 1 [features.message_encoding = DELIMITED]; }', Kind.GROUP),
        (
            'edition = "2023"; option features = { message_encoding: DELIMITED }; message M { M x = 1; }',
            Kind.GROUP,
        ),
        (
            'edition = "2023"; option features.message_encoding = DELIMITED; message M { map<int32, M> x = 1; }',
            Kind.MESSAGE,
        ),
    ],
)
def test_framing(text: str, kind: Kind) -> None:
    assert field(text).kind is kind


def test_required() -> None:
    legacy = field('edition = "2023"; message M { int32 x = 1 [features.field_presence = LEGACY_REQUIRED]; }')
    assert legacy.label is Label.REQUIRED
    required = field('syntax = "proto2"; message M { required int32 x = 1; }')
    assert required.label is Label.REQUIRED
    assert required.features.field_presence == "LEGACY_REQUIRED"


@pytest.mark.parametrize(
    ("text", "closed"),
    [
        ('syntax = "proto2"; enum E { A = 1; }', True),
        ('syntax = "proto3"; enum E { A = 0; }', False),
        ('edition = "2023"; enum E { A = 0; }', False),
        ('edition = "2023"; enum E { option features.enum_type = CLOSED; A = 1; }', True),
        ('edition = "2023"; option features.enum_type = CLOSED; enum E { A = 1; }', True),
    ],
)
def test_closed_enums(text: str, closed: bool) -> None:
    assert load(text).enums[0].is_closed is closed


def test_features_are_inherited_through_messages_and_oneofs() -> None:
    text = """edition = "2023"; message M { message N { oneof o { string x = 1; } string y = 2; }
        string z = 3 [features.utf8_validation = NONE]; string w = 4; }"""
    message = load(text).messages[0]
    assert [f.features.utf8_validation for f in message.fields] == ["NONE", "VERIFY"]
    none = load(
        'edition = "2023"; option features.utf8_validation = NONE; message M { message N { string x = 1; } }'
    )
    assert none.messages[0].messages[0].fields[0].features.utf8_validation == "NONE"
