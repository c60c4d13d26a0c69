"""The tokens of the text format, one at a time.

Spec: https://protobuf.dev/reference/protobuf/textformat-spec, "Lexical Elements". What stands in brackets before a
field's value (`[pkg.extension]`, `[domain/pkg.Message]`) is read as a whole, because a URL is not made of tokens.
"""

from __future__ import annotations

import re

from .text_errors import TextError

# Token kinds: the group numbers of _TOKEN.
IDENT, NUMBER, STRING, PUNCTUATION, _BAD, END = 1, 2, 3, 4, 5, 6

_SPACE = r"(?> [ \t\n\v\f\r]+ | \#[^\n\0]*+ )*+"
# A number takes all letters, digits and dots that follow. None may follow directly, so what is too much is an error.
_TOKEN = re.compile(
    rf"""{_SPACE}
    (?: ( [A-Za-z_]\w*+ )
      | ( \.?[0-9] (?: [eE][+-]?(?=[0-9]) | [\w.] )*+ )
      | ( "[^"\\\n\0]*+ (?: \\[^\n\0] [^"\\\n\0]*+ )*+" | '[^'\\\n\0]*+ (?: \\[^\n\0] [^'\\\n\0]*+ )*+' )
      | ( [{{}}<>\[\]:;,\-] )
      | ( . )
      | ( \Z )
    )""",
    re.VERBOSE | re.ASCII | re.DOTALL,
)
_TYPE_NAME = r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*"
_IN_BRACKETS = re.compile(rf"{_SPACE} ( [\w.~!$&'()*+,;=%/\-]++ | \] )", re.VERBOSE | re.ASCII)
EXTENSION_NAME = re.compile(_TYPE_NAME, re.ASCII)
ANY_NAME = re.compile(rf"(?:[\w.~!$&'()*+,;=\-/]|%[0-9A-Fa-f]{{2}})+/{_TYPE_NAME}", re.ASCII)
"""A type URL that can stand in brackets. The specification has a domain before the slash; what URLs may hold besides is
taken too, as C++ does."""


class Cursor:
    """A place in a text, and the token there: its `kind`, its text as `token`, where it starts and ends.

    What cannot be read raises TextError.
    """

    __slots__ = ("end", "kind", "start", "text", "token")

    def __init__(self, text: str) -> None:
        self.text = text
        self.end = 1 if text.startswith("\ufeff") else 0
        self.advance()

    def advance(self) -> None:
        """Go to the next token."""
        match = _TOKEN.match(self.text, self.end)
        assert match is not None
        assert match.lastindex is not None
        self.kind = kind = match.lastindex
        self.start, self.end = match.span(kind)
        self.token = match[kind]
        if kind == _BAD:
            raise TextError(_what_is_bad(self.token), self.start)

    def accept(self, token: str) -> bool:
        """Take the token if it is this punctuation mark."""
        if self.token == token:
            self.advance()
            return True
        return False

    def expect(self, token: str, why: str) -> None:
        """Take this punctuation mark."""
        if self.token != token:
            raise self.fault(f"'{token}' {why}")
        self.advance()

    def bracketed_name(self) -> str:
        """Take `[…]`; what stands inside, without white space and comments."""
        opened, position = self.start, self.end
        name = ""
        while match := _IN_BRACKETS.match(self.text, position):
            position = match.end()
            piece = match[1]
            if piece == "]":
                break
            if _ends_in_word(name) and _starts_with_word(piece):
                raise TextError("expected '.', '/' or ']' in the name in brackets", match.start(1))
            name += piece
        else:
            raise TextError("expected a name in brackets, closed by ']'", opened)
        if not EXTENSION_NAME.fullmatch(name) and not ANY_NAME.fullmatch(name):
            raise TextError(
                "in brackets stands the full name of an extension, or the URL of a message's type", opened
            )
        self.end = position
        self.advance()
        return name

    def fault(self, expected: str) -> TextError:
        """The error that something else was expected here."""
        token = self.token if len(self.token) <= 40 else f"{self.token[:37]}…"
        found = repr(token) if token else "the end of the text"
        return TextError(f"expected {expected}, found {found}", self.start)


def _what_is_bad(character: str) -> str:
    if character in "\"'":
        return "this string is not closed on its line"
    if character == "/":
        return "unexpected character '/'; comments start with #"
    return f"unexpected character {character!a}"


def _ends_in_word(name: str) -> bool:
    return name[-1:] == "_" or name[-1:].isalnum()


def _starts_with_word(piece: str) -> bool:
    return piece[0] == "_" or piece[0].isalnum()
