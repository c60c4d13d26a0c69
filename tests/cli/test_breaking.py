from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def versions(tmp_path: Path) -> list[str]:
    old, new = tmp_path / "old.proto", tmp_path / "new.proto"
    old.write_text('syntax = "proto3";\nmessage M {\n  int32 x = 1;\n}\n')
    new.write_text('syntax = "proto3";\nmessage M {\n  string x = 1;\n}\n')
    return [str(old), str(new)]


def test_findings_and_exit_status(barewire: Callable[..., Any], versions: list[str]) -> None:
    ran = barewire("breaking", *versions)
    assert (ran.status, ran.error) == (1, "")
    assert ran.out.splitlines()[:2] == [
        f"{versions[1]}:3:10: wire+json: the type of field M.x changed from int32 to string [field-type]",
        f"  before: {versions[0]}:3:9",
    ]
    same = barewire("breaking", versions[0], versions[0])
    assert (same.status, same.out, same.error) == (0, "", "")
    assert barewire("breaking", *versions, "--ignore", "field-type").status == 0
    assert barewire("breaking", *versions, "--category", "source").status == 0


def test_json(barewire: Callable[..., Any], versions: list[str]) -> None:
    (finding,) = json.loads(barewire("breaking", *versions, "--format", "json").out)
    assert finding["rule"] == "field-type"
    assert finding["categories"] == ["wire", "json"]
    assert (finding["file"], finding["line"], finding["column"]) == (versions[1], 3, 10)
    assert finding["before"] == {"file": versions[0], "line": 3, "column": 9}
    assert json.loads(barewire("breaking", versions[0], versions[0], "--format", "json").out) == []


def test_github(barewire: Callable[..., Any], versions: list[str]) -> None:
    out = barewire("breaking", *versions, "--format", "github").out
    assert out.startswith(
        f"::error file={versions[1]},title=field-type,line=3,col=10::the type of field M.x changed"
    )


def test_what_does_not_compile(barewire: Callable[..., Any], versions: list[str], tmp_path: Path) -> None:
    (tmp_path / "bad.proto").write_text("message")
    ran = barewire("breaking", versions[0], str(tmp_path / "bad.proto"))
    assert (ran.status, ran.out) == (2, "")
    assert "bad.proto:1:8: error: expected a name" in ran.error
    assert barewire("breaking", versions[0], str(tmp_path / "absent.binpb")).status == 2


def test_the_command_line(barewire: Callable[..., Any], versions: list[str]) -> None:
    listed = barewire("breaking", "--rules")
    assert listed.status == 0
    assert "field-type " in listed.out
    assert barewire("breaking", versions[0]).status == 2
    ran = barewire("breaking", *versions, "--ignore", "field-typ")
    assert ran.status == 2
    assert "did you mean field-type?" in ran.error
