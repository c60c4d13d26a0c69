"""Base64 in chunks, each with padding of its own, cut anywhere: the text form of gRPC-Web (PROTOCOL-WEB, "Text-encoded
streams"). Who wrote it flushed when it liked, so "=" may stand in the middle of a message, and of a prefix.
"""

from __future__ import annotations

import binascii
import re

from ..envelope import Envelope, EnvelopeError, MessageReader
from ..status import StatusCode

_CHUNK = re.compile(rb"[^=]*={0,2}")


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
    for match in _CHUNK.finditer(text):
        chunk = match[0]
        if not chunk:
            break
        try:
            parts.append(binascii.a2b_base64(chunk, strict_mode=True))
        except binascii.Error:
            good = _longest_prefix(chunk)
            at = match.start() + len(good)
            parts.append(binascii.a2b_base64(good, strict_mode=True))
            return b"".join(parts), f"it holds {ascii(text[at : at + 4])[1:]}"
    return b"".join(parts), ""


def _longest_prefix(chunk: bytes) -> bytes:
    """The whole groups in front of the first that is no base64."""
    good = re.match(rb"(?:[A-Za-z0-9+/]{4})*", chunk)
    return good[0] if good else b""
