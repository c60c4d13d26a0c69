from __future__ import annotations

import contextlib
import itertools

import pytest
from hyperframe import frame as hf
from hypothesis import given
from hypothesis import strategies as st

from barewire.rpc.frames import header_block_fragment
from barewire.rpc.gate import ConnectionFault, FloodGuard, FrameSplitter, HeaderBlockAssembler, InboundFrame
from barewire.rpc.limits import Limits
from barewire.rpc.status import Http2Error
from tests.support.rpc_raw_peer import PREFACE

_FRAMES: list[hf.Frame] = [
    hf.SettingsFrame(0, settings={4: 100}),
    hf.DataFrame(1, b"x" * 300, flags=["END_STREAM"]),
    hf.HeadersFrame(3, b"block", flags=["END_HEADERS"]),
    hf.PingFrame(0, opaque_data=b"12345678"),
    hf.DataFrame(2**31 - 1, b""),
]
_BYTES = b"".join(frame.serialize() for frame in _FRAMES)


def _check(frames: list[InboundFrame]) -> None:
    assert [frame.raw for frame in frames] == [frame.serialize() for frame in _FRAMES]
    assert [frame.kind for frame in frames] == [frame.type for frame in _FRAMES]
    assert [frame.stream_id for frame in frames] == [frame.stream_id for frame in _FRAMES]
    assert frames[1].payload == b"x" * 300


@pytest.mark.parametrize("client_side", [True, False])
@given(st.lists(st.integers(0, 200)))
def test_frames_come_out_whatever_the_chunks(client_side: bool, sizes: list[int]) -> None:
    data = _BYTES if client_side else PREFACE + _BYTES
    splitter, frames = FrameSplitter(client_side=client_side), []
    for size in sizes:
        frames += list(splitter.feed(data[:size]))
        data = data[size:]
    frames += list(splitter.feed(data))
    _check(frames)


def test_byte_by_byte_and_trailing_bytes() -> None:
    splitter, frames = FrameSplitter(client_side=False), []
    for byte in PREFACE + _BYTES + b"\0\0":
        frames += list(splitter.feed(bytes((byte,))))
    _check(frames)
    assert next(iter(splitter.feed(b"\1\0\0\0\0\0\1z"))).payload == b"z"


def test_the_reserved_bit_of_a_stream_id_is_ignored() -> None:
    splitter = FrameSplitter(client_side=True)
    list(splitter.feed(_FRAMES[0].serialize()))
    (frame,) = splitter.feed(b"\0\0\0\0\0\x80\0\0\7")
    assert frame.stream_id == 7


@pytest.mark.parametrize(
    "request_line", [b"GET / HTTP/1.1\r\n", b"POST /x HTTP/1.1\r\n", b"PUT / HTTP/1.1\r\n"]
)
@pytest.mark.parametrize("size", [1, 3, 100])
def test_http1_gets_a_plain_answer(request_line: bytes, size: int) -> None:
    splitter = FrameSplitter(client_side=False)
    chunks = (request_line[start : start + size] for start in range(0, len(request_line), size))
    with pytest.raises(ConnectionFault) as caught:
        list(itertools.chain.from_iterable(map(splitter.feed, chunks)))
    head, _, body = caught.value.farewell.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 505 ")
    assert b"Content-Length: %d" % len(body) in head
    assert b"HTTP/2" in body


@pytest.mark.parametrize("junk", [b"\x16\x03\x01", b"PRI * HTTP/2.1", b"\0" * 30, b"GEL"])
def test_other_greetings_are_refused(junk: bytes) -> None:
    with pytest.raises(ConnectionFault, match="preface") as caught:
        list(FrameSplitter(client_side=False).feed(junk))
    assert caught.value.error_code is Http2Error.PROTOCOL_ERROR
    assert not caught.value.farewell


def test_a_server_that_speaks_http1_is_named() -> None:
    with pytest.raises(ConnectionFault, match=r"HTTP/1\.1 400 Bad Request"):
        list(FrameSplitter(client_side=True).feed(b"HTTP/1.1 400 Bad Request\r\nServer: x\r\n\r\n"))


