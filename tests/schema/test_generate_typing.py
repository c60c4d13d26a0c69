"""Type checkers accept generated modules and a program that uses them, at their strictest; and find its mistakes."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from barewire.schema.compile import compile_files
from barewire.schema.generate import python_stub
from barewire.schema.generate_comments import comments_of
from tests.support import generated
from tests.support.peers import missing
from tests.support.proto_cases import MAIN, cases, sources_of
from tests.support.protos import BOOKSTORE, ROOT
from tests.support.schemas import PROTOS

pytestmark = pytest.mark.slow
CONSUMER = ROOT / "tests" / "golden" / "generated" / "consumer.py.txt"

# What a checker has to find when the consumer is changed so.
MISTAKES = {
    'title="gRPC Fundamentals"': 'titel="gRPC Fundamentals"',
    'shelf[pantry_pb.note] = "text"': "shelf[pantry_pb.note] = 5",
    'GetBookRequest(id="1"), timeout=2': 'Book(id="1"), timeout=2',
    'member == "choice_string"': 'member == "no_choice"',
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the package `app`: generated modules, stubs, and the program that uses them."""
    folder = tmp_path_factory.mktemp("typed")
    gen = folder / "app" / "gen"
    include = [BOOKSTORE.parent, PROTOS]
    names = ["bookstore.proto", "clash.proto", "editions.proto", "kitchen.proto", "pantry.proto"]
    files = compile_files(names, include=include, pool={}, source_info=True)
    generated.generate(files, gen)
    for file in files:
        stub = python_stub(file, comments_of(file))
        path = folder / "app" / "stubs" / stub.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(stub.text, encoding="utf-8")
    for number, case in enumerate(cases("valid")):
        sources = sources_of(case)
        generated.generate(
            compile_files([MAIN], sources=sources, pool={}, source_info=True),
            folder / "app" / f"case_{number}",
        )
    (folder / "app" / "consumer.py").write_text(CONSUMER.read_text(encoding="utf-8"), encoding="utf-8")
    for each in [folder / "app", *(path for path in (folder / "app").rglob("*") if path.is_dir())]:
        (each / "__init__.py").touch()
    packages = folder / "packages" / "barewire"  # as installed: checkers do not follow import hooks
    packages.mkdir(parents=True)
    for name in ("wire", "schema", "rpc"):
        (packages / name).symlink_to(ROOT / name)
    return folder


def pyright(project: Path) -> str:
    program = shutil.which("basedpyright", path=str(Path(sys.executable).parent))
    if program is None:
        missing("basedpyright is not installed")
    configuration = {
        "include": ["app"],
        "typeCheckingMode": "strict",
        "pythonVersion": "3.11",
        "extraPaths": ["packages"],
    }
    (project / "pyrightconfig.json").write_text(json.dumps(configuration))
    done = subprocess.run([program], cwd=project, capture_output=True, text=True)
    return "" if done.returncode == 0 else done.stdout


def mypy(project: Path) -> str:
    if importlib.util.find_spec("mypy") is None:
        missing("mypy is not installed")
    command = [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent", "-p", "app"]
    done = subprocess.run(
        command, cwd=project, capture_output=True, text=True, env={**os.environ, "MYPYPATH": "packages"}
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr


@pytest.mark.parametrize("checker", [pyright, mypy])
def test_checkers_accept_what_is_generated(checker: Callable[[Path], str], project: Path) -> None:
    assert checker(project) == ""


@pytest.mark.parametrize("checker", [pyright, mypy])
def test_checkers_find_mistakes(checker: Callable[[Path], str], project: Path) -> None:
    consumer = project / "app" / "consumer.py"
    text = wrong = consumer.read_text(encoding="utf-8")
    for right, mistake in MISTAKES.items():
        assert right in wrong
        wrong = wrong.replace(right, mistake, 1)
    consumer.write_text(wrong, encoding="utf-8")
    try:
        report = checker(project)
    finally:
        consumer.write_text(text, encoding="utf-8")
    lines = wrong.splitlines()
    for mistake in MISTAKES.values():
        line = next(number for number, line in enumerate(lines, 1) if mistake in line)
        assert f"consumer.py:{line}:" in report, mistake
