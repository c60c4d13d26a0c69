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

from codec.shapes import SHAPES
from codec.worker import OPERATIONS

HERE = Path(__file__).resolve().parent
CONTENDERS = ("upb", "barewire", "google_python", "betterproto2", "protobuf_py", "protobuf_py_ext")
BASE = "upb"


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


def geometric_mean(values: list[float]) -> float:
    return math.exp(sum(map(math.log, values)) / len(values))


def report(results: dict[str, dict], names: list[str]) -> None:
    """Prints nanoseconds for each operation, and the means as ratios to the first contender."""
    width = max(map(len, names)) + 2
    for operation, shapes in results.items():
        print(f"\n{operation} (ns; smallest)")
        print(f"{'shape':12}" + "".join(f"{name:>{width}}" for name in names))
        for shape, best in shapes.items():
            print(f"{shape:12}" + "".join(f"{best[name]:>{width},.0f}" for name in names))
    for base in [name for name in (BASE, "barewire") if name in names]:
        print(f"\ngeometric mean of all shapes, {base} = 1 (smaller is faster)")
        print(f"{'operation':20}" + "".join(f"{name:>{width}}" for name in names))
        for operation, shapes in results.items():
            means = [geometric_mean([best[n] / best[base] for best in shapes.values()]) for n in names]
            print(f"{operation:20}" + "".join(f"{mean:>{width}.2f}" for mean in means))
    if BASE in names and "barewire" in names:
        print("\nbarewire / upb by shape")
        print(f"{'shape':12}" + "".join(f"{operation:>20}" for operation in results))
        for shape in next(iter(results.values())):
            row = [results[operation][shape] for operation in results]
            print(f"{shape:12}" + "".join(f"{best['barewire'] / best[BASE]:>20.2f}" for best in row))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20, help="blocks for each figure (default %(default)s)")
    parser.add_argument("--ms", type=float, default=8, help="length of a block (default %(default)s)")
    parser.add_argument("--contenders", default=",".join(CONTENDERS), help="default: %(default)s")
    parser.add_argument(
        "--shapes", default=",".join(shape.name for shape in SHAPES), help="default: %(default)s"
    )
    parser.add_argument("--core", type=int, default=max(os.sched_getaffinity(0)), help="the core to run on")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()

    os.sched_setaffinity(0, {options.core})
    workers: list[Worker] = []
    for name in options.contenders.split(","):
        try:
            workers.append(Worker(name))
        except RuntimeError as error:
            print(f"left out: {error}", file=sys.stderr)
    names = [worker.name for worker in workers]
    print(
        f"{platform.python_implementation()} {platform.python_version()}, {platform.machine()}, core {options.core}"
    )
    for worker in workers:
        print(f"  {worker.name:16} {worker.version}")
    results = measure(workers, options.shapes.split(","), options.rounds, options.ms)
    for worker in workers:
        worker.close()
    report(results, names)
    if options.json:
        options.json.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
