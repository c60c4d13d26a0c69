"""grpcurl, a gRPC client written in Go, as a peer."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.support.peers import missing

CACHED = Path(__file__).resolve().parents[2] / ".cache" / "bin" / "grpcurl"


def find_grpcurl() -> str:
    """The program, from PATH or from where `make peers` builds it. Without it the test is skipped, or fails on CI."""
    found = shutil.which("grpcurl") or (str(CACHED) if os.access(CACHED, os.X_OK) else None)
    if found is None:
        missing("no grpcurl: `make peers` builds it where Go is installed")
    return found


@dataclass(frozen=True)
class Ran:
    status: int
    out: str
    error: str


@dataclass(frozen=True)
class Grpcurl:
    """grpcurl against one plaintext server."""

    program: str
    target: str

    def __call__(self, *arguments: str, flags: tuple[str, ...] = (), stdin: str | None = None) -> Ran:
        """Runs `grpcurl -plaintext FLAGS TARGET ARGUMENTS`."""
        done = subprocess.run(
            [self.program, "-plaintext", *flags, self.target, *arguments],
            capture_output=True,
            text=True,
            input=stdin,
            timeout=60,
        )
        return Ran(done.returncode, done.stdout, done.stderr)
