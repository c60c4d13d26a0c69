"""Base64 in chunks: however it was cut and padded, the messages are the same, and so is the fault."""

from __future__ import annotations

import base64
import itertools
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from barewire.rpc.envelope import Envelope, EnvelopeError, EnvelopeReader
from barewire.rpc.web.base64_stream import Base64Reader
from tests.support.web_echo import frame

pytestmark = pytest.mark.rule(101)


def reader() -> Base64Reader:
    return Base64Reader(EnvelopeReader(1000, "limit"))


def read(text: bytes, cuts: list[int]) -> tuple[list[Envelope], str | None]:
    """The messages in `text`, delivered in pieces, and what was wrong with it."""
    target = reader()
    found: list[Envelope] = []
    bounds = sorted({0, len(text), *(cut % (len(text) + 1) for cut in cuts)})
    for start, end in itertools.pairwise(bounds):
        try:
            found += target.feed(text[start:end])
        except EnvelopeError as error:
            return found + error.received, error.reason
    return found, "incomplete" if target.partial_size else None


cuts = st.lists(st.integers(0, 500), max_size=20)


@given(
    messages=st.lists(st.binary(max_size=40), max_size=5),
    flushes=st.lists(st.integers(1, 60), max_size=10),
    cuts=cuts,
)
def test_padding_may_stand_anywhere(messages: list[bytes], flushes: list[int], cuts: list[int]) -> None:
    body = b"".join(map(frame, messages))
    text = b""
    for flush in flushes:
        text, body = text + base64.b64encode(body[:flush]), body[flush:]
    text += base64.b64encode(body)
    expected = [Envelope(False, message) for message in messages]
    assert read(text, cuts) == (expected, None)
    assert read(text, list(range(len(text)))) == (expected, None)


@given(text=st.text("AQBCab+/=-\n\x00é", max_size=60), cuts=cuts)
@example(text="AAA===é", cuts=[4])  # a good group, and padding too much behind it
@example(text="AA/A=AQ+", cuts=[])
def test_a_fault_does_not_depend_on_the_cuts(text: str, cuts: list[int]) -> None:
    data = text.encode()
    whole = read(data, [])
    assert read(data, cuts) == whole
    assert read(data, list(range(len(data)))) == whole
    if whole[1] is None:  # then it is what others take for base64 too
        assert re.fullmatch(rb"(?:[A-Za-z0-9+/]{4}|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{2}==)*", data)


def test_what_is_wrong_is_shown() -> None:
    good = base64.b64encode(frame(b"one"))
    found, fault = read(good + b"AA*A", [])
    assert found == [Envelope(False, b"one")]
    assert fault == "the body is not base64: it holds 'AA*A'"
    assert read(good[:-1], []) == ([], "incomplete")
    assert read(good + b"AA", []) == ([Envelope(False, b"one")], "incomplete")


def test_nothing_is_left_after_drop() -> None:
    target = reader()
    target.feed(b"AAAAA")
    assert target.partial_size
    target.drop()
    assert not target.partial_size
