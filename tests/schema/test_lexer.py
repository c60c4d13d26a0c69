"""Tokens."""

from __future__ import annotations

import pytest

from barewire.schema.errors import Report
from barewire.schema.lexer import END, IDENT, NUMBER, PUNCTUATION, STRING, tokenize
from barewire.schema.source import Source


def tokens(text: str) -> list[tuple[int, str]]:
    report = Report()
    kinds, texts, starts = tokenize(Source("x.proto", text), report)
    assert not report.diagnostics
    assert [text[s : s + len(t)] for s, t in zip(starts, texts, strict=True)] == texts
    assert (kinds[-1], texts[-1]) == (END, "")
    return list(zip(kinds, texts, strict=True))[:-1]


def test_every_sort() -> None:
    assert tokens("a.b.c = \"x\" 'y' 0x1F 1.5e-3 .5 . { ;") == [
        (IDENT, "a.b.c"),
        (PUNCTUATION, "="),
        (STRING, '"x"'),
        (STRING, "'y'"),
        (NUMBER, "0x1F"),
        (NUMBER, "1.5e-3"),
        (NUMBER, ".5"),
        (PUNCTUATION, "."),
        (PUNCTUATION, "{"),
        (PUNCTUATION, ";"),
    ]


@pytest.mark.parametrize(
    "text", ["", "  \t\r\n\f\v", "// to the end", "/* a\n b */ // c\n/**/", "/***/ /*/ */"]
)
def test_nothing(text: str) -> None:
    assert tokens(text) == []


@pytest.mark.parametrize(
    ("text", "words"), [("a /* b */ c", "ac"), ("a//b\nc", "ac"), ("/**/a/* * / */b", "ab")]
)
def test_comments_are_no_tokens(text: str, words: str) -> None:
    assert "".join(text for _, text in tokens(text)) == words


def test_strings_end_at_their_own_quote() -> None:
    assert tokens(r'"a\"b" "it' + "'" + 's" ""') == [
        (STRING, r'"a\"b"'),
        (STRING, '"it' + "'" + 's"'),
        (STRING, '""'),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('"abc\nd', "this string is not closed on its line"),
        ("/* abc", "this comment is never closed"),
        ("/* a /* b */", "a comment cannot hold another comment"),
        ("a # b", "unexpected character '#'"),
        ("a \0 b", "unexpected character U+0000"),
        ("é", "unexpected character 'é'"),
    ],
)
def test_faults(text: str, message: str) -> None:
    report = Report()
    tokenize(Source("x.proto", text), report)
    assert [d.message for d in report.diagnostics] == [message]


def test_a_fault_does_not_hide_the_next() -> None:
    report = Report()
    _, texts, _ = tokenize(Source("x.proto", "a $ b ` c"), report)
    assert texts == ["a", "b", "c", ""]
    assert len(report.diagnostics) == 2
