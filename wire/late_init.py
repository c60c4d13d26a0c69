"""Constructors that are written and compiled when they are first needed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class LateInit:
    """`__init__` of a class until it is first looked at: then what `write` returns takes its place.

    To compile a constructor takes most of the time that making a class takes, and of all the classes that a program
    imports or loads it uses few.
    """

    def __init__(self, cls: type[Any], write: Callable[[], Callable[..., None]]) -> None:
        self._cls = cls
        self._write = write

    def __get__(self, instance: object, owner: type[Any]) -> Any:
        constructor: Any = self._write()
        setattr(self._cls, "__init__", constructor)  # noqa: B010  # in the place of this
        return constructor.__get__(instance, owner)
