"""One statement's tokens → groups: what may be broken, and which tokens touch each other."""

from __future__ import annotations

from .format_doc import INDENT, Above, Beside, Break, Group
from .format_tokens import Token
from .lexer import IDENT, STRING

_CONTINUED = 2 * INDENT  # the indentation of a statement's second line
_LABELS = frozenset(("optional", "required", "repeated", "extend"))
_TOUCH_LEFT = frozenset((",", ";", ")", ">", "]", ":", "/"))
_TOUCH_RIGHT = frozenset(("(", "<", "-", ".", "/", "["))


def head_group(tokens: list[Token]) -> Group:
    """The layout of a statement up to its `;` or `{`. Comments before its first and after its last token are left
    out: they are no part of it."""
    return _Head(tokens).build()


class _Head:
    def __init__(self, tokens: list[Token]) -> None:
        self.tokens = tokens
        self.at = 0

    def build(self) -> Group:
        group = Group(_CONTINUED, fill=True)
        if self.tokens[0].text == "option":
            self.words(group, "=")
            self.take(group, " ")
            self.value(group, " ", statement=True)
        else:
            self.words(group, "[")
            if self.at < len(self.tokens) and self.text == "[":
                group.add(" ")
                self.option_list(group)
        while self.at < len(self.tokens):
            self.take(group, "" if self.text == ";" else " ")
        return group

    # Looking and taking

    @property
    def text(self) -> str:
        return self.tokens[self.at].text

    def take(self, group: Group, space: str | Break = "") -> None:
        """Adds the next token, with its comments and the space before it."""
        token = self.tokens[self.at]
        if self.at > 0:
            if space:
                group.add(space)
            group.add(*map(Above, token.before))
        group.add(token.text)
        self.at += 1
        if self.at < len(self.tokens):
            group.add(*map(Beside, token.after))

    def take_separator(self, group: Group) -> None:
        if self.text in (",", ";"):
            self.take(group)

    def space(self) -> str:
        """What stands between the last token and the next."""
        before, token = self.tokens[self.at - 1], self.tokens[self.at]
        if token.text in _TOUCH_LEFT or before.text in _TOUCH_RIGHT:
            return ""
        if token.text == ".":
            return "" if before.text == ")" or (before.kind == IDENT and not self.starts_type()) else " "
        if token.text == "<":
            return "" if before.text == "map" else " "
        if token.text == "(":
            return "" if self.at == 2 and self.tokens[0].text == "rpc" else " "
        return " "

    def starts_type(self) -> bool:
        """Whether the next token starts the name of a type, and so does not belong to the word before it."""
        word = self.tokens[self.at - 1].text
        if word == "stream":
            return self.tokens[self.at - 2].text == "("
        return self.at == 1 and word in _LABELS

    # Parts of statements

    def words(self, group: Group, until: str) -> None:
        """Tokens up to one that is `until`, or up to the end."""
        tokens = self.tokens
        while self.at < len(tokens) and self.text != until:
            if self.at == 0 or self.text == ";":
                self.take(group)
            elif self.text == "returns" or tokens[self.at - 1].text == ",":
                self.take(group, Break())
            else:
                self.take(group, self.space())

    def option_list(self, outer: Group) -> None:
        """`[name = value, …]`"""
        group = Group(INDENT)
        self.take(group)
        space = ""
        while self.text != "]":
            group.add(Break(space))
            self.take(group)
            while self.text != "=":
                self.take(group, self.space())
            self.take(group, " ")
            self.value(group, " ")
            self.take_separator(group)
            space = " "
        self.close(group, "")
        outer.add(group)

    def value(self, group: Group, space: str, *, statement: bool = False) -> None:
        """The value of an option or of a field in braces. `statement`: of an option that is a statement."""
        if self.tokens[self.at].kind == STRING:
            self.strings(group, space)
            return
        if space:
            group.add(space)
        if self.text in ("{", "<"):
            self.aggregate(group, broken=statement)
        elif self.text == "[":
            self.value_list(group)
        else:
            if self.text == "-":
                self.take(group)
            self.take(group)

    def strings(self, outer: Group, space: str) -> None:
        """Strings side by side: all on one line, or each on its own. A single one stays on its line."""
        group = Group(_CONTINUED)
        several = self.tokens[self.at + 1].kind == STRING
        if space:
            group.add(Break(space) if several else space)
        self.take(group)
        while self.tokens[self.at].kind == STRING:
            self.take(group, Break())
        outer.add(group)

    def aggregate(self, outer: Group, *, broken: bool = False) -> None:
        """`{…}` or `<…>`"""
        group = Group(INDENT)
        closing = "}" if self.text == "{" else ">"
        self.take(group)
        if self.text == closing and not self.tokens[self.at].before:
            self.take(group)
            outer.add(group)
            return
        group.broken = broken
        while self.text != closing:
            group.add(Break())
            self.aggregate_field(group)
        self.close(group, " ")
        outer.add(group)

    def aggregate_field(self, group: Group) -> None:
        self.take(group)
        if self.tokens[self.at - 1].text == "[":
            while self.text != "]":
                self.take(group, self.space())
            self.take(group)
        if self.text == ":":
            self.take(group)
        self.value(group, " ")
        self.take_separator(group)

    def value_list(self, outer: Group) -> None:
        """`[a, b]`"""
        group = Group(INDENT)
        self.take(group)
        space = ""
        while self.text != "]":
            group.add(Break(space))
            self.value(group, "")
            self.take_separator(group)
            space = " "
        self.close(group, "")
        outer.add(group)

    def close(self, group: Group, space: str) -> None:
        """The closing bracket; comments before it are indented like what it encloses."""
        token = self.tokens[self.at]
        group.add(*map(Above, token.before), Break(space, outer=True), token.text)
        self.at += 1
        if self.at < len(self.tokens):
            group.add(*map(Beside, token.after))
