from __future__ import annotations

import contextlib
import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from barewire.rpc.compression import ACCEPTED, CODECS, CompressionError, find_codec
from barewire.rpc.status import StatusCode

_names = pytest.mark.parametrize("name", list(CODECS))


@_names
@given(st.binary(max_size=200))
def test_round_trip(name: str, data: bytes) -> None:
    codec = CODECS[name]
    assert codec.decompress(codec.compress(data), len(data)) == data


@pytest.mark.rule(59)
@given(st.binary(max_size=200))
def test_r59_formats_are_gzip_and_zlib(data: bytes) -> None:
    assert gzip.decompress(CODECS["gzip"].compress(data)) == data
    assert zlib.decompress(CODECS["deflate"].compress(data)) == data


@pytest.mark.rule(51)
@_names
def test_r51_each_message_stands_alone(name: str) -> None:
    compress = CODECS[name].compress
    assert compress(b"again" * 50) == compress(b"again" * 50)


@pytest.mark.rule(58)
@_names
def test_r58_a_bomb_is_not_inflated_past_the_limit(name: str) -> None:
    import tracemalloc

    bomb = CODECS[name].compress(bytes(64 << 20))
    tracemalloc.start()
    try:
        with pytest.raises(CompressionError, match="max_receive_message_size") as caught:
            CODECS[name].decompress(bomb, 10_000)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()
    assert caught.value.code is StatusCode.RESOURCE_EXHAUSTED


@pytest.mark.rule(58)
@_names
def test_r58_exactly_the_limit_passes(name: str) -> None:
    codec = CODECS[name]
    assert codec.decompress(codec.compress(bytes(1000)), 1000) == bytes(1000)
    with pytest.raises(CompressionError):
        codec.decompress(codec.compress(bytes(1001)), 1000)


@pytest.mark.rule(54)
@_names
@pytest.mark.parametrize("damage", ["cut", "more", "junk", "empty", "flipped"])
def test_r54_corrupt_data_is_internal(name: str, damage: str) -> None:
    good = CODECS[name].compress(b"hello hello hello")
    bad = {
        "cut": good[:-1],
        "more": good + b"x",
        "junk": b"not compressed",
        "empty": b"",
        "flipped": good[:-2] + bytes((good[-2] ^ 1,)) + good[-1:],
    }[damage]
    with pytest.raises(CompressionError, match=name) as caught:
        CODECS[name].decompress(bad, 1000)
    assert caught.value.code is StatusCode.INTERNAL


@_names
@given(st.binary(max_size=60))
def test_junk_is_data_or_a_compression_error(name: str, junk: bytes) -> None:
    with contextlib.suppress(CompressionError):
        CODECS[name].decompress(junk, 100)


def test_find_codec() -> None:
    assert find_codec(None) is None
    assert find_codec("identity") is None
    assert find_codec("gzip") is CODECS["gzip"]
    with pytest.raises(ValueError, match="has to be one of identity, gzip, deflate, and is 'snappy'"):
        find_codec("snappy")
    assert ACCEPTED == b"identity,gzip,deflate"
