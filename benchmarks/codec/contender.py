"""What a contender is: how it makes classes of shapes.proto, and how its user writes encoding and decoding."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
PROTO = HERE / "shapes.proto"
LEGACY = HERE / "legacy.proto"
CACHE = HERE.parents[1] / ".cache" / "benchmarks"


@dataclass(frozen=True)
class Contender:
    """`encode` is source that encodes the message `m`; `decode` decodes `data`, with {} for the class.

    `classes()` gives the message classes by name, and `version()` what to print as the contender's name. `extensions`
    is what holds the extensions of the message `m`, and takes them as keys; without it, only proto3 is measured.
    """

    encode: str
    decode: str
    classes: Callable[[], dict[str, Any]]
    version: Callable[[], str]
    extensions: str = ""


def generate(name: str, *options: str, protos: tuple[Path, ...] = (PROTO,)) -> Path:
    """Runs protoc with the given options ({out} is the folder). Returns that folder, on sys.path."""
    out = CACHE / f"generated_{name}"
    out.mkdir(parents=True, exist_ok=True)
    plugins = Path(sys.executable).parent  # protoc looks for its plugins on PATH
    command = [sys.executable, "-m", "grpc_tools.protoc", f"-I{HERE}", *(o.format(out=out) for o in options)]
    subprocess.run([*command, *map(str, protos)], check=True, env={"PATH": str(plugins)}, capture_output=True)
    sys.path.insert(0, str(out))
    return out


def classes_of(module: str) -> dict[str, Any]:
    """The message classes in a generated module."""
    return {
        name: value
        for name, value in vars(importlib.import_module(module)).items()
        if isinstance(value, type)
    }
