"""Tokens → statements, and the order in which a file has them."""

from __future__ import annotations

from dataclasses import dataclass, field

from .format_tokens import Comment, Token, move_below

_OPENING, _CLOSING = frozenset("([{<"), frozenset(")]}>")


@dataclass(slots=True, eq=False)
class Statement:
    """`head` ends with the `;`, or with the `{` of a block; then `body` is what stands inside, up to `close`."""

    head: list[Token]
    body: list[Statement] | None = None
    close: Token | None = None

    @property
    def first(self) -> Token:
        return self.head[0]

    @property
    def last(self) -> Token:
        return self.close or self.head[-1]

    @property
    def is_empty_block(self) -> bool:
        return (
            self.body == [] and self.close is not None and not self.close.before and not self.head[-1].after
        )

    @property
    def is_definition(self) -> bool:
        """Whether empty lines set it off: it has a block, and is no method without options."""
        return self.body is not None and not (self.is_empty_block and self.first.text == "rpc")


@dataclass(slots=True)
class File:
    statements: list[Statement] = field(default_factory=list)
    end: Token | None = None  # its comments come last


def statements_of(tokens: list[Token]) -> File:
    """The statements of a file that the parser accepts."""
    reader = _Reader(tokens)
    statements = reader.block()
    return File(statements, reader.token)


class _Reader:
    def __init__(self, tokens: list[Token]) -> None:
        self.tokens = tokens
        self.at = 0

    @property
    def token(self) -> Token:
        return self.tokens[self.at]

    def block(self) -> list[Statement]:
        """Statements up to a `}` or the end, which is not taken."""
        statements: list[Statement] = []
        while self.token.text not in ("}", ""):
            if self.token.text == ";":
                self.skip_empty(statements)
            else:
                statements.append(self.statement())
        return statements

    def skip_empty(self, statements: list[Statement]) -> None:
        """Drops a `;` that ends nothing. Its comments stay."""
        dropped = self.token
        self.at += 1
        following = self.token
        if statements and not dropped.new_line and not dropped.before:
            last = statements[-1].last
            last.after += dropped.after
            last.below += dropped.below
        else:
            comments = [*dropped.before, *dropped.after, *dropped.below]
            if following.before:
                following.before[0].blank_before |= bool(comments and dropped.below)
            following.before[:0] = comments

    def statement(self) -> Statement:
        start = self.at
        is_option = self.token.text == "option"
        depth = 0
        while True:
            text = self.token.text
            self.at += 1
            if depth == 0 and (text == ";" or (text == "{" and not is_option)):
                break
            if text in _OPENING:
                depth += 1
            elif text in _CLOSING:
                depth -= 1
        head = self.tokens[start : self.at]
        statement = Statement(head)
        if text == "{":
            statement.body = self.block()
            statement.close = self.token
            self.at += 1
        move_below(statement.last, self.token)
        return statement


def order_header(file: File) -> None:
    """Brings syntax, package, imports (sorted) and options to the top, in this order; the rest stays as it is."""
    statements = file.statements
    if not statements:
        return
    sections: list[list[Statement]] = [[], [], [], [], []]
    for statement in statements:
        sections[_section(statement)].append(statement)
    # The edition's `import option` has to follow the other imports.
    sections[2].sort(key=lambda statement: (statement.head[1].text == "option", _import_path(statement)))
    ordered = [statement for section in sections for statement in section]
    if ordered[0] is not statements[0]:
        _move_file_comment(statements[0].first, ordered[0].first)
    for statement in sections[2]:
        if not statement.first.detached():
            statement.first.has_blank_above = False
    for section in sections:
        if section:
            section[0].first.has_blank_above = True
    file.statements = ordered


def _section(statement: Statement) -> int:
    return {"syntax": 0, "edition": 0, "package": 1, "import": 2, "option": 3}.get(statement.first.text, 4)


def _import_path(statement: Statement) -> str:
    return "".join(token.text for token in statement.head if token.text[0] in "\"'").replace("'", '"')


def _move_file_comment(old: Token, new: Token) -> None:
    """What stands on top of the file (a licence) stays there when another statement comes first."""
    count = old.detached()
    moved: list[Comment] = old.before[:count]
    if moved:
        del old.before[:count]
        new.has_blank_above = True
        new.before[:0] = moved
