"""Rules about names: the styles of https://protobuf.dev/programming-guides/style."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from . import ast
from .lint_model import Problem, Rule
from .unit import Unit

_Style = tuple[re.Pattern[str], str]
# An underscore is followed by a letter: `song_name_1` and `song_name1` would both become `songName1`.
_TITLE: _Style = re.compile(r"[A-Z][A-Za-z0-9]*"), "TitleCase"
_LOWER: _Style = re.compile(r"[a-z][a-z0-9]*(?:_[a-z][a-z0-9]*)*"), "lower_snake_case"
_UPPER: _Style = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z][A-Z0-9]*)*"), "UPPER_SNAKE_CASE"
_WORD = re.compile(r"[A-Z]+(?![a-z])[0-9]*|[A-Z]?[a-z]+[0-9]*|[0-9]+")


def words_of(name: str) -> list[str]:
    """The words of a name in any style: HTTPStatus, http_status and HTTP_STATUS have two."""
    return [word.lower() for word in _WORD.findall(name)]


def upper_snake(name: str) -> str:
    """`OrderStatus` → `ORDER_STATUS`."""
    return "_".join(_joined(words_of(name))).upper()


def _joined(words: list[str]) -> list[str]:
    """Words; a number belongs to the word before it."""
    joined: list[str] = []
    for word in words:
        if joined and word[0].isdigit():
            joined[-1] += word
        else:
            joined.append(word)
    return joined


def _in_style(name: str, style: _Style) -> str:
    words = _joined(words_of(name))
    if style is _TITLE:
        return "".join(word[:1].upper() + word[1:] for word in words)
    return "_".join(words).upper() if style is _UPPER else "_".join(words)


def _problems(names: Iterable[ast.Name], what: str, style: _Style) -> Iterator[Problem]:
    pattern, word = style
    for name in names:
        if not pattern.fullmatch(name.text):
            suggestion = _in_style(name.text, style)
            help = f"call it {suggestion}" if pattern.fullmatch(suggestion) else f"choose a name in {word}"
            yield Problem(f"{what} '{name.text}' is not in {word}", help, name)


def _package(unit: Unit) -> Iterator[Problem]:
    package = unit.tree.package
    if package and not all(_LOWER[0].fullmatch(part) for part in package.text.split(".")):
        suggestion = ".".join(_in_style(part, _LOWER) for part in package.text.split("."))
        yield Problem(
            f"package '{package.text}' is not in lower_snake_case.with.dots", f"call it {suggestion}", package
        )


def _messages(unit: Unit) -> Iterator[Problem]:
    return _problems((node.name for _, node in unit.messages if not node.is_map_entry), "message", _TITLE)


def _fields(unit: Unit) -> Iterator[Problem]:
    entries = {message for message, node in unit.messages if node.is_map_entry}
    # The name of a group is that of its message, in lower case: there is no choice.
    names = (n.name for f, n in unit.fields if n.group is None and f.containing_type not in entries)
    return _problems(names, "field", _LOWER)


def _oneofs(unit: Unit) -> Iterator[Problem]:
    return _problems((node.name for _, node in unit.oneofs), "oneof", _LOWER)


def _enums(unit: Unit) -> Iterator[Problem]:
    return _problems((node.name for _, node in unit.enums), "enum", _TITLE)


def _enum_values(unit: Unit) -> Iterator[Problem]:
    return _problems((node.name for _, node in unit.values), "enum value", _UPPER)


def _services(unit: Unit) -> Iterator[Problem]:
    return _problems((node.name for _, node in unit.services), "service", _TITLE)


def _methods(unit: Unit) -> Iterator[Problem]:
    return _problems((node.name for _, node in unit.methods), "method", _TITLE)


_JOIN = "Generators turn it into the style of their language, which works from one style only."

NAME_RULES = (
    Rule(
        "package-name",
        True,
        "Packages become namespaces and folders, some of which know no capitals.",
        _package,
    ),
    Rule("message-name", True, _JOIN, _messages),
    Rule(
        "field-name",
        True,
        "JSON and generated names are made from it: fooBar, foo_bar and foo_Bar would meet.",
        _fields,
    ),
    Rule("oneof-name", True, _JOIN, _oneofs),
    Rule("enum-name", True, _JOIN, _enums),
    Rule(
        "enum-value-name",
        True,
        "Values are constants in every language, and JSON shows their names.",
        _enum_values,
    ),
    Rule(
        "service-name", True, "It is part of the path of every call, and cannot be changed later.", _services
    ),
    Rule("method-name", True, "It is part of the path of every call, and cannot be changed later.", _methods),
)
