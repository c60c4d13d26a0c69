"""What the rules about changes are made of, and what they may ask."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeVar

from .descriptor import EnumDescriptor, FieldDescriptor, HasOptions, MessageDescriptor, ServiceDescriptor

WIRE, JSON, SOURCE = "wire", "json", "source"
CATEGORIES = {
    WIRE: "encoded messages are lost or read wrongly, or calls fail",
    JSON: "the same for messages as JSON",
    SOURCE: "code that uses the schema has to be edited; bytes and JSON stay as they are",
}


@dataclass(frozen=True, slots=True)
class Change:
    """What a rule found: what happened, what to do, where it is now and where it was (descriptors).

    `new` is None if nothing of it is left. `categories` is set where those of the rule do not fit.
    """

    message: str
    help: str
    new: HasOptions | None
    old: HasOptions | None = None
    categories: tuple[str, ...] | None = None


class Difference(NamedTuple):
    """How two types differ: the categories that suffer (none: they only have different names), and the first reason."""

    categories: tuple[str, ...] = ()
    reason: str = ""


Found = TypeVar("Found", MessageDescriptor, EnumDescriptor, ServiceDescriptor, FieldDescriptor)


class Comparison(Protocol):
    """What rules may ask about the two schemas."""

    def find(self, old: Found) -> Found | None:
        """What became of a message, an enum, a service or an extension."""
        ...

    def is_new(self, new: MessageDescriptor) -> bool:
        """Whether the old schema knows nothing of this name."""
        ...

    def messages_differ(self, old: MessageDescriptor, new: MessageDescriptor) -> Difference | None:
        """None if `new` is what became of `old`; else how they differ as the type of one field or method."""
        ...

    def enums_differ(self, old: EnumDescriptor, new: EnumDescriptor) -> Difference | None:
        """The same for enums."""
        ...


class Rule(NamedTuple):
    """`check(old, new, comparison)` gets two descriptors of the type `subject` that belong together. Of a file that is
    gone, `new` is None.

    `reason` says in one sentence why such a change breaks something.
    """

    id: str
    categories: tuple[str, ...]
    subject: type[HasOptions]
    reason: str
    check: Callable[[Any, Any, Comparison], Iterable[Change]]


Ranges = list[tuple[int, int]]  # ends exclusive


def covers(ranges: Ranges, number: int) -> bool:
    """Whether a number lies in one of the ranges."""
    return any(start <= number < end for start, end in ranges)


def without(ranges: Ranges, others: Ranges) -> Ranges:
    """What is left of `ranges` when `others` are cut out of them."""
    left: Ranges = []
    others = sorted(others)
    for start, end in sorted(ranges):
        for other_start, other_end in others:
            if other_end <= start or other_start >= end:
                continue
            if other_start > start:
                left.append((start, other_start))
            start = max(start, other_end)
        if start < end:
            left.append((start, end))
    return left


def ranges_text(ranges: Ranges, maximum: int) -> str:
    """Ranges as `reserved` writes them; `maximum` is the number that is called max."""
    words = [
        f"{start}" if end == start + 1 else f"{start} to {'max' if end > maximum else end - 1}"
        for start, end in ranges
    ]
    return ", ".join(words)
