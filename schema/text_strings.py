"""String literals of the text format.

Spec: https://protobuf.dev/reference/protobuf/textformat-spec, "String Literals". (The literals of `.proto` files have
rules of their own: see `literal`.)
"""

from __future__ import annotations

import re

from .text_errors import TextError

_SIMPLE = {
    "a": b"\a", "b": b"\b", "f": b"\f", "n": b"\n", "r": b"\r", "t": b"\t", "v": b"\v",
    "\\": b"\\", "?": b"?", "'": b"'", '"': b'"',
}  # fmt: skip
_ESCAPE = re.compile(
    r"\\(?:([0-7]{1,3})|x([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{4})|U(000[0-9a-fA-F]{5}|0010[0-9a-fA-F]{4})|(.))",
    re.DOTALL,
)
_NEEDS = {
    "x": "one or two hexadecimal digits",
    "u": "four hexadecimal digits",
    "U": "eight hexadecimal digits, up to 0010ffff",
}


def string_bytes(token: str, start: int) -> bytes:
    """The bytes of a quoted token that starts at `start`. Raises TextError for an escape that stands for nothing."""
    body = token[1:-1]
    if "\\" not in body:
        return body.encode()
    parts: list[bytes] = []
    position = 0
    for match in _ESCAPE.finditer(body):
        parts.append(body[position : match.start()].encode())
        parts.append(_escaped(match, start + 1 + match.start()))
        position = match.end()
    parts.append(body[position:].encode())
    return b"".join(parts)


def _escaped(match: re.Match[str], start: int) -> bytes:
    octal, hexadecimal, short, long, letter = match.groups()
    if octal:
        if int(octal, 8) > 0xFF:
            raise TextError(f"\\{octal} is no byte: the highest is \\377", start)
        return bytes((int(octal, 8),))
    if hexadecimal:
        return bytes((int(hexadecimal, 16),))
    if short or long:
        code = int(short or long, 16)
        if 0xD800 <= code < 0xE000:
            # Also in pairs: escapes stand for code points, and a surrogate is none.
            raise TextError(f"{match[0]} is half of a surrogate pair, not a character; write \\U…", start)
        return chr(code).encode()
    if letter in _SIMPLE:
        return _SIMPLE[letter]
    if letter in _NEEDS:
        raise TextError(f"\\{letter} needs {_NEEDS[letter]}", start)
    raise TextError(f"unknown escape \\{letter}", start)
