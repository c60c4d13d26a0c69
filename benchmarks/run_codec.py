"""The codec benchmark: every contender on every shape, in turn, in one run. See README.md in this folder."""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import subprocess
import sys
from pathlib import Path

from codec import startup
from codec.report import Run, markdown, text
from codec.shapes import PROTO2, SHAPES
from codec.worker import CHECKSUM, OPERATIONS

HERE = Path(__file__).resolve().parent
WITH_PROTO2 = ("upb", "barewire", "google_python")
CONTENDERS = ("upb", "barewire", "google_python", "betterproto2", "protobuf_py", "protobuf_py_ext")


class Worker:
    """A contender's process."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._process = subprocess.Popen(
            [sys.executable, "-m", "codec.worker", name],
            cwd=HERE,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.version = str(self._answer())

    def _answer(self) -> float | str:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.name} ended with status {self._process.wait()}")
        return json.loads(line)

    def time(self, shape: str, operation: str, milliseconds: float) -> float:
        assert self._process.stdin
        self._process.stdin.write(json.dumps([shape, operation, milliseconds]) + "\n")
        self._process.stdin.flush()
        return float(self._answer())

    def close(self) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait()


def measure(workers: list[Worker], shapes: list[str], rounds: int, milliseconds: float) -> dict[str, dict]:
    """operation → shape → contender → nanoseconds: the smallest of `rounds` blocks, contenders taking turns."""
    for shape in shapes:
        sums = {worker.name: worker.time(shape, CHECKSUM, 0) for worker in workers}
        if len(set(sums.values())) > 1:
            raise RuntimeError(f"the contenders do not encode the same {shape}: {sums}")
    results: dict[str, dict] = {}
    for operation in OPERATIONS:
        for shape in shapes:
            best = {worker.name: math.inf for worker in workers}
            for _ in range(rounds):
                for worker in workers:
                    best[worker.name] = min(best[worker.name], worker.time(shape, operation, milliseconds))
            results.setdefault(operation, {})[shape] = best
            print(".", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return results


def machine(core: int) -> str:
    """The processor's name where the system tells it, and the core."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{platform.machine()} {models[0] if models else ''}, {len(models) or os.cpu_count()} cores, on core {core}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20, help="blocks for each figure (default %(default)s)")
    parser.add_argument("--ms", type=float, default=8, help="length of a block (default %(default)s)")
    parser.add_argument("--contenders", default=",".join(CONTENDERS), help="default: %(default)s")
    parser.add_argument(
        "--shapes", default=",".join(shape.name for shape in SHAPES), help="default: %(default)s"
    )
    parser.add_argument("--core", type=int, default=max(os.sched_getaffinity(0)), help="the core to run on")
    parser.add_argument(
        "--startup", type=int, default=11, metavar="N", help="rounds of start-up costs; 0: none"
    )
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the page for the documentation")
    others = "further runs (--json) for that page, of other interpreters"
    parser.add_argument("--with", dest="others", type=Path, nargs="*", default=[], help=others)
    options = parser.parse_args()

    os.sched_setaffinity(0, {options.core})
    workers: list[Worker] = []
    for name in options.contenders.split(","):
        try:
            workers.append(Worker(name))
        except RuntimeError as error:
            print(f"left out: {error}", file=sys.stderr)
    run: Run = {
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "machine": machine(options.core),
        "contenders": {worker.name: worker.version for worker in workers},
    }
    print(f"{run['python']}, {run['machine']}")
    for worker in workers:
        print(f"  {worker.name:16} {worker.version}")
    run["results"] = measure(workers, options.shapes.split(","), options.rounds, options.ms)
    able = [worker for worker in workers if worker.name in WITH_PROTO2]
    run["proto2"] = measure(able, [PROTO2.name], options.rounds, options.ms)
    for worker in workers:
        worker.close()
    run["startup"] = startup.measure(options.startup) if options.startup else {}
    print(text(run))
    if options.json:
        options.json.write_text(json.dumps(run, indent=1))
    if options.markdown:
        options.markdown.write_text(
            markdown([run, *(json.loads(other.read_text()) for other in options.others)])
        )


if __name__ == "__main__":
    main()
