"""Every valid case gives protoc's descriptor set in each mode; see `make protoc-parity` for the real files."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.parity import BUNDLED, MODES, differing, ours, parsed, reference
from tests.support.proto_cases import MAIN, cases, sources_of

BUNDLED_NAMES = sorted(path.relative_to(BUNDLED).as_posix() for path in BUNDLED.rglob("*.proto"))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("path", cases("valid"), ids=lambda path: path.stem)
def test_case(path: Path, mode: str) -> None:
    wanted = reference("valid")[path.stem, mode]
    assert wanted.data is not None, wanted.errors
    made = ours([MAIN], [], mode, sources_of(path))
    assert parsed(made) == parsed(wanted.data)
    assert list(parsed(made)) == list(parsed(wanted.data))


@pytest.mark.parametrize("mode", MODES)
def test_files_that_protoc_ships(mode: str) -> None:
    count, different = differing(BUNDLED_NAMES, [BUNDLED], mode)
    assert (count, different) == (len(BUNDLED_NAMES), [])


def test_there_are_enough_cases() -> None:
    assert len(cases("valid")) >= 300
    assert len(cases("invalid")) >= 250
