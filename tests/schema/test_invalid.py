"""Files that break one rule each: protoc refuses every one, and so do we; our words are golden files.

`BAREWIRE_UPDATE_GOLDEN=1 pytest tests/schema/test_invalid.py` writes them anew.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from barewire.schema.compile import compile_files
from barewire.schema.errors import SchemaError
from tests.support.parity import reference
from tests.support.proto_cases import MAIN, cases, sources_of

CASES = cases("invalid")


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_refused_with_the_golden_diagnostics(path: Path) -> None:
    with pytest.raises(SchemaError) as caught:
        compile_files([MAIN], sources=sources_of(path))
    golden = path.with_suffix(".txt")
    report = str(caught.value) + "\n"
    if os.environ.get("BAREWIRE_UPDATE_GOLDEN"):
        golden.write_text(report)
    assert report == golden.read_text()


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_protoc_refuses_it_too(path: Path) -> None:
    assert reference("invalid")[path.stem, "plain"].data is None


def test_every_golden_file_has_its_case() -> None:
    assert {path.stem for path in CASES} == {path.stem for path in CASES[0].parent.glob("*.txt")}
