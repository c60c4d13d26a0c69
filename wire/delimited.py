"""Streams of messages, each preceded by its length as a varint.

The framing that Google's libraries call "delimited" (`writeDelimitedTo`, `parseDelimitedFrom`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, TypeVar

from .errors import DecodeError
from .message import Message
from .varint import MAX_LENGTH_BYTES, decode_length, decode_varint, encode_varint

MAX_DELIMITED_SIZE = 64 * 1024 * 1024

M = TypeVar("M", bound=Message)


def encode_delimited(message: Message, *, deterministic: bool = False) -> bytes:
    """Length and bytes of one message; for `deterministic` see `Message.encode`. Raises EncodeError."""
    data = message.encode(deterministic=deterministic)
    return encode_varint(len(data)) + data


def decode_delimited(message_class: type[M], data: bytes) -> Iterator[M]:
    """The messages in `data`, one after the other. Raises DecodeError, whose offset counts in `data`."""
    position = 0
    while position < len(data):
        start, position = decode_length(data, position, len(data))
        yield _decode(message_class, data[start:position], start)


def write_delimited(stream: BinaryIO, message: Message, *, deterministic: bool = False) -> None:
    """Write one message with its length."""
    stream.write(encode_delimited(message, deterministic=deterministic))


def read_delimited(
    stream: BinaryIO, message_class: type[M], *, max_size: int = MAX_DELIMITED_SIZE
) -> M | None:
    """Read one message with its length; None at the end of the stream.

    Raises DecodeError when the stream ends inside a message, when the message is longer than `max_size`, and for bytes
    that are not a message. The offset counts from the length on.
    """
    prefix = b""
    while not prefix or prefix[-1] > 0x7F:
        byte = stream.read(1)
        if not byte:
            if not prefix:
                return None
            raise DecodeError("the stream ends inside a length", len(prefix))
        prefix += byte
        if len(prefix) > MAX_LENGTH_BYTES:
            raise DecodeError("length does not fit 31 bits", 0)
    length = decode_varint(prefix, 0, len(prefix))[0]
    if length > max_size:
        raise DecodeError(f"message of {length} bytes is larger than max_size={max_size}", 0)
    data = _read_exactly(stream, length)
    if len(data) < length:
        raise DecodeError(f"the stream ends after {len(data)} of {length} bytes", len(prefix) + len(data))
    return _decode(message_class, data, len(prefix))


def _read_exactly(stream: BinaryIO, size: int) -> bytes:
    """Read up to `size` bytes, also from streams that hand out less at a time."""
    chunks: list[bytes] = []
    while size and (chunk := stream.read(min(size, 1 << 20))):
        chunks.append(chunk)
        size -= len(chunk)
    return b"".join(chunks)


def _decode(message_class: type[M], data: bytes, start: int) -> M:
    try:
        return message_class.decode(data)
    except DecodeError as error:
        error.offset += start
        raise
