"""The target of the coverage-guided fuzzer: its check holds on our own inputs, and libFuzzer can run it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from barewire.schema.fuzz.cases import Cases
from tests.fuzz.atheris_decode import check
from tests.fuzz.message_types import TYPES, message_class
from tests.support.schemas import PROTOS

TARGET = Path(__file__).with_name("atheris_decode.py")


@pytest.mark.parametrize("name", TYPES)
def test_the_invariant(name: str) -> None:
    cls = message_class(name)
    cases = Cases(cls, 3)
    for number in range(300):
        check(cls, cases.case(number))


@pytest.mark.slow
def test_libfuzzer_runs_it() -> None:
    pytest.importorskip("atheris", reason="atheris is not installed")
    command = [
        sys.executable,
        str(TARGET),
        str(PROTOS / "kitchen.proto"),
        "kitchen.Sink",
        "--",
        "-runs=5000",
        "-seed=1",
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=170)
    assert done.returncode == 0, done.stderr[-3000:]
