from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any


def test_findings_and_exit_status(barewire: Callable[..., Any], tmp_path: Path) -> None:
    file = tmp_path / "a.proto"
    file.write_text('syntax = "proto3";\npackage a;\nmessage bad {}\n')
    ran = barewire("lint", str(file))
    assert (ran.status, ran.error) == (1, "")
    assert (
        ran.out
        == f"{file}:3:9: lint: message 'bad' is not in TitleCase [message-name]\n  help: call it Bad\n"
    )
    assert barewire("lint", str(file), str(tmp_path)).out == ran.out
    assert barewire("lint", str(file), "--ignore", "message-name").status == 0
    assert "package-folder" in barewire("lint", str(file), "--enable", "package-folder").out
    (finding,) = json.loads(barewire("lint", str(file), "--format", "json").out)
    assert finding["rule"] == "message-name"
    assert barewire("lint", str(file), "--format", "github").out.startswith(
        f"::error file={file},title=message-name"
    )


def test_what_does_not_compile(barewire: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "bad.proto").write_text("message M { Absent a = 1; }")
    ran = barewire("lint", str(tmp_path))
    assert (ran.status, ran.out) == (2, "")
    assert "bad.proto:1:13: error:" in ran.error


def test_the_command_line(barewire: Callable[..., Any]) -> None:
    assert "no-required" in barewire("lint", "--rules").out
    assert barewire("lint").status == 2
    assert barewire("lint", "x.proto", "--enable", "no-such").status == 2
