"""Finding files."""

from __future__ import annotations

from pathlib import Path

import pytest

from barewire.schema.compile import compile_files
from barewire.schema.errors import SchemaError

A = 'syntax = "proto3"; import "sub/b.proto"; message A { B b = 1; }'
B = 'syntax = "proto3"; message B {}'


def test_include_paths_are_searched_in_order(tmp_path: Path) -> None:
    (tmp_path / "one" / "sub").mkdir(parents=True)
    (tmp_path / "two" / "sub").mkdir(parents=True)
    (tmp_path / "two" / "a.proto").write_text(A)
    (tmp_path / "two" / "sub" / "b.proto").write_text('syntax = "proto3"; message Other {}')
    (tmp_path / "one" / "sub" / "b.proto").write_text(B)
    (file,) = compile_files(["a.proto"], include=[tmp_path / "one", str(tmp_path / "two")])
    assert file.messages[0].fields[0].message_type is file.dependencies[0].messages[0]


def test_a_file_with_a_byte_order_mark(tmp_path: Path) -> None:
    (tmp_path / "a.proto").write_bytes(b"\xef\xbb\xbf" + B.encode())
    assert compile_files(["a.proto"], include=[tmp_path])[0].messages[0].name == "B"


def test_diagnostics_name_the_path(tmp_path: Path) -> None:
    (tmp_path / "a.proto").write_text('syntax = "proto3"; message A { X x = 1; }')
    with pytest.raises(SchemaError, match="error: 'X' is not defined") as caught:
        compile_files(["a.proto"], include=[tmp_path])
    assert str(caught.value).startswith(str(tmp_path / "a.proto") + ":1:")


@pytest.mark.parametrize(
    "name", ["nope.proto", "../a.proto", "a//b.proto", "a\\b.proto", "/etc/passwd", "a\0b", "", "sub"]
)
def test_what_is_no_file(tmp_path: Path, name: str) -> None:
    (tmp_path / "sub").mkdir()
    with pytest.raises(SchemaError, match="no such file"):
        compile_files([name], include=[tmp_path])


def test_given_texts_come_first(tmp_path: Path) -> None:
    (tmp_path / "a.proto").write_text("message Disk {}")
    (file,) = compile_files(["a.proto"], include=[tmp_path], sources={"a.proto": "message Given {}"})
    assert file.messages[0].name == "Given"


def test_files_are_shared_through_a_pool() -> None:
    pool: dict[str, object] = {}
    sources = {"a.proto": A, "sub/b.proto": B}
    (first,) = compile_files(["a.proto"], sources=sources, pool=pool)  # type: ignore[arg-type]
    (again,) = compile_files(["a.proto"], pool=pool)  # type: ignore[arg-type]
    assert again is first
    assert set(pool) == {"a.proto", "sub/b.proto"}


def test_a_failed_run_leaves_the_pool_as_it_was() -> None:
    pool: dict[str, object] = {}
    with pytest.raises(SchemaError):
        compile_files(["a.proto"], sources={"a.proto": A, "sub/b.proto": "messag B {}"}, pool=pool)  # type: ignore[arg-type]
    assert not pool


def test_several_files_keep_their_order() -> None:
    files = compile_files(["a.proto", "sub/b.proto", "a.proto"], sources={"a.proto": A, "sub/b.proto": B})
    assert [file.name for file in files] == ["a.proto", "sub/b.proto", "a.proto"]