@pytest.mark.parametrize("frame", [hf.PingFrame(0, opaque_data=bytes(8)), hf.SettingsFrame(0, flags=["ACK"])])
def test_settings_come_first(frame: hf.Frame) -> None:
    with pytest.raises(ConnectionFault, match="first frame is not SETTINGS"):
        list(FrameSplitter(client_side=True).feed(frame.serialize()))


def test_an_oversized_frame_is_refused_at_its_header() -> None:
    splitter = FrameSplitter(client_side=True)
    list(splitter.feed(_FRAMES[0].serialize()))
    with pytest.raises(ConnectionFault, match="16385") as caught:
        list(splitter.feed(b"\0\x40\1\0\0\0\0\0\1"))
    assert caught.value.error_code is Http2Error.FRAME_SIZE_ERROR


@given(st.binary(max_size=100))
def test_junk_is_frames_or_a_fault(junk: bytes) -> None:
    for client_side, start in ((False, b""), (False, PREFACE), (True, b""), (True, _FRAMES[0].serialize())):
        with contextlib.suppress(ConnectionFault):
            list(FrameSplitter(client_side=client_side).feed(start + junk))


# -- header blocks ------------------------------------------------------------------------------------------------


@given(st.binary(max_size=40), st.booleans(), st.none() | st.integers(0, 50))
def test_fragments_lose_padding_and_priority(block: bytes, priority: bool, padding: int | None) -> None:
    frame = hf.HeadersFrame(1, block)
    if priority:
        frame.flags.add("PRIORITY")
    if padding is not None:
        frame.flags.add("PADDED")
        frame.pad_length = padding
    raw = frame.serialize()
    assert header_block_fragment(raw[4], raw[9:]) == block


@pytest.mark.parametrize(
    ("flags", "payload"), [(8, b""), (8, b"\5abc"), (0x20, b"1234"), (0x28, b"\1" + b"x" * 5)]
)
def test_malformed_fragments(flags: int, payload: bytes) -> None:
    assert header_block_fragment(flags, payload) is None


def _inbound(frame: hf.Frame) -> InboundFrame:
    raw = frame.serialize()
    return InboundFrame(raw[3], raw[4], frame.stream_id, raw)


def test_blocks_are_joined() -> None:
    assembler = HeaderBlockAssembler(Limits())
    assert assembler.begin(_inbound(hf.HeadersFrame(1, b"a", flags=["END_STREAM"]))) is None
    assert assembler.is_open
    assert assembler.resume(_inbound(hf.ContinuationFrame(1, b"b"))) is None
    assert assembler.resume(_inbound(hf.ContinuationFrame(1, b"c", flags=["END_HEADERS"]))) == (1, 1, b"abc")
    assert not assembler.is_open


@pytest.mark.parametrize("frame", [hf.ContinuationFrame(3, b""), hf.DataFrame(1, b""), hf.PingFrame(0)])
def test_nothing_interrupts_a_block(frame: hf.Frame) -> None:
    assembler = HeaderBlockAssembler(Limits())
    assembler.begin(_inbound(hf.HeadersFrame(1, b"a")))
    with pytest.raises(ConnectionFault, match="interrupted"):
        assembler.resume(_inbound(frame))


# -- floods -------------------------------------------------------------------------------------------------------


@pytest.mark.rule(75)
def test_r75_floods_are_counted_by_the_second() -> None:
    guard = FloodGuard(Limits(max_resets_per_second=3, max_control_frames_per_second=3))
    for second in range(5):
        for _ in range(3):
            guard.count_reset(100.0 + second)
            guard.count_control(100.0 + second)
    with pytest.raises(ConnectionFault, match="max_resets_per_second") as caught:
        guard.count_reset(104.9)
    assert caught.value.error_code is Http2Error.ENHANCE_YOUR_CALM
    with pytest.raises(ConnectionFault, match="max_control_frames_per_second"):
        guard.count_control(104.9)
