"""Declarations as text. What is printed of `printed/x.proto` stands in `x.txt`; BAREWIRE_REFRESH=1 rewrites it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from barewire import schema
from barewire.schema.print_proto import print_symbol
from barewire.schema.registry import declarations
from tests.support.grpcurl import find_grpcurl

FOLDER = Path(__file__).parent / "printed"
RICH = Path(__file__).parents[1] / "cli" / "rich.proto"


def top_level(loaded: schema.Schema) -> list[str]:
    file = loaded.file
    return sorted(d.full_name for d in (*file.messages, *file.enums, *file.services, *file.extensions))


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.proto")), ids=lambda path: path.stem)
def test_printed(path: Path) -> None:
    loaded = schema.load(path)
    printed = "\n".join(print_symbol(loaded.registry.find_symbol(name)) + "\n" for name in top_level(loaded))  # type: ignore[arg-type]
    golden = path.with_suffix(".txt")
    if os.environ.get("BAREWIRE_REFRESH"):
        golden.write_text(printed)
    assert printed == golden.read_text()


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.proto")), ids=lambda path: path.stem)
def test_what_is_printed_declares_the_same(path: Path) -> None:
    loaded = schema.load(path)
    file = loaded.file
    header = f'edition = "{file.edition}";' if file.edition else f'syntax = "{file.syntax}";'
    imports = [f'import "{dependency.name}";' for dependency in file.dependencies]
    body = [print_symbol(loaded.registry.find_symbol(name)) for name in top_level(loaded)]  # type: ignore[arg-type]
    options = ["option features.enum_type = CLOSED;"] if file.edition else []
    text = "\n".join([header, f"package {file.package};", *imports, *options, *body])
    again = schema.loads(text, name="again.proto")
    assert [print_symbol(again.registry.find_symbol(name)) for name in top_level(again)] == body  # type: ignore[arg-type]
    names = {declared.full_name for declared in declarations(file)}
    assert {declared.full_name for declared in declarations(again.file)} == names


def test_grpcurl_prints_the_same() -> None:
    loaded = schema.load(RICH)
    program = find_grpcurl()
    for name in top_level(loaded):
        command = [program, "-import-path", str(RICH.parent), "-proto", RICH.name, "describe", name]
        out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        assert print_symbol(loaded.registry.find_symbol(name)) == out.partition("\n")[2].rstrip("\n")  # type: ignore[arg-type]
