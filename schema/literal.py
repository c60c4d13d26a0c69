"""Literals of the language: what a string or number token stands for."""

from __future__ import annotations

import re

_SIMPLE = {
    "a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v",
    "\\": "\\", "?": "?", "'": "'", '"': '"',
}  # fmt: skip
_ESCAPE = re.compile(
    r"""\\(?: ([0-7]{1,3}) | [xX]([0-9a-fA-F]{1,2})
            | (?:u([0-9a-fA-F]{4})|U(00[01][0-9a-fA-F]{5})) | (.) )""",
    re.VERBOSE | re.DOTALL,
)
_HEX = re.compile(r"0[xX][0-9a-fA-F]+")
_OCTAL = re.compile(r"0[0-7]*")
_FLOAT = re.compile(r"(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))(?:[eE][+-]?[0-9]+)?", re.ASCII)

# Longer digit strings are refused before Python turns them into an int, which would take quadratic time.
_MAX_DIGITS = 1000


class LiteralError(ValueError):
    """A literal that stands for nothing. `offset` is where in the token the fault lies."""

    def __init__(self, message: str, offset: int = 0, length: int = 0) -> None:
        self.offset = offset
        self.length = length
        super().__init__(message)


def string_value(token: str) -> bytes:
    """The bytes of a quoted token. Raises LiteralError for an unknown escape."""
    body = token[1:-1]
    if "\\" not in body:
        return body.encode("utf-8", "surrogateescape")
    parts: list[bytes] = []
    position = 0
    high = 0  # a UTF-16 high surrogate that waits for its low half
    for match in _ESCAPE.finditer(body):
        between = body[position : match.start()]
        position = match.end()
        if high and (between or not _is_low(match[3])):
            parts.append(chr(high).encode("utf-8", "surrogatepass"))
            high = 0
        parts.append(between.encode("utf-8", "surrogateescape"))
        if match[1]:
            parts.append(bytes((int(match[1], 8) & 0xFF,)))
        elif match[2]:
            parts.append(bytes((int(match[2], 16),)))
        elif match[3] or match[4]:
            code = int(match[3] or match[4], 16)
            if high:
                code, high = 0x10000 + ((high & 0x3FF) << 10) + (code & 0x3FF), 0
            elif 0xD800 <= code < 0xDC00:
                high = code
                continue
            parts.append(_utf8(code))
        else:
            parts.append(_simple_escape(match[5], match.start() + 1))
    if high:
        parts.append(chr(high).encode("utf-8", "surrogatepass"))
    parts.append(body[position:].encode("utf-8", "surrogateescape"))
    return b"".join(parts)


def _utf8(code: int) -> bytes:
    # Beyond Unicode but not beyond the notation (\\U0011…): protoc leaves the escape as it is, in small letters.
    return chr(code).encode("utf-8", "surrogatepass") if code <= 0x10FFFF else b"\\U%08x" % code


def _is_low(digits: str | None) -> bool:
    return digits is not None and 0xDC00 <= int(digits, 16) < 0xE000


def _simple_escape(letter: str, offset: int) -> bytes:
    if letter in _SIMPLE:
        return _SIMPLE[letter].encode()
    needs = {
        "x": "one or two hexadecimal digits",
        "u": "four hexadecimal digits",
        "U": "eight, up to 0010ffff",
    }
    if letter in needs:
        raise LiteralError(f"\\{letter} needs {needs[letter]}", offset, 2)
    raise LiteralError(f"unknown escape \\{letter}", offset, 2)


def number_value(token: str) -> int | float:
    """An int for decimal, octal and hexadecimal literals, a float for the others. Raises LiteralError."""
    if len(token) > _MAX_DIGITS:
        raise LiteralError(f"this number has {len(token)} characters; the limit is {_MAX_DIGITS}")
    if token.isdigit():
        if token[0] != "0":
            return int(token)
        if _OCTAL.fullmatch(token):
            return int(token, 8)
        raise LiteralError(f"{token} is no octal number: its digits go up to 7")
    if _HEX.fullmatch(token):
        return int(token, 16)
    if _FLOAT.fullmatch(token):
        return float(token)
    raise LiteralError(f"{token} is not a number")
