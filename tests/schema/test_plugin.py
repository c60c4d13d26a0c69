"""protoc-gen-barewire, with protoc as its host."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from barewire.schema.compile import compile_files
from barewire.schema.generate import Layout, python_modules, python_stub
from barewire.schema.generate_comments import comments_of
from barewire.schema.plugin import answer
from barewire.schema.wkt.plugin_pb import CodeGeneratorRequest
from tests.support.proto_cases import MAIN, cases, sources_of
from tests.support.protos import BOOKSTORE
from tests.support.schemas import PROTOS


@pytest.fixture
def host(tmp_path: Path) -> Path:
    """A folder with the plugin in it, as protoc looks for it."""
    plugin = tmp_path / "bin" / "protoc-gen-barewire"
    plugin.parent.mkdir()
    plugin.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m barewire.schema.plugin\n')
    plugin.chmod(0o755)
    return tmp_path


def protoc(host: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    out = host / "out"
    out.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "grpc_tools.protoc", f"--barewire_out={out}", *map(str, arguments)]
    environment = {**os.environ, "PATH": f"{host / 'bin'}{os.pathsep}{os.environ['PATH']}"}
    return subprocess.run(command, capture_output=True, text=True, env=environment)


def test_protoc_gets_what_the_command_writes(host: Path) -> None:
    names = ["bookstore.proto", "clash.proto", "editions.proto", "kitchen.proto", "pantry.proto"]
    done = protoc(host, f"-I{BOOKSTORE.parent}", f"-I{PROTOS}", *names)
    assert done.returncode == 0, done.stderr
    written = {path.name: path.read_text(encoding="utf-8") for path in (host / "out").iterdir()}
    files = compile_files(names, include=[BOOKSTORE.parent, PROTOS], pool={}, source_info=True)
    expected = {made.path: made.text for file in files for made in python_modules(file, comments_of(file))}
    assert written == expected


def test_parameters(host: Path) -> None:
    done = protoc(host, f"-I{PROTOS}", "--barewire_opt=package=my.gen", "kitchen.proto")
    assert done.returncode == 0, done.stderr
    (file,) = compile_files(["kitchen.proto"], include=[PROTOS], pool={}, source_info=True)
    modules = python_modules(file, comments_of(file), Layout("my.gen"))
    assert (host / "out" / "kitchen_pb.py").read_text(encoding="utf-8") == modules[0].text
    assert "from my.gen import pantry_pb" in modules[0].text
    done = protoc(host, f"-I{PROTOS}", "--barewire_opt=pyi", "kitchen.proto")
    assert (host / "out" / "kitchen.pyi").read_text(encoding="utf-8") == python_stub(
        file, comments_of(file)
    ).text
    done = protoc(host, f"-I{PROTOS}", "--barewire_opt=colour=red", "kitchen.proto")
    assert done.returncode != 0
    assert "unknown parameter 'colour=red'" in done.stderr


@pytest.mark.parametrize("name", ["edition_2024", "proto3_optional_extension", "custom_options_everywhere"])
def test_editions_and_options(host: Path, name: str) -> None:
    (path,) = [case for case in cases("valid") if case.stem == name]
    sources = sources_of(path)
    for each, text in sources.items():
        (host / each).write_text(text, encoding="utf-8")
    done = protoc(host, f"-I{host}", MAIN)
    assert done.returncode == 0, done.stderr
    (file,) = compile_files([MAIN], sources=sources, pool={}, source_info=True)
    made = python_modules(file, comments_of(file))[0]
    assert (host / "out" / made.path).read_text(encoding="utf-8") == made.text


def test_what_is_no_request() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "barewire.schema.plugin"], input=b"\xff", capture_output=True
    )
    assert done.returncode == 1
    assert b"no request of protoc" in done.stderr
    assert (
        answer(CodeGeneratorRequest(parameter="pyi=1")).error
        == "unknown parameter 'pyi=1'; there are pyi and package=NAME"
    )
