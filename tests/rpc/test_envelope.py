from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from barewire.rpc.envelope import EnvelopeError, EnvelopeReader, encode_envelope
from barewire.rpc.status import StatusCode

_MESSAGES = st.lists(st.tuples(st.booleans(), st.binary(max_size=40)), max_size=6)
_LIMIT = 50


def _reader() -> EnvelopeReader:
    return EnvelopeReader(_LIMIT, "the_keyword")


def _stream(messages: list[tuple[bool, bytes]]) -> bytes:
    return b"".join(encode_envelope(payload, compressed) for compressed, payload in messages)


@pytest.mark.rule(6)
def test_r06_prefix_is_flag_and_big_endian_length() -> None:
    assert encode_envelope(b"abc") == b"\0\0\0\0\3abc"
    assert encode_envelope(b"x" * 258, compressed=True)[:5] == b"\1\0\0\1\2"
    assert encode_envelope(b"") == bytes(5)


@pytest.mark.rule(7)
@given(_MESSAGES)
def test_r07_whole(messages: list[tuple[bool, bytes]]) -> None:
    reader = _reader()
    assert reader.feed(_stream(messages)) == messages
    assert reader.partial_size == 0


@pytest.mark.rule(7)
@given(_MESSAGES)
def test_r07_byte_by_byte(messages: list[tuple[bool, bytes]]) -> None:
    reader, got = _reader(), []
    for byte in _stream(messages):
        got += reader.feed(bytes((byte,)))
    assert got == messages
    assert reader.partial_size == 0


@pytest.mark.rule(7)
@given(_MESSAGES, st.lists(st.integers(0, 60), max_size=40))
def test_r07_any_chunks(messages: list[tuple[bool, bytes]], sizes: list[int]) -> None:
    data, reader, got = _stream(messages), _reader(), []
    for size in sizes:
        got += reader.feed(data[:size])
        data = data[size:]
    got += reader.feed(data)
    assert got == messages


@given(_MESSAGES, st.binary(min_size=1, max_size=4))
def test_trailing_bytes_wait_for_more(messages: list[tuple[bool, bytes]], rest: bytes) -> None:
    reader = _reader()
    rest = b"\0" + rest[1:]
    assert reader.feed(_stream(messages) + rest) == messages
    assert reader.partial_size == len(rest)


@pytest.mark.rule(8)
@pytest.mark.parametrize("flag", [2, 3, 0x80, 0xFF])
def test_r08_other_flag_bytes_are_refused_after_what_came_before(flag: int) -> None:
    reader = _reader()
    with pytest.raises(EnvelopeError, match=f"flag byte {flag}") as caught:
        reader.feed(encode_envelope(b"first") + bytes((flag, 0, 0, 0, 1)))
    assert caught.value.code is StatusCode.INTERNAL
    assert caught.value.received == [(False, b"first")]


@pytest.mark.rule(47)
def test_r47_an_over_long_message_is_refused_at_its_prefix_by_name() -> None:
    reader = _reader()
    assert reader.feed(encode_envelope(bytes(_LIMIT))) == [(False, bytes(_LIMIT))]
    with pytest.raises(EnvelopeError, match=r"51 bytes is over the limit of 50 \(the_keyword\)") as caught:
        reader.feed(b"\0\0\0\0\x33")
    assert caught.value.code is StatusCode.RESOURCE_EXHAUSTED


def test_a_large_message_in_small_pieces_is_joined_once() -> None:
    reader = EnvelopeReader(1 << 20, "")
    data = encode_envelope(bytes(1 << 20))
    got = [message for i in range(0, len(data), 1000) for message in reader.feed(data[i : i + 1000])]
    assert [len(message.payload) for message in got] == [1 << 20]
