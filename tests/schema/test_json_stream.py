from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from barewire.schema.json_stream import JsonSplitter

scalars = st.none() | st.booleans() | st.integers() | st.text(max_size=5)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


def split(pieces: list[str]) -> list[str]:
    splitter = JsonSplitter()
    return [value for piece in pieces for value in splitter.feed(piece)] + splitter.end()


@given(st.lists(values, max_size=5), st.sampled_from([" ", "\n", "\r\n\t "]), st.data())
def test_any_values_in_any_pieces(wanted: list[Any], space: str, data: st.DataObject) -> None:
    text = space.join(map(json.dumps, wanted))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=4)))
    pieces = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert [json.loads(value) for value in split(pieces)] == wanted
    assert split(list(text)) == split([text])


def test_values_need_no_space_between_them() -> None:
    assert split(['{"a":1}{"a":"}"}["x"]"y"']) == ['{"a":1}', '{"a":"}"}', '["x"]', '"y"']


def test_a_value_is_given_out_as_soon_as_it_is_complete() -> None:
    splitter = JsonSplitter()
    assert splitter.feed('{"a": {}') == []
    assert splitter.feed("} 12") == ['{"a": {}}']
    assert splitter.feed("3 ") == ["123"]
    assert splitter.end() == []


@pytest.mark.parametrize("text", ["}", '{"a"', '"\\', "]]", "{]", "\\", '"a', "a,b"])
def test_what_is_no_json_is_still_cut(text: str) -> None:
    assert "".join(split([text])) == text


@given(st.text(alphabet='{}[]"\\ ,a1\n', max_size=12))
def test_nothing_is_lost(text: str) -> None:
    assert "".join("".join(split([text])).split()) == "".join(text.split())
