"""The page about the rules is what the data files say. (That every rule has a test is for `make rules` to find.)"""

from __future__ import annotations

from .rules import PAGE, page, read_rules


def test_numbers() -> None:
    assert [rule.number for rule in read_rules()] == list(range(1, 105))


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text() == page(read_rules()), "run `make rules`"
