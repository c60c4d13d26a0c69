"""barewire compile: what it writes, and what it says when it cannot."""

from __future__ import annotations

from pathlib import Path

import pytest

from barewire.cli.main import main
from tests.support.protos import BOOKSTORE


def test_modules_and_stubs(tmp_path: Path) -> None:
    arguments = [
        "compile",
        "-I",
        str(BOOKSTORE.parent),
        "--python-out",
        str(tmp_path),
        "--pyi-out",
        str(tmp_path),
    ]
    assert main([*arguments, str(BOOKSTORE)]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "bookstore.pyi",
        "bookstore_pb.py",
        "bookstore_rpc.py",
    ]
    assert (
        main(["compile", f"--proto_path={BOOKSTORE.parent}", f"--python_out={tmp_path}", "bookstore.proto"])
        == 0
    )


def test_folders_are_kept_and_imports_can_be_absolute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "a.proto").write_text('syntax = "proto3"; import "b.proto"; message A { B b = 1; }')
    (tmp_path / "b.proto").write_text('syntax = "proto3"; message B {}')
    monkeypatch.chdir(tmp_path)
    assert main(["compile", "--python-out=out", "--python-package=my.gen", "shop/a.proto", "b.proto"]) == 0
    assert "from my.gen import b_pb" in (tmp_path / "out" / "shop" / "a_pb.py").read_text()
    assert (tmp_path / "out" / "b_pb.py").is_file()


def test_what_cannot_be_done(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compile", str(BOOKSTORE)]) == 2
    assert "nothing is to be written" in capsys.readouterr().err
    assert main(["compile", "--python-out", str(tmp_path), "nowhere.proto"]) == 1
    assert "nowhere.proto" in capsys.readouterr().err
    (tmp_path / "file").write_text("")
    assert main(["compile", "--python-out", str(tmp_path / "file"), str(BOOKSTORE)]) == 1
    assert "bookstore_pb.py" in capsys.readouterr().err
