"""Base64 in chunks, each with padding of its own, cut anywhere: the text form of gRPC-Web (PROTOCOL-WEB, "Text-encoded
streams"). Who wrote it flushed when it liked, so "=" may stand in the middle of a message, and of a prefix.
"""

from __future__ import annotations

import binascii
import re

from ..envelope import Envelope, EnvelopeError, MessageReader
from ..status import StatusCode

_CHUNK = re.compile(rb"[^=]*={0,2}")
_GROUPS = re.compile(rb"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")


class Base64Reader:
    """Messages out of such text; what is decoded goes to `envelopes`."""

    __slots__ = ("_envelopes", "_rest")

    def __init__(self, envelopes: MessageReader) -> None:
        self._envelopes = envelopes
        self._rest = b""  # up to three characters that do not make bytes yet

    @property
    def partial_size(self) -> int:
        return self._envelopes.partial_size + len(self._rest)

    def feed(self, data: bytes) -> list[Envelope]:
        """The messages that `data` completes. Raises EnvelopeError, for what is not base64 as well."""
        text = self._rest + data if self._rest else data
        whole = len(text) & ~3
        self._rest = text[whole:]
        decoded, fault = _decode(text[:whole])
        received = self._envelopes.feed(decoded) if decoded else []
        if fault:
            raise EnvelopeError(StatusCode.INTERNAL, f"the body is not base64: {fault}", received)
        return received

    def drop(self) -> None:
        """Forget the message that is not complete."""
        self._rest = b""
        self._envelopes.drop()


def _decode(text: bytes) -> tuple[bytes, str]:
    """The bytes of whole groups of four characters, and what is wrong with the first group that is."""
    parts: list[bytes] = []
    position = 0
    while position < len(text):
        chunk = _CHUNK.match(text, position)
        data = None if chunk is None else _decoded(chunk[0])
        if data is None:  # only then is it worth looking for how far it is good
            chunk = _GROUPS.match(text, position)
            data = None if chunk is None else _decoded(chunk[0])
        if chunk is None or not data:
            return b"".join(parts), f"it holds {ascii(text[position : position + 4])[1:]}"
        parts.append(data)
        position = chunk.end()
    return b"".join(parts), ""


def _decoded(chunk: bytes) -> bytes | None:
    """The bytes of a chunk; None if it is not whole, or not base64. Python takes one "=" too many for strict."""
    try:
        return None if len(chunk) % 4 else binascii.a2b_base64(chunk, strict_mode=True)
    except binascii.Error:
        return None
