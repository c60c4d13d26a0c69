from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from barewire.schema.fuzz.outcome import Outcome
from barewire.schema.fuzz.peers.reference import ReferencePeer
from tests.support.protos import BOOKSTORE

BOOK = [str(BOOKSTORE), "bookstore.Book"]


@pytest.mark.parametrize("against", ["upb", "python", "reference"])
def test_no_difference(barewire: Callable[..., Any], against: str) -> None:
    ran = barewire("fuzz", *BOOK, "--against", against, "-n", "300", "--seed", "7")
    assert ran.status == 0
    assert f"bookstore.Book against {against}: 300 cases (seed 7)" in ran.out
    assert "0 unexplained differences" in ran.out
    assert barewire("fuzz", *BOOK, "--against", against, "-n", "300", "--seed", "7").out == ran.out


def test_a_difference_is_printed_with_a_test(
    barewire: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    examine = ReferencePeer._examine

    def refuse_titles(peer: ReferencePeer, data: bytes) -> Outcome:
        outcome = examine(peer, data)
        return (
            Outcome("no titles") if outcome.tree and any(pair[0] == 2 for pair in outcome.tree) else outcome
        )

    monkeypatch.setattr(ReferencePeer, "_examine", refuse_titles)
    ran = barewire("fuzz", *BOOK, "--against", "reference", "-n", "500")
    assert ran.status == 1
    assert "accept: we accept, they refuse (no titles)" in ran.out
    assert "title" in ran.out
    assert "def test_accept_we_accept_they_refuse_no_titles() -> None:" in ran.out


def test_a_message_that_is_not_there(barewire: Callable[..., Any]) -> None:
    ran = barewire("fuzz", str(BOOKSTORE), "bookstore.Bok")
    assert ran.status == 1
    assert "declares no message 'bookstore.Bok'" in ran.error
