"""How diagnostics look."""

from __future__ import annotations

import pytest

from barewire.schema.compile import compile_files
from barewire.schema.errors import MAX_ERRORS, Diagnostic, Report, SchemaError, Severity
from barewire.schema.source import Source


def diagnostic(text: str, start: int, end: int, help: str | None = None) -> Diagnostic:
    return Diagnostic(Severity.ERROR, "wrong", "x.proto", Source("x.proto", text), start, end, help)


def test_caret_stands_under_the_text() -> None:
    assert str(diagnostic("a\nb cde f\n", 4, 7)) == "x.proto:2:3: error: wrong\n  b cde f\n    ^^^"


def test_tabs_move_the_caret_as_they_move_the_text() -> None:
    assert str(diagnostic("\ta b", 3, 4)).splitlines()[1:] == ["  \ta b", "  \t  ^"]


def test_help_follows() -> None:
    assert str(diagnostic("a", 0, 1, "do that")).endswith("\n  help: do that")


def test_a_long_line_is_cut_around_the_caret() -> None:
    _, line, caret = str(diagnostic("a" * 500 + "X" + "b" * 500, 500, 501)).splitlines()
    assert len(line) < 200
    assert line[caret.index("^")] == "X"


def test_a_span_over_lines_is_marked_on_its_first() -> None:
    assert str(diagnostic("abc\ndef", 1, 6)).splitlines()[1:] == ["  abc", "   ^^"]


def test_control_characters_are_escaped() -> None:
    assert "\x1b" not in str(diagnostic("a \x1b[31m b \udcff", 0, 1))


def test_the_end_of_the_file_has_a_place() -> None:
    assert str(diagnostic("a\n", 2, 3)).startswith("x.proto:2:1: ")
    assert str(diagnostic("", 0, 1)) == "x.proto: error: wrong"


def test_errors_come_in_order_of_their_lines() -> None:
    with pytest.raises(SchemaError) as caught:
        compile_files(
            ["a.proto"], sources={"a.proto": 'syntax = "proto3"; enum E { A = 1; }\nmessage M { X x = 1; }'}
        )
    assert [d.line for d in caught.value.diagnostics] == [1, 2]
    assert str(caught.value).count("error:") == 2


def test_the_number_of_errors_is_bounded() -> None:
    report = Report()
    source = Source("x.proto", "x" * 1000)
    for at in range(1000):
        report.error(source, at, at + 1, "wrong")
    assert len(report.diagnostics) == MAX_ERRORS


def test_warnings_alone_raise_nothing() -> None:
    report = Report()
    report.warning(Source("x.proto", "x"), 0, 1, "careful")
    report.raise_if_errors()
    assert str(report.diagnostics[0]).startswith("x.proto:1:1: warning: careful")
