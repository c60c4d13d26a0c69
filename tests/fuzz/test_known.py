"""The table of known differences: every one can be shown, and the docs hold it."""

from __future__ import annotations

from pathlib import Path

from barewire.schema.fuzz.known import KNOWN, table

DOCS = Path(__file__).resolve().parents[2] / "docs" / "reference" / "differences.md"


def test_the_docs_hold_the_table() -> None:
    assert table() in DOCS.read_text(), "put what barewire.schema.fuzz.known.table() returns into the page"


def test_each_is_recognised_in_one_way() -> None:
    assert len({known.name for known in KNOWN}) == len(KNOWN)
    for known in KNOWN:
        assert (known.rewrite is None) is not (known.matches is None), known.name
        assert known.right in ("barewire", "all")
        assert set(known.peers) <= {"upb", "python", "protoc"}
