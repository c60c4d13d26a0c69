"""What arguments may be, as data, and one sentence for all that are something else.

    _ARGUMENTS = {"target": TEXT, "idle_timeout": optional(SECONDS), "keepalive": optional(instance(Keepalive))}

    def __init__(self, target, *, idle_timeout=1800.0, keepalive=None):
        check_arguments(_ARGUMENTS, locals())

    RpcConfigurationError: idle_timeout has to be seconds above 0 or None, and is -1

Calls would fail of a wrong argument too, but much later, and with words that do not name it.
"""

from __future__ import annotations

import math
import re
import reprlib
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard

from .errors import RpcConfigurationError


class BadArgument(RpcConfigurationError):
    """One argument, or one field of a config, has a value that it must not have."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(f"{name} {problem}")
        self.name = name
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an argument may be, in words and as a test."""

    words: str
    fits: Callable[[object], bool]


def check(name: str, value: object, wanted: Wanted) -> None:
    """Raises BadArgument if an argument is something else than wanted."""
    if not wanted.fits(value):
        raise BadArgument(name, f"has to be {wanted.words}, and is {reprlib.repr(value)}")


def check_arguments(wanted: Mapping[str, Wanted], given: Mapping[str, Any]) -> None:
    """The same for all that `wanted` names; `given` may hold more, such as the `locals()` of a function."""
    for name, each in wanted.items():
        check(name, given[name], each)


def check_fields(wanted: Mapping[str, Wanted], checked: object) -> None:
    """The same for the attributes of an object."""
    for name, each in wanted.items():
        check(name, getattr(checked, name), each)


# -- words and tests ----------------------------------------------------------------------------------------------


def instance(*kinds: type) -> Wanted:
    """An object of one of these classes."""
    names = " or ".join(kind.__name__ for kind in kinds)
    return Wanted(f"of type {names}", lambda value: isinstance(value, kinds))


def having(words: str, attribute: str) -> Wanted:
    """An object of another library, which is told by what it has."""
    return Wanted(words, lambda value: not isinstance(value, type) and hasattr(value, attribute))


def optional(wanted: Wanted) -> Wanted:
    """The same, or None."""
    return Wanted(f"{wanted.words} or None", lambda value: value is None or wanted.fits(value))


def either(*choices: Wanted) -> Wanted:
    """One of these."""
    words = " or ".join(choice.words for choice in choices)
    return Wanted(words, lambda value: any(choice.fits(value) for choice in choices))


def one_of(names: Iterable[str]) -> Wanted:
    """One of these texts."""
    known = tuple(names)
    return Wanted(f"one of {', '.join(known)}", lambda value: isinstance(value, str) and value in known)


def number(low: float, high: float = math.inf, unit: str = "a number") -> Wanted:
    """A number from `low` to `high`."""
    words = f"{unit} from {low:g} up" if high == math.inf else f"{unit} between {low:g} and {high:g}"
    return Wanted(words, lambda value: _is_number(value) and low <= value <= high)


def whole(low: int, high: int | None = None) -> Wanted:
    """A whole number from `low` to `high`."""
    words = f"a whole number from {low} up" if high is None else f"a whole number between {low} and {high}"
    fits = number(low, math.inf if high is None else high).fits
    return Wanted(words, lambda value: isinstance(value, int) and fits(value))


def text(words: str, pattern: str) -> Wanted:
    """A text in a certain form."""
    return Wanted(
        words, lambda value: isinstance(value, str) and re.fullmatch(pattern, value, re.DOTALL) is not None
    )


def items(words: str, each: Wanted, *, least: int = 0) -> Wanted:
    """A list, tuple or set of what `each` describes, `least` of them at least."""

    def fits(value: object) -> bool:
        if not (_is_many(value) and isinstance(value, Collection)):
            return False
        found: Collection[object] = value  # pyright: ignore[reportUnknownVariableType]
        return len(found) >= least and all(map(each.fits, found))

    return Wanted(words, fits)


def _is_number(value: object) -> TypeGuard[float]:
    """NaN is a number here; it fails every comparison."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_many(value: object) -> bool:
    """A text holds characters, a mapping its keys; nobody means these."""
    return isinstance(value, Iterable) and not isinstance(value, (str, bytes, Mapping))


def _has_functions(value: object) -> bool:
    members: Mapping[object, object] = value if isinstance(value, Mapping) else {}  # pyright: ignore[reportUnknownVariableType]
    return isinstance(value, Mapping) and all(map(callable, members.values()))


ANYTHING = Wanted("anything", lambda value: True)
FLAG = Wanted("True or False", lambda value: isinstance(value, bool))
TEXT = text("a text that is not empty", ".+")
FUNCTION = Wanted("a function", callable)
COUNT = whole(1)
SECONDS = Wanted("seconds above 0", lambda value: _is_number(value) and value > 0)
SECONDS_OR_ZERO = number(0, unit="seconds")
ITEMS = Wanted("a list", _is_many)
TEXTS = items("a list of texts", TEXT)
NUMBERS = items("a list of numbers", number(-math.inf), least=1)
MAPPING = Wanted("a mapping", lambda value: isinstance(value, Mapping))
FUNCTIONS = Wanted("a mapping from names to functions", _has_functions)
