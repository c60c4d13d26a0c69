"""Input of absurd size ends in a clear error, and what a compilation costs grows with its input and no faster."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from barewire.schema.compile import compile_files
from barewire.schema.errors import SchemaError

MAIN = "case.proto"


def refused(text: str) -> str:
    with pytest.raises(SchemaError) as caught:
        compile_files([MAIN], sources={MAIN: text})
    return str(caught.value)


def test_a_literal_of_100_mb(tmp_path: Path) -> None:
    text = 'option java_package = "' + "x" * 100_000_000 + '";'
    assert "too large to be compiled\n  help: the limit is 64 MiB" in refused(text)
    (tmp_path / MAIN).write_text(text)
    with pytest.raises(SchemaError, match="too large to be compiled"):
        compile_files([MAIN], include=[tmp_path])


def test_100_000_nested_messages() -> None:
    count = 100_000
    assert "nested more than 32 deep" in refused("message A {" * count + "}" * count)
    assert "nested more than 32 deep" in refused("message A {" * count)


def test_100_000_nested_values() -> None:
    for opening, closing in (("{ a ", "}"), ("{ a <", ">"), ("{ a: [", "]")):
        text = f"option (o) = {{ a {opening * 100_000} {closing * 100_000} }};"
        assert len(refused(text)) < 100_000


def test_100_000_groups_and_brackets() -> None:
    assert "nested more than 32 deep" in refused("message A { " + "optional group B = 1 {" * 100_000)
    for text in ("[" * 100_000, "(" * 100_000, "}" * 100_000, "option (" * 100_000, "a." * 100_000):
        assert refused(text)


def test_a_number_of_100_000_digits() -> None:
    assert "the limit is 1000" in refused("option a = " + "9" * 100_000 + ";")


def _calls(action: Callable[[], object]) -> int:
    """How many functions, Python's and C's, are called meanwhile."""
    count = 0

    def note(frame: object, event: str, argument: object) -> None:
        nonlocal count
        if event in ("call", "c_call"):
            count += 1

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        action()
    finally:
        sys.setprofile(before)
    return count


SHAPES: dict[str, Callable[[int], str]] = {
    "messages": lambda n: "".join(f"message M{i} {{ M{i} a = 1; string b = 2; }}\n" for i in range(n)),
    "fields": lambda n: f"message M {{ {''.join(f'int32 f{i} = {i};' for i in range(1, n + 1))} }}",
    "enum values": lambda n: f"enum E {{ {''.join(f'V{i} = {i};' for i in range(n))} }}",
    "methods": lambda n: (
        f"message M {{}} service S {{ {''.join(f'rpc R{i}(M) returns (M);' for i in range(n))} }}"
    ),
    "options": lambda n: (
        "message M { " + "".join(f"int32 f{i} = {i} [deprecated = true];" for i in range(1, n + 1)) + "}"
    ),
    "oneofs": lambda n: f"message M {{ {''.join(f'optional int32 f{i} = {i};' for i in range(1, n + 1))} }}",
    "comments": lambda n: "// a comment\n\n" * n + "message M {}",
    "reserved": lambda n: f"message M {{ reserved {', '.join(str(2 * i) for i in range(1, n + 1))}; }}",
    "faults": lambda n: "message { int32 = 1; }\n" * n,
}


@pytest.mark.parametrize("info", [False, True], ids=["plain", "source info"])
@pytest.mark.parametrize("shape", SHAPES)
def test_the_cost_is_linear(shape: str, info: bool) -> None:
    def compiled(count: int) -> int:
        text = 'syntax = "proto3";\n' + SHAPES[shape](count)

        def action() -> None:
            try:
                compile_files([MAIN], sources={MAIN: text}, source_info=info)
            except SchemaError:
                assert shape == "faults"

        action()  # what is made once per process is made
        return _calls(action)

    small, large = compiled(500), compiled(2000)
    assert large < 4.5 * small
