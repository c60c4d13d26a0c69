"""Text → tokens, in one regular expression.

Tokens are held as parallel lists: a file of ten thousand tokens makes no token objects. Comments are no tokens; they
are what lies between the end of one token and the start of the next, and can be read from there.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from .errors import Report
    from .source import Source

# Token kinds: the group numbers of _TOKEN. A dotted name without spaces is one IDENT token.
IDENT, PUNCTUATION, NUMBER, STRING, _BAD, END = 1, 2, 3, 4, 5, 6

_TOKEN = re.compile(
    r"""
    (?> [ \t\r\n\v\f]+ | //[^\n]* | /\*(?: [^*/]++ | \*(?!/) | /(?!\*) )*+\*/ )*+
    (?: ( [A-Za-z_]\w*+ (?: \.[A-Za-z_]\w*+ )*+ )
      | ( [=;{}\[\]<>(),:\-+] | \.(?![0-9]) | /(?![/*]) )
      | ( \.?[0-9] (?: [eE][+-]?(?=[0-9]) | [\w.] )*+ )
      | ( "[^"\\\n]*+(?: \\.[^"\\\n]*+ )*+" | '[^'\\\n]*+(?: \\.[^'\\\n]*+ )*+' )
      | ( . )
      | ( \Z )
    )""",
    re.VERBOSE | re.ASCII,
)


_WORD = re.compile(r"[A-Za-z_]\w*", re.ASCII)


class Tokens(NamedTuple):
    """The tokens of one source, ending with one END token whose text is empty.

    The text of a token tells its sort as well: only strings start with a quote, only the END is empty.
    """

    kinds: list[int]
    texts: list[str]
    starts: list[int]


def tokenize(source: Source, report: Report) -> Tokens:
    """Splits `source`; what is not a token is reported and left out."""
    kinds: list[int] = []
    texts: list[str] = []
    starts: list[int] = []
    text, position = source.text, 0
    while position >= 0:
        position = _scan(text, position, kinds, texts, starts)
        if position >= 0:
            fault = position
            position = _skip_bad(source, fault, report)
            report.lose(_WORD.findall(text, fault, position))
    return Tokens(kinds, texts, starts)


def _scan(text: str, position: int, kinds: list[int], texts: list[str], starts: list[int]) -> int:
    """Appends tokens from `position` on. Returns the offset of a character that starts no token, or -1 at the end."""
    add_kind, add_text, add_start = kinds.append, texts.append, starts.append
    for match in _TOKEN.finditer(text, position):
        kind = match.lastindex or END  # never None: every alternative is a group
        if kind == _BAD:
            return match.start(_BAD)
        add_kind(kind)
        add_text(match[kind])
        add_start(match.start(kind))
        if kind == END:
            break
    return -1


def _skip_bad(source: Source, start: int, report: Report) -> int:
    """Reports the fault at `start`. Returns where to go on."""
    text = source.text
    character = text[start]
    if character in "\"'":
        line_end = text.find("\n", start)
        end = line_end if line_end >= 0 else len(text)
        report.error(source, start, end, "this string is not closed on its line", f"end it with {character}")
        return end
    if text.startswith("/*", start):
        closed = text.find("*/", start + 2)
        if closed < 0:
            report.error(source, start, start + 2, "this comment is never closed", "end it with */")
            return len(text)
        inner = text.index("/*", start + 2)
        report.error(source, inner, inner + 2, "a comment cannot hold another comment")
        return closed + 2
    end = start + 1
    while end < len(text) and text[end] == character:
        end += 1
    if character == "#":
        report.error(source, start, end, "unexpected character '#'", "comments start with //")
        line_end = text.find("\n", start)
        return line_end if line_end >= 0 else len(text)
    name = repr(character) if character.isprintable() else f"U+{ord(character):04X}"
    report.error(source, start, end, f"unexpected character {name}")
    return end
