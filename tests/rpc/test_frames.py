"""Frames that are written and taken apart by hand, against hyperframe."""

from __future__ import annotations

import hyperframe.frame as hf
from hypothesis import given
from hypothesis import strategies as st

from barewire.rpc import frames as f


def _frames(data: bytes) -> list[hf.Frame]:
    found: list[hf.Frame] = []
    while data:
        frame, length = hf.Frame.parse_frame_header(memoryview(data[: f.FRAME_HEADER_SIZE]))
        end = f.FRAME_HEADER_SIZE + length
        frame.parse_body(memoryview(data[f.FRAME_HEADER_SIZE : end]))
        found.append(frame)
        data = data[end:]
    return found


@given(block=st.binary(max_size=100), max_size=st.integers(1, 40), end_stream=st.booleans())
def test_a_header_block_as_frames(block: bytes, max_size: int, end_stream: bool) -> None:
    first, *rest = _frames(f.headers_frames(5, block, max_size, end_stream=end_stream))
    assert isinstance(first, hf.HeadersFrame)
    assert ("END_STREAM" in first.flags) is end_stream
    assert (
        b"".join([first.data, *(each.data for each in rest if isinstance(each, hf.ContinuationFrame))])
        == block
    )
    assert all(each.stream_id == 5 and each.body_len <= max_size for each in (first, *rest))
    assert ["END_HEADERS" in each.flags for each in (first, *rest)] == [False] * len(rest) + [True]


@given(data=st.binary(max_size=50), padding=st.integers(0, 255))
def test_padding(data: bytes, padding: int) -> None:
    payload = hf.DataFrame(1, data, pad_length=padding, flags=["PADDED"]).serialize()[f.FRAME_HEADER_SIZE :]
    assert f.without_padding(payload) == data


def test_more_padding_than_there_is() -> None:
    assert f.without_padding(b"") is None
    assert f.without_padding(b"\3\0\0") is None
    assert f.without_padding(b"\2\0\0") == b""
