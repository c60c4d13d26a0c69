"""The compiler benchmark: protoc and barewire compile the same files into the same descriptor set, taking turns.

CPU seconds (user and system) of a process that is warm, and its peak memory. The bias: protoc runs inside Python, so
its peak holds an interpreter; and neither keeps a file from one round to the next.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
MODES = {"plain": "descriptor set", "info": "with source info"}


def installed_protos() -> tuple[Path, list[str]]:
    """What googleapis-common-protos brings."""
    import google.rpc

    root = Path(next(iter(google.rpc.__path__))).parents[1]
    paths = (root / "google").rglob("*.proto")
    names = sorted(path.relative_to(root).as_posix() for path in paths)
    return root, [name for name in names if not name.startswith("google/protobuf/")]


def measure(contender: str, mode: str, folder: Path, rounds: int, names: list[str]) -> dict[str, float]:
    command = [sys.executable, "compile/worker.py", contender, mode, str(folder), str(rounds)]
    done = subprocess.run(
        command, cwd=HERE, input="\n".join(names), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{contender} failed:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, help="an include folder (default: googleapis-common-protos)")
    parser.add_argument("--files", type=int, default=1000, help="how many at least (default %(default)s)")
    parser.add_argument("--turns", type=int, default=3, help="the best counts (default %(default)s)")
    parser.add_argument("--core", type=int, default=max(os.sched_getaffinity(0)), help="the core to run on")
    options = parser.parse_args()

    os.sched_setaffinity(0, {options.core})
    if options.folder:
        folder = options.folder.resolve()
        names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.proto"))[
            : options.files
        ]
    else:
        folder, names = installed_protos()
    rounds = -(-options.files // len(names))
    size = sum((folder / name).stat().st_size for name in names) * rounds
    print(
        f"{len(names)} files, {rounds} times over: {len(names) * rounds} files, {size / 1e6:.1f} MB of text"
    )
    print(f"{'':18}{'protoc':>12}{'barewire':>12}{'ratio':>8}{'protoc':>12}{'barewire':>12}")
    for mode, title in MODES.items():
        best: dict[str, dict[str, float]] = {}
        for _ in range(options.turns):
            for contender in ("protoc", "barewire"):
                result = measure(contender, mode, folder, rounds, names)
                if contender not in best or result["seconds"] < best[contender]["seconds"]:
                    best[contender] = result
        theirs, ours = best["protoc"], best["barewire"]
        ratio = ours["seconds"] / theirs["seconds"]
        peaks = [f"{result['peak'] / 1024:.0f} MiB" for result in (theirs, ours)]
        print(
            f"{title:18}{theirs['seconds']:10.2f} s{ours['seconds']:10.2f} s{ratio:7.1f}×{peaks[0]:>12}{peaks[1]:>12}"
        )


if __name__ == "__main__":
    main()
