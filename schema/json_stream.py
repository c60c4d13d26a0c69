"""JSON values one after the other in a stream of text, found before any of them is parsed."""

from __future__ import annotations

import re

_IN_STRING = re.compile(r'"|\\(?:.|$)', re.DOTALL)
_OUTSIDE = re.compile(r'["{}\[\]]|[^\s"{}\[\]]+')


class JsonSplitter:
    """Cuts text into JSON values: objects, arrays, strings, and numbers or words, with or without space between them.

    Text is fed as it comes, in pieces of any size. What is no JSON is cut somewhere; parsing it will say what is wrong.
    """

    def __init__(self) -> None:
        self._text = ""
        self._start: int = 0  # of the value that is being read
        self._at: int = 0  # what lies before has been looked at
        self._depth: int = 0
        self._in_string = False

    def feed(self, text: str) -> list[str]:
        """The values that are complete with this text."""
        self._text = self._text[self._start :] + text
        self._at -= self._start
        self._start = 0
        values: list[str] = []
        while self._next(values):
            pass
        return values

    def end(self) -> list[str]:
        """No text follows: what is left, complete or not."""
        rest = self._text[self._start :].strip()
        self._text, self._start, self._at, self._depth, self._in_string = "", 0, 0, 0, False
        return [rest] if rest else []

    def _next(self, values: list[str]) -> bool:
        """Look at one token. False if more text is needed."""
        match = (_IN_STRING if self._in_string else _OUTSIDE).search(self._text, self._at)
        if match is None:
            self._at = len(self._text)
            return False
        token, end = match.group(), match.end()
        if token == "\\" or (not self._in_string and token[0] not in '"{}[]' and end == len(self._text)):
            self._at = match.start()  # it may go on in the next piece
            return False
        self._at = end
        if token == '"':
            self._in_string = not self._in_string
        elif self._in_string:
            return True
        elif token in "{[":
            self._depth += 1
        elif token in "}]":
            self._depth -= 1
        if self._depth <= 0 and not self._in_string:
            values.append(self._text[self._start : end].strip())
            self._start = end
            self._depth = 0
        return True
