"""Whatever the text: descriptors or a SchemaError, never another exception, and in time that grows with the text."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from barewire.schema.compile import compile_files
from barewire.schema.descriptor import FileDescriptor
from barewire.schema.errors import SchemaError
from barewire.schema.from_descriptor_proto import load
from barewire.schema.to_descriptor_proto import file_descriptor_proto
from tests.support.proto_cases import MAIN, cases, sources_of

TEXTS = [sources_of(path)[MAIN] for folder in ("valid", "invalid") for path in cases(folder)]
WORDS = re.split(
    r"\s+",
    """syntax edition = "proto2" "proto3" "2023" ; package import public weak option message enum service rpc returns
    stream extend extensions reserved oneof map group optional required repeated to max true false inf nan - { } [ ]
    ( ) < > , . : / int32 string bytes bool double A B c d E 0 1 2 18999 19000 536870911 0x7f 017 1.5 1e9 .5 "a" 'b'
    "\\x41" "\\q" // /* */ # \0 é default json_name packed deprecated features field_presence IMPLICIT allow_alias
    message_set_wire_format java_package "google/protobuf/descriptor.proto" google.protobuf.FileOptions export local""",
)


def outcome(run: Callable[[], list[FileDescriptor]]) -> FileDescriptor | None:
    """The only file that `run` compiles; None if it raises SchemaError, whose report can then be shown."""
    try:
        (file,) = run()
    except SchemaError as error:
        report = str(error)
        return None if report and error.diagnostics else pytest.fail("an error without a word")
    return file


def compiles(text: str) -> FileDescriptor | None:
    file = outcome(lambda: compile_files([MAIN], sources={MAIN: text}))
    if file:
        file_descriptor_proto(file).encode()
    return file


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.sampled_from(WORDS), max_size=60), st.sampled_from([" ", "\n", ""]))
def test_token_soup(words: list[str], separator: str) -> None:
    compiles(separator.join(words))


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=200))
def test_any_text(text: str) -> None:
    compiles(text)


@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_mutated_files(data: st.DataObject) -> None:
    text = data.draw(st.sampled_from(TEXTS))
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        end = min(len(text), start + data.draw(st.integers(0, 12)))
        inserted = data.draw(st.sampled_from(["", *WORDS, text[start:end] * 2]))
        text = text[:start] + inserted + text[end:]
    compiles(text)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.binary(max_size=40), st.integers(0, 2**16), st.sampled_from(TEXTS))
def test_mutated_descriptor_sets(noise: bytes, at: int, text: str) -> None:
    file = compiles(text)
    if file is None:
        return
    data = file_descriptor_proto(file).encode()
    at %= len(data) + 1
    for mutated in (data[:at] + noise + data[at:], data[:at] + noise + data[at + len(noise) :], data[:at]):
        outcome(lambda mutated=mutated: load([mutated]))


@pytest.mark.parametrize(
    "text",
    [
        # Found by comparing mutated files with protoc.
        (
            'import "google/protobuf/descriptor.proto"; enum E { A = 9223372036854775808; }'
            " extend google.protobuf.FileOptions { optional E e = 50000; } option (e) = A;"
        ),
        (
            'import "google/protobuf/descriptor.proto"; extend google.protobuf.FileOptions { optional No e = 50000; }'
            " option (e) = A;"
        ),
        # Size and depth.
        "message A { " * 100_000,
        "message A { " * 5_000 + "} " * 5_000,
        "option a = " + "{ a " * 100_000,
        "option a = { b: " + "[" * 100_000,
        "{" * 100_000,
        "}" * 100_000,
        "(" * 100_000,
        'option java_package = "' + "a" * 5_000_000 + '";',
        "message A { int32 a = " + "9" * 1_000_000 + "; }",
        "/*" * 100_000,
        "option " + "a." * 50_000 + "b = 1;",
        "package " + "a." * 50_000 + "b;",
        'syntax = "proto3"; message A { reserved ' + ", ".join(str(n * 2 + 1) for n in range(20_000)) + "; }",
        "option java_package = " + '"a" ' * 100_000 + ";",
        'syntax = "proto3"; message ' + "A" * 1_000_000 + " { B a = 1; }",
    ],
    ids=lambda text: text[:30],
)
def test_extremes_end_in_diagnostics_or_descriptors(text: str) -> None:
    compiles(text)


def test_a_long_chain_of_imports() -> None:
    count = 3000
    sources = {f"{n}.proto": f'syntax = "proto3"; import "{n + 1}.proto";' for n in range(count)}
    sources[f"{count}.proto"] = 'syntax = "proto3";'
    assert compile_files(["0.proto"], sources=sources)[0].name == "0.proto"
