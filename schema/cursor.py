"""The parser's view of the tokens: look, take, complain, and find the next statement after a fault."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .ast import Int, Name
from .lexer import END, IDENT, NUMBER, PUNCTUATION, STRING, tokenize
from .literal import LiteralError, number_value, string_value

if TYPE_CHECKING:
    from collections.abc import Callable, Container

    from .errors import Report
    from .source import Source


class Fault(Exception):
    """Ends the parsing of one statement; the statement loop reports it and goes on with the next statement."""

    def __init__(self, message: str, start: int, end: int, help: str | None = None) -> None:
        self.message = message
        self.start = start
        self.end = end
        self.help = help
        super().__init__(message)


class Cursor:
    """A position in the tokens of one source. Methods that take something move it; a mismatch raises Fault."""

    __slots__ = ("depth", "edition", "index", "kinds", "report", "source", "starts", "texts")

    def __init__(self, source: Source, report: Report) -> None:
        self.source = source
        self.report = report
        self.kinds, self.texts, self.starts = tokenize(source, report)
        self.index = 0
        self.depth = 0  # of nested messages, or of nested aggregates
        self.edition = "proto2"  # or "proto3", "2023", …: a few statements depend on it

    # Looking

    @property
    def has_visibility(self) -> bool:
        """Whether the file's edition has `export`, `local` and `import option`: 2024 and later."""
        return self.edition not in ("proto2", "proto3", "2023")

    @property
    def text(self) -> str:
        """The text of the token that comes next; empty at the end."""
        return self.texts[self.index]

    @property
    def kind(self) -> int:
        return self.kinds[self.index]

    @property
    def start(self) -> int:
        """Where the next token starts."""
        return self.starts[self.index]

    @property
    def end(self) -> int:
        """Where the token just taken ends."""
        at = self.index - 1
        return self.starts[at] + len(self.texts[at]) if at >= 0 else 0

    def peek(self) -> str:
        """The text of the token after the next."""
        at = self.index + 1
        return self.texts[at] if at < len(self.texts) else ""

    def split_word(self, words: Container[str]) -> None:
        """Where one of `words` is the beginning of a dotted name, takes it apart: protoc reads words, not names."""
        at = self.index
        word, dot, rest = self.texts[at].partition(".")
        if dot and word in words and self.kinds[at] == IDENT:
            start = self.starts[at]
            self.texts[at : at + 1] = word, ".", rest
            self.kinds[at : at + 1] = IDENT, PUNCTUATION, IDENT
            self.starts[at : at + 1] = start, start + len(word), start + len(word) + 1

    # Taking

    def advance(self) -> None:
        if self.kinds[self.index] != END:
            self.index += 1

    def accept(self, text: str) -> bool:
        if self.texts[self.index] == text:
            self.index += 1
            return True
        return False

    def expect(self, text: str, where: str) -> None:
        if self.texts[self.index] != text:
            raise self.fault(f"expected '{text}' {where}")
        self.index += 1

    def end_statement(self) -> None:
        """Takes the `;`. One that is missing at the end of a line is reported and taken as if it were there."""
        if self.texts[self.index] == ";":
            self.index += 1
            return
        end = self.end
        if "\n" in self.source.text[end : self.start] or self.text == "}":
            self.report.error(self.source, end, end + 1, "expected ';' at the end of this statement")
            return
        raise self.fault("expected ';'")

    def identifier(self, what: str) -> Name:
        at = self.index
        text = self.texts[at]
        if self.kinds[at] != IDENT:
            raise self.fault(f"expected {what}")
        start = self.starts[at]
        if "." in text:
            raise Fault(f"expected {what}, which has no dots", start, start + len(text))
        self.index = at + 1
        return Name(text, start, start + len(text))

    def dotted_token(self, what: str) -> str:
        """One token: a name, with dots but without white space around them."""
        at = self.index
        if self.kinds[at] != IDENT:
            raise self.fault(f"expected {what}")
        self.index = at + 1
        return self.texts[at]

    def dotted_name(self, what: str) -> Name:
        """A name with dots, which may have white space around them."""
        start = self.start
        text = self.dotted_token(what)
        if self.texts[self.index] != ".":
            return Name(text, start, start + len(text))
        parts = [text]
        while self.accept("."):
            if self.kind != IDENT:
                raise self.fault(f"expected the rest of {what} after '.'")
            parts.append(self.text)
            self.index += 1
        return Name(".".join(parts), start, self.end)

    def type_name(self, what: str) -> Name:
        """A dotted name that may start with a dot."""
        start = self.start
        if not self.accept("."):
            return self.dotted_name(what)
        name = self.dotted_name(what)
        return Name("." + name.text, start, name.end)

    def number(self, what: str) -> int | float:
        at = self.index
        if self.kinds[at] != NUMBER:
            raise self.fault(f"expected {what}")
        try:
            value = number_value(self.texts[at])
        except LiteralError as error:
            raise self.fault(str(error)) from None
        self.index = at + 1
        return value

    def integer(self, what: str, *, signed: bool = False) -> Int:
        start = self.start
        negative = signed and self.accept("-")
        value = self.number(what)
        if isinstance(value, float):
            raise Fault(f"expected {what}: a whole number", start, self.end)
        return Int(-value if negative else value, start, self.end)

    def string(self, what: str) -> tuple[bytes, int, int]:
        """The bytes of one string literal or of several side by side, and their place."""
        if self.kind != STRING:
            raise self.fault(f"expected {what}: a string in quotes")
        start = self.start
        parts: list[bytes] = []
        while self.kind == STRING:
            try:
                parts.append(string_value(self.text))
            except LiteralError as error:
                at = self.start + error.offset
                self.report.error(self.source, at, at + error.length, str(error))
            self.index += 1
        return b"".join(parts), start, self.end

    def text_string(self, what: str) -> Name:
        """A string literal that has to be text."""
        value, start, end = self.string(what)
        try:
            return Name(value.decode(), start, end)
        except UnicodeDecodeError:
            raise Fault(f"{what} is not valid UTF-8", start, end) from None

    # Complaining

    def fault(self, message: str, help: str | None = None) -> Fault:
        """A Fault about the token that comes next, which is named unless the message is complete in itself."""
        text = self.text
        if message.startswith("expected"):
            shown = text if len(text) <= 40 else text[:37] + "…"
            message += f", found {shown!r}" if text else ", found the end of the file"
        return Fault(message, self.start, self.start + max(1, len(text)), help)

    def syntax_error(self, fault: Fault) -> None:
        self.report.error(self.source, fault.start, fault.end, fault.message, fault.help)

    # Statements

    def block(self, statement: Callable[[], None], opened: str) -> None:
        """Takes `{`, statements, `}`. A fault costs its own statement only."""
        start = self.start
        self.expect("{", f"to open {opened}")
        while True:
            text = self.texts[self.index]
            if text == "}":
                self.index += 1
                return
            if text == ";":
                self.index += 1
            elif not text:
                self.syntax_error(Fault(f"{opened} is never closed", start, start + 1, "add the missing '}'"))
                return
            else:
                self.statement(statement)

    def statement(self, statement: Callable[[], None]) -> None:
        before = self.index
        try:
            statement()
        except Fault as fault:
            self.syntax_error(fault)
            self.skip_statement(before)
            self._lose(before)

    def _lose(self, before: int) -> None:
        """What stands between `before` and here has not been read."""
        self.report.lose(word for text in self.texts[before : self.index] for word in text.split("."))

    def skip_statement(self, before: int) -> None:
        """Moves behind the statement that a fault ended: to its `;`, its closing brace, or the enclosing one.

        `before` is where the statement starts: braces that it opened are counted from there.
        """
        taken = self.texts[before : self.index]
        depth = max(0, taken.count("{") - taken.count("}"))
        while text := self.texts[self.index]:
            if text == "{":
                depth += 1
            elif text == "}":
                if depth == 0:
                    break
                depth -= 1
            if depth == 0 and text in (";", "}"):
                self.index += 1
                return
            self.index += 1
        if self.index == before:
            self.advance()

    def skip_block(self) -> None:
        """Moves behind a `{…}` whose content is not looked at."""
        before = self.index
        depth = 0
        while text := self.texts[self.index]:
            self.index += 1
            if text == "{":
                depth += 1
            elif text == "}":
                depth -= 1
                if depth <= 0:
                    break
        self._lose(before)
