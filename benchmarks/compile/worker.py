"""One contender of the compiler benchmark: compiles the listed files ROUNDS times over and prints what that cost.

python worker.py protoc|barewire MODE FOLDER ROUNDS < names
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path


def protoc(folder: Path, names: list[str], out: Path, info: bool) -> None:
    from grpc_tools import protoc as tool

    bundled = Path(tool.__file__).parent / "_proto"
    flags = ["--include_source_info"] if info else []
    if tool.main(["protoc", f"-I{folder}", f"-I{bundled}", f"-o{out}", "--include_imports", *flags, *names]):
        raise SystemExit("protoc refused the files")


def barewire(folder: Path, names: list[str], out: Path, info: bool) -> None:
    from barewire.schema.compile import compile_files
    from barewire.schema.descriptor import FileDescriptor
    from barewire.schema.descriptor_set import descriptor_set

    pool: dict[str, FileDescriptor] = {}
    files = compile_files(names, include=[folder], pool=pool, source_info=info)
    out.write_bytes(descriptor_set(files, imports=True, source_info=info, known=pool.values()))


CONTENDERS: dict[str, Callable[[Path, list[str], Path, bool], None]] = {
    "protoc": protoc,
    "barewire": barewire,
}


def main() -> None:
    contender, mode, folder, rounds = sys.argv[1:]
    names = sys.stdin.read().split("\n")
    run = CONTENDERS[contender]
    with tempfile.TemporaryDirectory() as temporary:
        out = Path(temporary) / "out.pb"
        run(Path(folder), names[:1], out, False)  # imports, and what is built once per process
        start = time.process_time()
        for _ in range(int(rounds)):
            run(Path(folder), names, out, mode == "info")
        seconds = time.process_time() - start
        size = out.stat().st_size
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"seconds": seconds, "peak": peak, "size": size}))


if __name__ == "__main__":
    main()
