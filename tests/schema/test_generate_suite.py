"""The tests of classes, JSON, text and registries once more, on generated classes (see conftest.py)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

NAMES = [
    *("build", "json_against_google", "json_format", "load", "names"),
    *("registry", "service", "text_format", "text_parse"),
]


@pytest.mark.slow
def test_the_same_tests_on_generated_classes() -> None:
    folder = Path(__file__).parent
    files = [str(folder / f"test_{name}.py") for name in NAMES]
    command = [sys.executable, "-m", "pytest", "-q", "-m", "not slow", "-p", "no:cacheprovider", *files]
    environment = {**os.environ, "BAREWIRE_CLASSES": "generated"}
    done = subprocess.run(command, cwd=folder.parents[1], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stdout[-4000:]
