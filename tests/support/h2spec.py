"""h2spec, which tests what a server makes of well- and malformed HTTP/2, as a peer."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from tests.support.peers import missing

CACHED = Path(__file__).resolve().parents[2] / ".cache" / "bin" / "h2spec"


def find_h2spec() -> str:
    """The program, from PATH or from where `make peers` builds it. Without it the test is skipped, or fails on CI."""
    found = shutil.which("h2spec") or (str(CACHED) if os.access(CACHED, os.X_OK) else None)
    if found is None:
        missing("no h2spec: `make peers` builds it where Go is installed")
    return found


def run_h2spec(port: int, *flags: str) -> str:
    """What h2spec prints about the server on a port of 127.0.0.1. A slow machine gets time for every case."""
    done = subprocess.run(
        [find_h2spec(), "--host", "localhost", "--port", str(port), "--timeout", "20", *flags],
        capture_output=True,
        text=True,
        timeout=1000,
    )
    return done.stdout + done.stderr
