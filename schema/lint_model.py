"""What the rules of `lint` are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from .unit import Place, Unit


class Problem(NamedTuple):
    """What a rule objects to, what to do, and where."""

    message: str
    help: str
    at: Place


class Rule(NamedTuple):
    """`reason` says in one sentence why; `default` whether it applies when no rules are chosen."""

    id: str
    default: bool
    reason: str
    check: Callable[[Unit], Iterable[Problem]]
