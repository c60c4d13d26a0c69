"""`make demo` prints what stands in demo.txt (BAREWIRE_REFRESH=1 rewrites it)."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.support.processes import ROOT

GOLDEN = Path(__file__).with_name("demo.txt")


def test_demo() -> None:
    done = subprocess.run(
        [sys.executable, "examples/bookstore/demo.py"],
        cwd=ROOT,
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        timeout=60,
    )
    assert (done.returncode, done.stderr.decode()) == (0, "")
    out = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:PORT", done.stdout.decode())
    if os.environ.get("BAREWIRE_REFRESH"):
        GOLDEN.write_text(out, encoding="utf-8")
    assert out == GOLDEN.read_text(encoding="utf-8")
    assert max(map(len, out.splitlines())) <= 100
    assert "\x1b" not in out
