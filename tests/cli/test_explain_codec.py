from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.support.protos import BOOKSTORE

PARTS = """\
syntax = "proto2";
package parts;
message Part { required string name = 1; optional group Size = 2 { optional int32 width = 1; } extensions 100 to 200; }
extend Part { repeated int32 marks = 100 [packed = true]; }
message Set { option message_set_wire_format = true; extensions 4 to max; }
message Nothing {}
"""


def test_the_source_is_there_and_can_be_compiled(barewire: Callable[..., Any]) -> None:
    ran = barewire("explain-codec", str(BOOKSTORE), "bookstore.Book")
    assert ran.status == 0
    assert ran.out.startswith("# The codec of bookstore.Book: ")
    for head in (
        "def encode(m, deterministic=False):",
        "def decode(data):",
        "def write(m, depth):",
        "def read(",
    ):
        assert head in ran.out
    assert "# title" in ran.out  # fields are named where they are handled
    compile(ran.out, "printed", "exec")


def test_extensions_groups_and_odd_messages(barewire: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "parts.proto").write_text(PARTS)
    file = tmp_path / "user.proto"
    file.write_text('syntax = "proto3"; import "deep/parts.proto";')
    for name, expected in {
        "Part": "2 fields and 1 known extension",
        "Part.Size": "1 field.",
        "Set": "0 fields",
        "Nothing": "0 fields",
    }.items():
        ran = barewire("explain-codec", "-I", str(tmp_path), str(file), f"parts.{name}")
        assert ran.status == 0, ran.error
        assert expected in ran.out.splitlines()[0]
        compile(ran.out, "printed", "exec")
    assert (
        "def write_extensions("
        in barewire("explain-codec", str(file), ".parts.Part", "-I", str(tmp_path)).out
    )


def test_what_there_is_not(barewire: Callable[..., Any], tmp_path: Path) -> None:
    ran = barewire("explain-codec", str(BOOKSTORE), "bookstore.Bookstore")
    assert ran.status == 1
    assert ran.error.startswith("barewire explain-codec: ")
    assert "declare no message 'bookstore.Bookstore'" in ran.error
    assert barewire("explain-codec", str(tmp_path / "no.proto"), "a.B").status == 1
