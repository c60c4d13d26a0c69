"""Where in a JSON text a path leads: asked only once an error has been found, so parsing itself keeps no positions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from json import JSONDecoder
from json.decoder import scanstring  # pyright: ignore[reportAttributeAccessIssue, reportUnknownVariableType]
from typing import Any, cast

from .json_errors import PathPart

_SPACE = re.compile(r"[ \t\n\r]*")
_skip_value = JSONDecoder().raw_decode
_scan_string: Any = cast(Any, scanstring)


def locate(text: str, path: list[PathPart], at_key: bool) -> tuple[int, int]:
    """Line and column of the value that `path` leads to (or of its key), counted from 1.

    `text` must have been parsed before. A path that the text does not have ends where the text stops following it.
    """
    position = _space(text, 0)
    for index, part in enumerate(path):
        last_key = at_key and index == len(path) - 1
        found = _step(text, position, part, last_key)
        if found is None:
            break
        position = found
    return text.count("\n", 0, position) + 1, position - text.rfind("\n", 0, position)


def _step(text: str, position: int, part: PathPart, to_key: bool) -> int | None:
    opening = text[position : position + 1]
    if isinstance(part, int):
        if opening != "[":
            return None
        return next((start for index, start in enumerate(_items(text, position)) if index == part), None)
    if opening != "{":
        return None
    found = None
    for name, key, value in _members(text, position):
        if name == part:  # of two equal keys, the second one is at fault
            found = key if to_key else value
    return found


def _items(text: str, position: int) -> Iterator[int]:
    position = _space(text, position + 1)
    while text[position] != "]":
        yield position
        position = _comma(text, _skip_value(text, position)[1])


def _members(text: str, position: int) -> Iterator[tuple[str, int, int]]:
    position = _space(text, position + 1)
    while text[position] != "}":
        key = position
        name, position = _scan_string(text, position + 1)
        value = _space(text, _space(text, position) + 1)  # behind the colon
        yield name, key, value
        position = _comma(text, _skip_value(text, value)[1])


def _comma(text: str, position: int) -> int:
    position = _space(text, position)
    return _space(text, position + 1) if text[position] == "," else position


def _space(text: str, position: int) -> int:
    match = _SPACE.match(text, position)
    return match.end() if match else position
