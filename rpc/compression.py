"""Message compression (compression.md): gzip and deflate, each message by itself (R51, R59)."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable
from typing import NamedTuple

from .status import StatusCode

_ZLIB_WBITS = 15  # "deflate" in HTTP is the zlib format
_GZIP_WBITS = 31


class CompressionError(Exception):
    """A compressed message cannot be opened. `code` is the status that this stands for."""

    def __init__(self, code: StatusCode, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Uncompressed(bytes):
    """An encoded message that is sent plain, though its call compresses (R57).

    A mark on the bytes themselves goes with them wherever they wait to be sent, or sent again.
    """

    __slots__ = ()


class Codec(NamedTuple):
    """One compression: its name on the wire and its two directions.

    `decompress(data, max_size)` gives at most `max_size` bytes and raises CompressionError beyond that, having
    inflated no more (R58).
    """

    name: str
    compress: Callable[[bytes], bytes]
    decompress: Callable[[bytes, int], bytes]


def _inflate(data: bytes, max_size: int, wbits: int, name: str) -> bytes:
    inflater = zlib.decompressobj(wbits)
    try:
        plain = inflater.decompress(data, max_size + 1)
    except zlib.error as error:
        raise CompressionError(StatusCode.INTERNAL, f"message is not valid {name}: {error}") from error
    if len(plain) > max_size:
        reason = f"message is larger than {max_size} bytes when decompressed (max_receive_message_size)"
        raise CompressionError(StatusCode.RESOURCE_EXHAUSTED, reason)
    if not inflater.eof or inflater.unused_data:
        raise CompressionError(
            StatusCode.INTERNAL, f"message is not valid {name}: it is cut off or followed by more"
        )
    return plain


def _gzip(data: bytes) -> bytes:
    return gzip.compress(data, 6, mtime=0)


def _gunzip(data: bytes, max_size: int) -> bytes:
    return _inflate(data, max_size, _GZIP_WBITS, "gzip")


def _undeflate(data: bytes, max_size: int) -> bytes:
    return _inflate(data, max_size, _ZLIB_WBITS, "deflate")


CODECS = {
    codec.name: codec
    for codec in (Codec("gzip", _gzip, _gunzip), Codec("deflate", zlib.compress, _undeflate))
}

ENCODINGS = ("identity", *CODECS)  # what `compression=` takes
ACCEPTED = ",".join(ENCODINGS).encode()


def find_codec(name: str | None) -> Codec | None:
    """The codec that a `compression=` argument asks for; None for no compression. Raises ValueError for other names."""
    if name is None or name == "identity":
        return None
    try:
        return CODECS[name]
    except (KeyError, TypeError):
        raise ValueError(f"compression has to be one of {', '.join(ENCODINGS)}, and is {name!r}") from None
