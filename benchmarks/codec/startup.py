"""What it costs to begin: CPU time of whole processes that import a library, load a schema, and use one message.

The schema is the same for all: 30 messages of eight fields each, written here. Google's classes come from the module
that protoc made of it beforehand; barewire's from its own module of that kind, or from the text.
"""

from __future__ import annotations

import os
import subprocess
import sys
from statistics import median

from .contender import CACHE

MESSAGES = 30
_KINDS = ("string", "int32", "int64", "bool", "double", "repeated string", "repeated int32")
_USE = "m = {0}.M1(f0='text', f1=5, f7={0}.M0(f1=7)); "
_BAREWIRE = "from barewire import schema; s = schema.load({proto!r}); "
_BAREWIRE_PB = "import sys; sys.path.insert(0, {folder!r}); import thirty_pb as s; "
_GOOGLE = "import sys; sys.path.insert(0, {folder!r}); import thirty_pb2 as s; "

# What is run, by what the report calls it.
PROGRAMS = {
    "nothing (the interpreter)": "pass",
    "import google.protobuf": "import google.protobuf.message, google.protobuf.descriptor_pool",
    "import barewire.schema": "import barewire.schema",
    "import thirty_pb2 (upb)": _GOOGLE,
    "import thirty_pb (barewire)": _BAREWIRE_PB,
    "schema.load('thirty.proto')": _BAREWIRE,
    "thirty_pb2, then encode and decode": _GOOGLE
    + _USE.format("s")
    + "s.M1.FromString(m.SerializeToString())",
    "thirty_pb, then encode and decode": _BAREWIRE_PB + _USE.format("s") + "s.M1.decode(m.encode())",
    "schema.load, then encode and decode": _BAREWIRE + _USE.format("s") + "s.M1.decode(m.encode())",
}


def measure(rounds: int) -> dict[str, float]:
    """program → milliseconds of CPU time, user and system: the median of `rounds`, programs taking turns."""
    folder = CACHE / "startup"
    folder.mkdir(parents=True, exist_ok=True)
    proto = folder / "thirty.proto"
    proto.write_text(_proto())
    for compiler in (["grpc_tools.protoc"], ["barewire.cli", "compile"]):
        command = [sys.executable, "-m", *compiler, f"-I{folder}", f"--python_out={folder}", str(proto)]
        subprocess.run(command, check=True)
    times: dict[str, list[float]] = {name: [] for name in PROGRAMS}
    for turn in range(rounds + 1):
        for name, program in PROGRAMS.items():
            cpu = _cpu_time(program.format(proto=str(proto), folder=str(folder)))
            if turn:  # the first turn compiles modules and warms the disk's cache
                times[name].append(cpu)
    return {name: median(values) * 1000 for name, values in times.items()}


def _cpu_time(program: str) -> float:
    # Bytecode is kept, as it is where packages are installed, but not in this tree. (To Python, empty is unset.)
    environment = os.environ | {
        "PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION": "upb",
        "PYTHONDONTWRITEBYTECODE": "",
        "PYTHONPYCACHEPREFIX": str(CACHE / "pycache"),
    }
    child = os.posix_spawn(sys.executable, [sys.executable, "-c", program], environment)
    _, status, usage = os.wait4(child, 0)
    if status:
        raise RuntimeError(f"status {status} from {program!r}")
    return usage.ru_utime + usage.ru_stime


def _proto() -> str:
    lines = ['syntax = "proto3";', "package thirty;"]
    for number in range(MESSAGES):
        lines.append(f"message M{number} {{")
        lines += [f"  {kind} f{index} = {index + 1};" for index, kind in enumerate(_KINDS)]
        lines += [f"  M{max(number - 1, 0)} f{len(_KINDS)} = {len(_KINDS) + 1};", "}"]
    return "\n".join(lines) + "\n"
