"""The reference compiler at work: `.proto` files → Google's Python modules, made when the tests run."""

from __future__ import annotations

import atexit
import functools
import importlib
import shutil
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[2]
BOOKSTORE = ROOT / "examples" / "bookstore" / "bookstore.proto"
DESCRIPTORS = "descriptors.binpb"
INTEROP = ROOT / "tests" / "interop" / "interop.proto"
TESTING = ROOT / "tests" / "interop" / "testing.proto"
DRIVER = ROOT / "tests" / "interop" / "peers" / "driver.proto"
ORCA = ROOT / "tests" / "interop" / "orca.proto"


def generate(protos: Iterable[Path], out: Path, *, include: Iterable[Path] = ()) -> None:
    """Runs protoc with the message and gRPC generators over `protos`, into `out`; the descriptors go to DESCRIPTORS.

    Raises RuntimeError with what protoc said.
    """
    protos = list(protos)
    folders = dict.fromkeys([*include, *(proto.parent for proto in protos)])
    command = [sys.executable, "-m", "grpc_tools.protoc", *(f"-I{folder}" for folder in folders)]
    command += [f"--python_out={out}", f"--grpc_python_out={out}"]
    command += [f"--descriptor_set_out={out / DESCRIPTORS}", *map(str, protos)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"protoc failed:\n{done.stderr}")


def import_generated(folder: Path, *names: str) -> list[ModuleType]:
    """Imports modules that `generate` wrote to `folder`. Their imports of each other are absolute, so the folder
    joins sys.path."""
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # protoc and the runtime may be some versions apart
        return [importlib.import_module(name) for name in names]


@functools.cache
def generated_folder() -> Path:
    """The folder with the modules of the bookstore and of the interop tests' protos, generated once in a test run."""
    folder = Path(tempfile.mkdtemp(prefix="barewire-protos-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    generate([BOOKSTORE, INTEROP, TESTING, ORCA], folder)
    return folder
