"""gRPC-Web as a translation of gRPC (PROTOCOL-WEB, R101): other content types, and trailers as the end of the body.

Where the document and all who speak it differ, we do as they do: `-bin` metadata stays in base64 in the text form too.
"""

from __future__ import annotations

import binascii
import re

from ..envelope import PREFIX_SIZE, MessageReader
from ..header_blocks import HeaderField
from .base64_stream import Base64Reader

_CONTENT_TYPE = re.compile(
    rb"application/grpc-web(?P<text>-text(?:-base64)?)?(?P<suffix>\+[\w.+-]+)?\s*(?:;.*)?", re.IGNORECASE
)
_TRAILERS = 0x80  # the flag of the frame that holds them


class GrpcWeb:
    """One call of gRPC-Web. `request` is its header list as gRPC has it."""

    __slots__ = ("_content_type", "_text_in", "_text_out", "request")

    def __init__(self, fields: list[HeaderField], match: re.Match[bytes]) -> None:
        suffix = match["suffix"] or b"+proto"
        self._text_in = match["text"] is not None
        self._text_out = _wants_text(fields, self._text_in)
        self._content_type = b"application/grpc-web%b%b" % (b"-text" if self._text_out else b"", suffix)
        self.request = [
            (name, b"application/grpc" + suffix if name == b"content-type" else value)
            for name, value in fields
        ]

    @classmethod
    def of_request(cls, fields: list[HeaderField]) -> GrpcWeb | None:
        """The call that a request makes; None if it is not of this protocol."""
        content_type = next((value for name, value in fields if name == b"content-type"), b"")
        match = _CONTENT_TYPE.fullmatch(content_type)
        return None if match is None else cls(fields, match)

    def reader(self, envelopes: MessageReader) -> MessageReader:
        return Base64Reader(envelopes) if self._text_in else envelopes

    def head(self, fields: list[HeaderField]) -> list[HeaderField]:
        return [(name, self._content_type if name == b"content-type" else value) for name, value in fields]

    def message(self, envelope: bytes) -> bytes:
        return _base64(envelope) if self._text_out else envelope

    def end(self, trailers: list[HeaderField]) -> bytes:
        """A frame of its own kind, with lines as HTTP/1.1 has them."""
        block = b"".join(b"%b: %b\r\n" % field for field in trailers)
        return self.message(b"%c%b%b" % (_TRAILERS, len(block).to_bytes(PREFIX_SIZE - 1, "big"), block))


def _wants_text(fields: list[HeaderField], text_in: bool) -> bool:
    """Accept names the form of the response; without gRPC-Web in it, that is the form of the request."""
    for name, value in fields:
        if name != b"accept":
            continue
        for item in value.split(b","):
            if match := _CONTENT_TYPE.fullmatch(item.strip()):
                return match["text"] is not None
    return text_in


def _base64(data: bytes) -> bytes:
    return binascii.b2a_base64(data, newline=False)
