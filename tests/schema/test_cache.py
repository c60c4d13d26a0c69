"""The cache of compiled files: the same descriptors from it, and never anything else than what the sources say."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from barewire import schema
from barewire.schema import cache as cache_module
from barewire.schema import compile as compiler
from barewire.schema.descriptor import FileDescriptor
from barewire.schema.to_descriptor_proto import file_descriptor_proto
from tests.support.proto_cases import MAIN, cases, sources_of

A = 'syntax = "proto3"; package p; import "b.proto"; message A { B b = 1; map<string, E> m = 2; }'
B = 'syntax = "proto3"; package p; message B { int32 x = 1; optional string s = 2; } enum E { Z = 0; }'


@pytest.fixture
def protos(tmp_path: Path) -> Path:
    folder = tmp_path / "protos"
    folder.mkdir()
    (folder / "a.proto").write_text(A)
    (folder / "b.proto").write_text(B)
    return folder


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that the compiler was asked for."""
    names: list[str] = []
    original = compiler.compile_files

    def noting(wanted: list[str], **arguments: object) -> list[FileDescriptor]:
        names.extend(wanted)
        return original(wanted, **arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(compiler, "compile_files", noting)
    return names


def load(protos: Path, name: str = "a.proto") -> schema.Schema:
    return schema.load(name, include=protos, cache=protos.parent / "cache")


def test_the_second_start_compiles_nothing(protos: Path, compiled: list[str]) -> None:
    first, second, alone = load(protos), load(protos), load(protos, "b.proto")
    assert compiled == ["a.proto"]
    assert second.A(b=second.B(x=1), m={"k": 0}).encode() == first.A(b=first.B(x=1), m={"k": 0}).encode()
    assert second.file.path == str(protos / "a.proto")
    assert alone.B(s="x").to_json() == '{"s":"x"}'


def test_files_of_one_registry_share_what_they_import(protos: Path, compiled: list[str]) -> None:
    load(protos)
    registry = schema.Registry()
    arguments = {"include": protos, "cache": protos.parent / "cache", "registry": registry}
    b = schema.load("b.proto", **arguments)  # type: ignore[arg-type]
    a = schema.load("a.proto", **arguments)  # type: ignore[arg-type]
    assert a.B is b.B
    assert compiled == ["a.proto"]


def test_a_change_anywhere_compiles_again(protos: Path, compiled: list[str]) -> None:
    load(protos)
    (protos / "b.proto").write_text(B.replace("x = 1", "y = 1"))
    assert load(protos).B(y=1)
    assert compiled == ["a.proto"] * 2
    (protos / "b.proto").write_text(
        B
    )  # and back: the entry of b is still there, that of a is not a's any more
    assert load(protos).B(x=1)


def test_a_file_that_comes_earlier_in_the_include_path_counts(protos: Path, tmp_path: Path) -> None:
    load(protos)
    (tmp_path / "first").mkdir()
    (tmp_path / "first" / "b.proto").write_text(B.replace("x = 1", "z = 1"))
    include = [tmp_path / "first", protos]
    assert schema.load("a.proto", include=include, cache=tmp_path / "cache").B(z=1)


def test_another_version_does_not_read_it(
    protos: Path, compiled: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    load(protos)
    monkeypatch.setattr(cache_module, "__version__", "0.0.other")
    load(protos)
    assert compiled == ["a.proto"] * 2


@pytest.mark.parametrize("damage", [b"", b"x", b"0\n[]", b"\xff" * 99])
def test_damaged_entries_are_absent_ones(protos: Path, compiled: list[str], damage: bytes) -> None:
    load(protos)
    for entry in (protos.parent / "cache").iterdir():
        entry.write_bytes(damage)
    assert load(protos).B(x=1)
    assert load(protos).B(x=1)
    assert compiled == ["a.proto"] * 2


def test_every_damaged_byte_is_noticed(protos: Path) -> None:
    load(protos, "b.proto")
    (entry,) = (protos.parent / "cache").iterdir()
    good = entry.read_bytes()
    for position in range(0, len(good), 7):
        entry.write_bytes(good[:position] + bytes((good[position] ^ 1,)) + good[position + 1 :])
        assert load(protos, "b.proto").B(x=1)


def test_errors_are_not_kept(protos: Path) -> None:
    (protos / "b.proto").write_text("nonsense")
    for _ in range(2):
        with pytest.raises(schema.SchemaError):
            load(protos)


def test_writers_side_by_side(protos: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        assert all(done.B(x=1) for done in pool.map(lambda _: load(protos), range(40)))
    assert not list((protos.parent / "cache").glob("*.part"))


def test_a_folder_that_cannot_be_written_is_no_error(protos: Path) -> None:
    (protos.parent / "cache").write_text("a file")
    assert load(protos).B(x=1)


@pytest.mark.parametrize("path", cases("valid"), ids=lambda path: path.stem)
def test_what_comes_back_is_what_was_compiled(path: Path, tmp_path: Path, compiled: list[str]) -> None:
    for name, text in sources_of(path).items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(text.encode("utf-8", "surrogateescape"))
    first = schema.load(MAIN, include=tmp_path, cache=tmp_path / "cache").file
    second = schema.load(MAIN, include=tmp_path, cache=tmp_path / "cache").file
    assert compiled == [MAIN]
    assert file_descriptor_proto(second) == file_descriptor_proto(first)
    assert second.symbols.keys() == first.symbols.keys()
    for name, symbol in first.symbols.items():
        assert plain(second.symbols[name]) == plain(symbol)


def plain(descriptor: object) -> dict[str, str]:
    """The attributes of a descriptor, other descriptors by their names."""
    names = type(descriptor).__slots__  # type: ignore[attr-defined]
    return {name: repr(getattr(descriptor, name)) for name in names}
