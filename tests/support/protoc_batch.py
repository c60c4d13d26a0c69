"""Runs protoc on many small cases: `python -m tests.support.protoc_batch < jobs > results`, both pickled.

Each run is a fork, because protoc may end by aborting, and keeps what it has once loaded out of the next.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple


class Job(NamedTuple):
    key: str
    sources: Mapping[str, str]
    name: str
    flags: Sequence[str]


class Result(NamedTuple):
    data: bytes | None  # the descriptor set; None if protoc refused
    errors: str


def run_batch(jobs: Sequence[Job]) -> dict[str, Result]:
    """The results by the jobs' keys."""
    command = [sys.executable, "-m", "tests.support.protoc_batch"]
    root = Path(__file__).resolve().parents[2]
    # Nothing of ours runs there, and coverage would keep a file for each of more than a thousand forks.
    unmeasured = {
        name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_PROCESS_")
    }
    given = pickle.dumps(list(jobs))
    done = subprocess.run(command, input=given, capture_output=True, check=True, cwd=root, env=unmeasured)
    return pickle.loads(done.stdout)


def _run(job: Job, folder: Path) -> Result:
    from grpc_tools import protoc

    for name, text in job.sources.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text.encode("utf-8", "surrogateescape"))
    out, errors = folder / "out.pb", folder / "errors"
    bundled = Path(protoc.__file__).parent / "_proto"
    child = os.fork()
    if child == 0:
        with errors.open("wb") as file:
            os.dup2(file.fileno(), 2)
        arguments = ["protoc", f"-I{folder}", f"-I{bundled}", f"-o{out}", *job.flags, job.name]
        os._exit(1 if protoc.main(arguments) else 0)
    _, status = os.waitpid(child, 0)
    return Result(out.read_bytes() if status == 0 else None, errors.read_text(errors="replace"))


def main() -> None:
    jobs = pickle.load(sys.stdin.buffer)
    results: dict[str, Result] = {}
    for job in jobs:
        with tempfile.TemporaryDirectory() as folder:
            results[job.key] = _run(Job(*job), Path(folder))
    sys.stdout.buffer.write(pickle.dumps(results))


if __name__ == "__main__":
    # Under its real name, so that what is pickled here is known there.
    from tests.support.protoc_batch import main as run

    run()
