"""Which declaration a comment belongs to: the rules by which protoc attaches comments.

A comment is looked at where a declaration ends (`;`) or opens its block (`{`), and between that place and the next
token. It is trailing (of what just ended), leading (of what comes next) or detached (of neither).
Spec: descriptor.proto, SourceCodeInfo.Location.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_BLANK = re.compile(r"[ \t\r\v\f]*")
_LINE = re.compile(r"//([^\n]*\n?)")
_BLOCK = re.compile(r"/\*(.*?)\*/", re.DOTALL)
_MARGIN = re.compile(r"\n[ \t\r\v\f]*\*?")  # what comments in boxes have at the start of each line
_CLOSING = ("", "}", "]", ")")


class Comments(NamedTuple):
    trailing: str = ""
    detached: tuple[str, ...] = ()
    leading: str = ""


def comments_between(gap: str, next_token: str, *, at_start: bool) -> Comments:
    """Sorts the comments in `gap`, the text between two tokens. `at_start`: nothing stands before it in the file."""
    if "/" not in gap:
        return Comments()
    return _Sorter(gap, next_token).run(at_start)


class _Sorter:
    def __init__(self, gap: str, next_token: str) -> None:
        self.gap = gap
        self.next_token = next_token
        self.position = 0
        self.line = 0  # newlines taken so far
        self.pending: str | None = None  # a comment whose end may not be reached yet
        self.pending_is_line = False
        self.trailing: str | None = None
        self.detached: list[str] = []
        self.can_trail = True

    def run(self, at_start: bool) -> Comments:
        line_before, trailing_end = 0, -1
        if at_start:
            self.can_trail, line_before = False, -1
        else:
            self.skip_blanks()
            if self.take_line_comment():
                trailing_end = 0
            elif self.take_block_comment():
                trailing_end = self.line
                self.skip_blanks()
            elif not self.take_newline():
                return Comments()
            self.settle()
        while True:
            self.skip_blanks()
            if self.take_block_comment():
                self.skip_blanks()
                self.take_newline()
            elif self.take_newline():  # an empty line
                self.settle()
                self.can_trail = False
            elif not self.take_line_comment():
                break
        if self.next_token in _CLOSING:
            self.settle()
        if self.next_token and self.line in (line_before, trailing_end):
            self.detach_the_only_one()
        return Comments(self.trailing or "", tuple(self.detached), self.pending or "")

    def skip_blanks(self) -> None:
        found = _BLANK.match(self.gap, self.position)
        self.position = found.end() if found else self.position

    def take_newline(self) -> bool:
        if not self.gap.startswith("\n", self.position):
            return False
        self.position += 1
        self.line += 1
        return True

    def take_line_comment(self) -> bool:
        found = _LINE.match(self.gap, self.position)
        if not found:
            return False
        if not self.pending_is_line:
            self.settle()
        self.pending = (self.pending or "") + found[1]  # lines that follow each other are one comment
        self.pending_is_line = True
        self.position = found.end()
        self.line += found[1].endswith("\n")
        return True

    def take_block_comment(self) -> bool:
        found = _BLOCK.match(self.gap, self.position)
        if not found:
            return False
        self.settle()
        self.pending = _MARGIN.sub("\n", found[1])
        self.position = found.end()
        self.line += found[1].count("\n")
        return True

    def settle(self) -> None:
        """The pending comment is complete and does not lead the next token."""
        if self.pending is not None:
            if self.can_trail:
                self.trailing = self.pending
            else:
                self.detached.append(self.pending)
            self.can_trail = False
        self.pending, self.pending_is_line = None, False

    def detach_the_only_one(self) -> None:
        """A single comment between two tokens on one line could be about either."""
        count = len(self.detached) + (self.trailing is not None) + (self.pending is not None)
        if count == 1:
            if self.trailing is not None:
                self.detached.insert(0, self.trailing)
                self.trailing = None
            self.settle()
