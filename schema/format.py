"""The canonical layout of `.proto` files.

Two spaces per level, one empty line between definitions, syntax, package, imports (sorted) and options on top in this
order, everything else where it was; lines are broken at 100 characters where the language lets them. Comments stay
with what they are about, and tokens stay as they are written: only white space changes, and `;` that end nothing go.
Formatting what is formatted changes nothing.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from .errors import Report
from .format_doc import INDENT, Layout
from .format_head import head_group
from .format_tokens import Comment, Token, tokens_of
from .format_tree import File, Statement, order_header, statements_of
from .parse_file import parse_file
from .source import Source

__all__ = ["format_bytes", "format_source", "format_text"]


def format_text(text: str, name: str = "<string>.proto") -> str:
    """The text of a `.proto` file in canonical layout. Raises SchemaError with what is wrong in it."""
    return format_source(Source(name, text))


def format_bytes(data: bytes, path: str | Path) -> bytes:
    """The same for the content of a file; `path` is for diagnostics. Bytes that are not UTF-8 stay as they are."""
    source = Source.from_bytes(str(path), data, str(path))
    return format_source(source).encode("utf-8", "surrogateescape")


def format_source(source: Source) -> str:
    """The same for a Source."""
    report = Report()
    parse_file(source, report)
    report.raise_if_errors()
    file = statements_of(tokens_of(source, report))
    content = _content(file)
    order_header(file)
    text = _Printer().print(file)
    # Files are precious: should there be a fault in the above, nothing is the better answer.
    if _content(statements_of(tokens_of(Source(source.name, text), report))) != content:
        raise AssertionError(f"{source.display_name}: formatting would have changed more than its layout")
    return text


class _Printer:
    def __init__(self) -> None:
        self.layout = Layout()

    def print(self, file: File) -> str:
        self.block(file.statements, 0, file.end)
        self.layout.new_line()
        lines = self.layout.lines
        return "\n".join(lines) + "\n" if lines else ""

    def block(self, statements: list[Statement], indent: int, end: Token | None) -> None:
        """Statements, and the comments before the `}` or the end of the file."""
        previous: Statement | None = None
        for statement in statements:
            if self.needs_blank(previous, statement, top_level=indent == 0):
                self.layout.blank()
            self.comments(statement.first, indent)
            self.statement(statement, indent)
            previous = statement
        if end is not None and end.before:
            if previous is not None and end.has_blank_above:
                self.layout.blank()
            self.comments(end, indent, at_end=True)

    def needs_blank(self, previous: Statement | None, statement: Statement, *, top_level: bool) -> bool:
        above = statement.first.has_blank_above
        if previous is None:
            # At the start of a block, it says that a comment is not about the block.
            return above and not top_level and statement.first.detached() > 0
        return above or previous.is_definition or statement.is_definition or bool(previous.last.below)

    def comments(self, token: Token, indent: int, *, at_end: bool = False) -> None:
        """The comments before a statement, with the empty lines between them."""
        layout = self.layout
        layout.indent = indent
        for at, comment in enumerate(token.before):
            if at and comment.blank_before:
                layout.blank()
            layout.above(comment)
        if token.before and token.blank_before and not at_end:
            layout.blank()

    def statement(self, statement: Statement, indent: int) -> None:
        layout = self.layout
        layout.new_line()
        layout.statement(head_group(statement.head), indent)
        layout.indent = indent
        if statement.body is not None and statement.close is not None:
            if statement.is_empty_block:
                layout.text("}")
            else:
                self.after(statement.head[-1])
                self.block(statement.body, indent + INDENT, statement.close)
                layout.new_line()
                layout.indent = indent
                layout.text("}")
        self.after(statement.last)
        for comment in statement.last.below:
            layout.above(comment)
        layout.new_line()

    def after(self, token: Token) -> None:
        for comment in token.after:
            self.layout.beside(comment, "  ")
        self.layout.new_line()


# What formatting must not change


def _content(file: File) -> tuple[Counter[str], Counter[str]]:
    """Each top-level statement as the text of its tokens, and each comment, both without white space."""
    statements: Counter[str] = Counter()
    comments: Counter[str] = Counter()
    for statement in file.statements:
        tokens = _tokens(statement)
        # White space around the dots of a name is the one that goes.
        statements[re.sub(r" ?\. ?", ".", " ".join(token.text for token in tokens))] += 1
        for token in tokens:
            comments.update(_words(token.before + token.after + token.below))
    comments.update(_words(file.end.before if file.end else []))
    return statements, comments


def _words(comments: list[Comment]) -> list[str]:
    return ["".join(comment.text.split()) for comment in comments]


def _tokens(statement: Statement) -> list[Token]:
    tokens = [*statement.head]
    for inner in statement.body or ():
        tokens += _tokens(inner)
    return [*tokens, statement.close] if statement.close else tokens
