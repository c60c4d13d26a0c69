"""Golden files: tests/golden/inspect/x.hex is printed as x.txt. Set UPDATE_GOLDEN=1 to write the files anew."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from barewire.wire import names_from_plan
from barewire.wire.render import escape, render
from barewire.wire.scan import Fault, Shape, Span, scan, walk
from tests.support import wire_plans
from tests.support.wire_plans import Book, Library, book_plan, library_plan

GOLDEN = Path(__file__).parent.parent / "golden" / "inspect"
INPUTS = sorted(GOLDEN.glob("*.hex"))


@pytest.mark.parametrize("path", INPUTS, ids=lambda path: path.stem)
def test_golden(path: Path) -> None:
    options, *lines = path.read_text().splitlines()
    data = bytes.fromhex(" ".join(lines))
    names = re.search(r"names=(\w+)", options)
    plan = getattr(wire_plans, names[1]).__plan__ if names else None
    limit = re.search(r"max_lines=(\d+)", options)
    printed = (
        render(data, names_from_plan(plan) if plan else None, max_lines=int(limit[1]) if limit else None)
        + "\n"
    )
    expected = path.with_suffix(".txt")
    if os.environ.get("UPDATE_GOLDEN"):
        expected.write_text(printed)
    assert printed == expected.read_text()


def test_there_are_golden_files() -> None:
    assert INPUTS


def test_offsets_may_begin_elsewhere() -> None:
    assert render(b"\x08\x01", base=0x1F4, headings=False).startswith("01f4  08")
    assert render(b"") == "(no bytes: every field is absent)"


def test_colour_is_asked_for() -> None:
    data = Book(title="\x1b[31m").encode()
    assert "\x1b" not in render(data, names_from_plan(book_plan))
    coloured = render(data, names_from_plan(book_plan), colour=True)
    assert re.sub(r"\x1b\[\d*m", "", coloured) == render(data, names_from_plan(book_plan))


@given(st.text())
def test_nothing_unprintable_gets_out(text: str) -> None:
    assert escape(text).isprintable()
    printed = render(Library(books=[Book(title=text, tags=[text])]).encode(), names_from_plan(library_plan))
    assert all(line.isprintable() for line in printed.splitlines())


LIBRARY = Library(
    books=[Book(title="Dune", tags=["x"])],
    parent=Library(counts={"a": 1}),
    annex=Library(sizes=[1, 2]),
    branches={1: Library()},
).encode()


@given(
    st.one_of(
        st.binary(max_size=60),
        st.tuples(st.integers(0, len(LIBRARY)), st.binary(max_size=4)).map(
            lambda cut: LIBRARY[: cut[0]] + cut[1] + LIBRARY[cut[0] + len(cut[1]) :]
        ),
    )
)
def test_any_bytes_are_covered_without_an_exception(data: bytes) -> None:
    """Invariant: the spans of one level follow each other without gaps, and lie inside their parent."""
    for names in (None, names_from_plan(library_plan)):
        nodes = scan(data, names)
        check_level(nodes, 0, len(data))
        assert len(render(data, names).splitlines()) >= 1


def check_level(nodes: tuple[Span | Fault, ...], start: int, end: int) -> None:
    for node in nodes:
        assert node.start == start < node.end <= end
        start = node.end
        if isinstance(node, Span):
            assert node.start < node.tag_end <= node.value_start <= node.value_end <= node.end
            if node.children:
                check_level(node.children, node.value_start, node.value_end)
    if nodes:
        assert start == end


@pytest.mark.parametrize("piece", [b"\x0b", b"\x12\x80\x80\x04"])
def test_bombs(piece: bytes) -> None:
    for names in (None, names_from_plan(library_plan)):
        assert any(isinstance(node, Fault) or node.note for node in walk(scan(piece * 50_000, names)))


def test_guesses_are_marked() -> None:
    (text, message) = scan(bytes.fromhex("0a0568656c6c6f 12020801"))
    assert isinstance(text, Span)
    assert isinstance(message, Span)
    assert (text.shape, text.guessed, text.value) == (Shape.TEXT, True, "hello")
    assert (message.shape, message.guessed) == (Shape.MESSAGE, True)
    (known,) = scan(Book(title="hello").encode(), names_from_plan(book_plan))
    assert isinstance(known, Span)
    assert not known.guessed
