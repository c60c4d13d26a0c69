from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

UGLY, PRETTY = (
    'syntax="proto3";message M{int32 x=1;}',
    'syntax = "proto3";\n\nmessage M {\n  int32 x = 1;\n}\n',
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "inner").mkdir()
    (tmp_path / "ugly.proto").write_text(UGLY)
    (tmp_path / "inner" / "pretty.proto").write_text(PRETTY)
    return tmp_path


def test_check_diff_write(barewire: Callable[..., Any], folder: Path) -> None:
    ugly = folder / "ugly.proto"
    ran = barewire("format", "--check", str(folder))
    assert (ran.status, ran.out, ran.error) == (1, f"{ugly}\n", "")
    ran = barewire("format", "--diff", str(folder))
    assert ran.status == 1
    assert f"--- {ugly}" in ran.out
    assert "+  int32 x = 1;" in ran.out
    assert ugly.read_text() == UGLY
    assert barewire("format", "--write", str(folder)).out == f"{ugly}\n"
    assert ugly.read_text() == PRETTY
    assert barewire("format", "--check", str(folder)).status == 0
    assert barewire("format", "--write", str(folder)).out == ""


def test_printed(barewire: Callable[..., Any], folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert barewire("format", str(folder / "ugly.proto")).out == PRETTY
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(UGLY.encode())))
    assert barewire("format", "-").out == PRETTY


def test_what_is_not_correct_is_left_alone(barewire: Callable[..., Any], folder: Path) -> None:
    bad = folder / "bad.proto"
    bad.write_text("message {")
    ran = barewire("format", "--write", str(folder))
    assert ran.status == 2
    assert f"{bad}:1:9: error: expected a name" in ran.error
    assert bad.read_text() == "message {"
    assert (folder / "ugly.proto").read_text() == PRETTY
    assert barewire("format", str(folder / "absent.proto")).status == 2
    assert barewire("format", "--check", "--write", str(folder)).status == 2
