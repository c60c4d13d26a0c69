from __future__ import annotations

import copy
import pickle

import pytest

from tests.support.wire_plans import Genre


def test_known_numbers_are_members() -> None:
    assert Genre(1) is Genre.NOVEL
    assert Genre.NOVEL.is_known
    assert repr(Genre.NOVEL) == "Genre.NOVEL"


def test_unknown_numbers_are_values_too() -> None:
    for number in (99, -1, -(2**31), 2**31 - 1):
        unknown = Genre(number)
        assert unknown == number == Genre(number)
        assert isinstance(unknown, Genre)
        assert not unknown.is_known
        assert unknown.name == str(number)
        assert repr(unknown) == f"Genre({number})"
        assert pickle.loads(pickle.dumps(unknown)) == unknown
        assert copy.deepcopy(unknown) == unknown
    assert [member.name for member in Genre] == ["UNKNOWN", "NOVEL", "POEM"]  # they are not kept


@pytest.mark.parametrize("value", [2**31, -(2**31) - 1, "NOVEL", 1.5, None])
def test_what_is_no_int32_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="is not a valid Genre"):
        Genre(value)
