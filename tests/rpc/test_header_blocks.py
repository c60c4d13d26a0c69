"""The HPACK classes with a memory, held to the plain ones of hpack on random sequences of header lists."""

from __future__ import annotations

from typing import Any

import hpack
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from barewire.rpc.header_blocks import HeaderBlock, RememberingDecoder, RememberingEncoder

Fields = list[tuple[bytes, bytes]]

# Few names and values, so that lists repeat; some values fill much of a table of 4096 bytes.
_FIELD = st.tuples(
    st.sampled_from([b":status", b":path", b"grpc-status", b"content-type", b"x", b"y-bin"]),
    st.sampled_from([b"", b"0", b"200", b"application/grpc", b"v", b"w" * 1500, b"z" * 3990, b"q" * 5000]),
)
_LISTS: SearchStrategy[Fields] = st.lists(_FIELD, max_size=6)
_TABLE_SIZES = st.sampled_from([0, 32, 100, 2000, 4096, 65536, 2**32 - 1])
_STEPS = st.lists(st.one_of(_LISTS, _TABLE_SIZES), max_size=25)


def plain(fields: Any) -> Fields:
    return [(bytes(name), bytes(value)) for name, value in fields]


@given(_STEPS)
def test_a_plain_decoder_understands_our_encoder(steps: list[Fields | int]) -> None:
    encoder, decoder = RememberingEncoder(), hpack.Decoder(2**24)
    for step in steps:
        if isinstance(step, int):
            decoder.max_allowed_table_size = step
            encoder.header_table_size = step
        else:
            assert plain(decoder.decode(encoder.encode(step), raw=True)) == step


@given(
    st.lists(st.tuples(_LISTS, st.booleans()), max_size=25),
    st.lists(st.sampled_from([0, 50, 4096]), max_size=3),
)
def test_our_decoder_understands_a_plain_encoder(steps: list[tuple[Fields, bool]], sizes: list[int]) -> None:
    encoder, decoder = hpack.Encoder(), RememberingDecoder()
    for number, (fields, huffman) in enumerate(steps):
        if number % 5 == 4 and sizes:
            encoder.header_table_size = sizes.pop()
        block = decoder.decode_block(encoder.encode(fields, huffman))
        assert block.fields == fields
        assert block.size == sum(len(name) + len(value) + 32 for name, value in fields)


@given(_STEPS)
def test_ours_understand_each_other(steps: list[Fields | int]) -> None:
    encoder, decoder = RememberingEncoder(), RememberingDecoder()
    for step in steps:
        if isinstance(step, int):
            encoder.header_table_size = step
        else:
            assert decoder.decode_block(encoder.encode(step)).fields == step


@given(st.lists(st.binary(max_size=30), max_size=6))
def test_junk_is_an_hpack_error_or_what_hpack_makes_of_it(blocks: list[bytes]) -> None:
    ours, theirs = RememberingDecoder(), hpack.Decoder(2**20)
    for block in [*blocks, *blocks]:
        try:
            expected = plain(theirs.decode(block, raw=True))
        except hpack.HPACKError:
            with pytest.raises(hpack.HPACKError):
                ours.decode_block(block)
            return
        assert ours.decode_block(block).fields == expected


def test_a_block_that_comes_again_is_the_same_object() -> None:
    encoder, decoder = RememberingEncoder(), RememberingDecoder()
    fields = [(b":status", b"200"), (b"content-type", b"application/grpc")]
    data = [encoder.encode(fields) for _ in range(4)]
    blocks = [decoder.decode_block(block) for block in data]
    assert data[2] == data[3]
    assert blocks[2] is blocks[3]
    assert blocks[0] is not blocks[2]
    encoder.encode([(b"x", b"y")])
    decoder.decode_block(encoder.encode([(b"x", b"y")]))  # changes the table
    assert decoder.decode_block(encoder.encode(fields)) is not blocks[3]


def test_the_table_settles_and_values_seen_once_leave_no_trace() -> None:
    encoder = RememberingEncoder()
    for number in range(1000):
        encoder.encode([(b"x-id", b"%d" % number), (b"same", b"value")])
    assert list(encoder._table.dynamic_entries) == [(b"same", b"value")]
    assert len(encoder.encode([(b"same", b"value")])) == 1
    assert len(encoder._seen_once) <= 256


@pytest.mark.rule(75)
def test_r75_the_peer_does_not_decide_on_our_memory() -> None:
    encoder = RememberingEncoder()
    encoder.header_table_size = 2**32 - 1
    for number in range(1000):
        for _ in range(2):
            encoder.encode([(b"echo", b"%04d" % number * 20)])
    assert encoder._table._current_size <= 4096
    for _ in range(1000):  # no block goes out meanwhile
        encoder.header_table_size = 0
        encoder.header_table_size = 4096
    assert len(encoder.table_size_changes) <= 2
    encoder.encode([(b"large", b"x" * 10_000_000)])
    assert all(len(value) < 5000 for _, value in encoder._seen_once)


@pytest.mark.rule(75)
def test_r75_blocks_that_inflate_are_not_remembered() -> None:
    decoder = RememberingDecoder()
    decoder.decode_block(b"\x82" * 4000)  # one byte each for `:method: GET`
    assert not decoder._remembered
    for number in range(1000):
        decoder.decode_block(hpack.Encoder().encode([(b"x", b"%d" % number, True)]))
    assert len(decoder._remembered) <= 256


@pytest.mark.rule(75)
def test_r75_a_block_cannot_inflate_without_end() -> None:
    encoder, decoder = hpack.Encoder(), RememberingDecoder()
    decoder.decode_block(encoder.encode([(b"x", b"y" * 4000)]))
    with pytest.raises(hpack.OversizedHeaderListError):
        decoder.decode_block(encoder.encode([(b"x", b"y" * 4000)]) * 1000)


def test_no_fields() -> None:
    assert RememberingDecoder().decode_block(b"").fields == []
    assert HeaderBlock([]).size == 0
