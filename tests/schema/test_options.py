"""Options as messages. That their bytes are protoc's is shown by the parity cases."""

from __future__ import annotations

from barewire import schema
from barewire.schema.compile import compile_files

CUSTOM = """syntax = "proto3"; package t; import "google/protobuf/descriptor.proto";
message M { string s = 1; repeated int32 r = 2; M m = 3; }
extend google.protobuf.MessageOptions { M opt = 50000; }
message A { option deprecated = true; option (opt).s = "a"; option (opt).m.s = "b"; option (opt).r = 1;
  option (opt).r = 2;  rpc_less x = 1; } message rpc_less {}
"""


def test_standard_options_are_attributes() -> None:
    text = 'syntax = "proto3"; option java_package = "a.b"; message M { int32 x = 1 [deprecated = true]; int32 y = 2; }'
    (file,) = compile_files(["a.proto"], sources={"a.proto": text})
    assert file.options
    assert file.options.java_package == "a.b"  # type: ignore[attr-defined]
    x, y = file.messages[0].fields
    assert x.options
    assert x.options.deprecated is True  # type: ignore[attr-defined]
    assert y.options is None


def test_without_a_registry_custom_options_are_unknown_fields() -> None:
    (file,) = compile_files(["a.proto"], sources={"a.proto": CUSTOM})
    options = file.messages[1].options
    assert options
    assert options.deprecated is True  # type: ignore[attr-defined]
    assert options.encode()
    assert {field.number for field in options.unknown_fields} == {50000}


def test_in_a_registry_they_are_extensions() -> None:
    loaded = schema.loads(CUSTOM, name="a.proto")
    options = loaded["t.A"].__descriptor__.options
    value = options[loaded["t.opt"]]
    assert (value.s, value.m.s, value.r) == ("a", "b", [1, 2])


def test_a_file_without_options_does_not_need_descriptor_proto() -> None:
    pool: dict[str, object] = {}
    compile_files(["a.proto"], sources={"a.proto": 'syntax = "proto3"; message M {}'}, pool=pool)  # type: ignore[arg-type]
    assert set(pool) == {"a.proto"}
