from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.support.protos import BOOKSTORE

DATA = bytes.fromhex("0a0131 120444756e65")
NAMED = ["--proto", str(BOOKSTORE), "--type", "bookstore.Book"]


def test_three_ways_to_give_bytes(barewire: Callable[..., Any], tmp_path: Path) -> None:
    file = tmp_path / "book.bin"
    file.write_bytes(DATA)
    by_file = barewire("inspect", str(file), *NAMED)
    assert by_file.status == 0
    assert by_file.out == barewire("inspect", "--hex", DATA.hex(" "), *NAMED).out
    assert by_file.out == barewire("inspect", "--base64", "CgExEgREdW5l", *NAMED).out
    last = by_file.out.splitlines()[-1].split()
    assert last == ["0003", "12", "04", "44", "75", "6e", "65", "2", "LEN", "title", "string", '"Dune"']


def test_without_names(barewire: Callable[..., Any]) -> None:
    ran = barewire("inspect", "--hex", DATA.hex())
    assert '"Dune"' in ran.out
    assert "title" not in ran.out


def test_what_cannot_be_read(barewire: Callable[..., Any]) -> None:
    assert barewire("inspect", "--hex", "zz").status == 2
    assert barewire("inspect", "--base64", "?").status == 2
    assert barewire("inspect", "/no/such/file").status == 1
    assert barewire("inspect", "--hex", "00", "--base64", "").status == 2
    assert barewire("inspect", "--hex", "00", "--type", "no.Such").status == 1
