"""Imports only go down, the core of rpc does no I/O and reads no clock, and one file knows h2, and one h11."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LAYERS = ("wire", "schema", "rpc", "cli")
# What each layer may import besides the standard library and the layers under it.
OUTSIDE = {
    "wire": set[str](),
    "schema": {"hypothesis", "google", "atheris"},
    "rpc": {"h2", "hpack", "h11", "pytest", "pytest_asyncio", "opentelemetry", "prometheus_client", "dns"},
    "cli": {"rich"},
}
# Parts of rpc that are shells: they wait, read clocks, open sockets and files.
SHELLS = ("aio", "sync", "workers", "testing", "grpcio_compat", "interceptors", "services")
IO_MODULES = {"asyncio", "selectors", "select", "threading", "subprocess", "concurrent"}
# Values and wiring, that wait for nothing: the reason stands beside each.
ALLOWED = {
    ("listening.py", "socket"),  # opens what shells accept on
    ("channelz.py", "socket"),  # names the type of what it shows
    ("subchannel.py", "socket"),  # names an exception
    ("user_timeout.py", "socket"),  # sets an option, for both shells
    ("channelz.py", "time"),  # the wall clock is its default argument
}


def modules() -> list[Path]:
    return [path for layer in LAYERS for path in sorted((ROOT / layer).rglob("*.py"))]


def imports(path: Path) -> Iterator[tuple[str, int, bool]]:
    """Each import as (absolute name with the layer first, line, whether for type checkers alone)."""
    package = path.relative_to(ROOT).with_suffix("").parts[:-1]
    tree = ast.parse(path.read_text())
    guarded = {
        id(node)
        for test in ast.walk(tree)
        if isinstance(test, ast.If) and "TYPE_CHECKING" in ast.unparse(test.test)
        for node in ast.walk(test)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno, id(node) in guarded
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            name = ".".join((*base, *((node.module or "").split(".") if node.module else ())))
            if name:
                yield name, node.lineno, id(node) in guarded
            else:  # `from .. import rpc` at the top
                for alias in node.names:
                    yield alias.name, node.lineno, id(node) in guarded


@pytest.mark.parametrize("layer", LAYERS)
def test_imports_only_go_down(layer: str) -> None:
    below = set(LAYERS[: LAYERS.index(layer) + 1])
    for path in sorted((ROOT / layer).rglob("*.py")):
        for name, line, _ in imports(path):
            top = name.partition(".")[0]
            allowed = top in below or top in OUTSIDE[layer] or top in sys.stdlib_module_names
            assert allowed, f"{path.relative_to(ROOT)}:{line} imports {name}"


@pytest.mark.parametrize(
    ("libraries", "file"), [(("h2", "hyperframe"), "rpc/http2.py"), (("h11",), "rpc/web/http1.py")]
)
def test_one_file_imports_each_protocol_library(libraries: tuple[str, ...], file: str) -> None:
    found = {
        str(path.relative_to(ROOT))
        for path in modules()
        for name, _, _ in imports(path)
        if name.partition(".")[0] in libraries
    }
    assert found == {file}


def test_the_core_of_rpc_waits_for_nothing() -> None:
    for path in sorted([*(ROOT / "rpc").glob("*.py"), *(ROOT / "rpc" / "web").glob("*.py")]):
        for name, line, typing_only in imports(path):
            top = name.partition(".")[0]
            if top in IO_MODULES | {"socket", "time"} and not typing_only:
                assert (path.name, top) in ALLOWED, f"rpc/{path.name}:{line} imports {name}"


def test_the_shells_are_there() -> None:
    assert all((ROOT / "rpc" / shell).is_dir() for shell in SHELLS)
