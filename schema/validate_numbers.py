"""Numbers of a message: fields, extension ranges and reserved ranges, none of which may overlap."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

from .symbols import MAX_MESSAGE_SET_NUMBER, MAX_NUMBER

if TYPE_CHECKING:
    from . import ast
    from .descriptor import FieldDescriptor, MessageDescriptor
    from .unit import Unit

_FIRST_INTERNAL, _LAST_INTERNAL = 19000, 19999
_INT32_MAX = 2**31 - 1


def check_numbers(unit: Unit, message: MessageDescriptor, node: ast.Message) -> None:
    limit = MAX_MESSAGE_SET_NUMBER if message.message_set else MAX_NUMBER
    spans = [_Span(unit, item, "extension", limit) for item in node.extension_ranges]
    spans += [_Span(unit, item, "reserved", limit) for item in node.reserved_ranges]
    _check_overlaps(unit, spans)
    check_reserved_names(unit, node)
    ordered = sorted(spans, key=lambda span: span.first)
    starts = [span.first for span in ordered]
    used: dict[int, FieldDescriptor] = {}
    reserved = set(message.reserved_names)
    for field, child in zip(message.fields, node.fields, strict=True):
        number = field.number
        if not check_number(unit, child, limit):
            continue
        first = used.setdefault(number, field)
        if first is not field:
            help = f"the next free number is {_next_free(message, spans)}"
            unit.error(child.number, f"number {number} is already used by '{first.name}'", help)
        # Ranges that overlap are reported; of the others, one at most holds the number.
        at = bisect_right(starts, number) - 1
        if at >= 0 and number <= ordered[at].last:
            span = ordered[at]
            unit.error(
                child.number, f"number {number} of '{field.name}' lies in the {span.word} range {span}"
            )
        if field.name in reserved:
            unit.error(child.name, f"the name '{field.name}' is reserved")


def check_number(unit: Unit, node: ast.Field, limit: int) -> bool:
    """Whether a field's number is one; reported if it is not."""
    number = node.number.value
    if number < 1:
        unit.error(node.number, "field numbers start at 1")
    elif number > limit:
        unit.error(node.number, f"field numbers go up to {limit}")
    elif _FIRST_INTERNAL <= number <= _LAST_INTERNAL:
        internal = f"{_FIRST_INTERNAL} to {_LAST_INTERNAL}"
        unit.error(node.number, f"the numbers {internal} are reserved for the implementations of protobuf")
        return True
    else:
        return True
    return False


class _Span:
    """A range as written, both ends included."""

    __slots__ = ("first", "last", "node", "word")

    def __init__(self, unit: Unit, node: ast.Range, word: str, limit: int) -> None:
        self.node = node
        self.word = word
        self.first = node.first.value
        self.last = node.last.value if node.last else limit
        if self.first < 1:
            unit.error(node.first, "field numbers start at 1")
        elif self.last < self.first:
            unit.error(node, "this range ends before it starts")
        elif node.last and self.last > (limit if word == "extension" else _INT32_MAX - 1):
            unit.error(node.last, f"field numbers go up to {limit}", "write 'max' for the last one")

    def __str__(self) -> str:
        return f"{self.first} to {self.last}" if self.first != self.last else str(self.first)


def _check_overlaps(unit: Unit, spans: list[_Span]) -> None:
    """In order of their starts, a range overlaps one before it if it starts before the furthest end so far."""
    furthest: _Span | None = None
    for span in sorted(spans, key=lambda span: span.first):
        if span.last < span.first:
            continue
        if furthest and span.first <= furthest.last:
            unit.error(span.node, f"{span.word} range {span} overlaps {furthest.word} range {furthest}")
        if furthest is None or span.last > furthest.last:
            furthest = span


def check_reserved_names(unit: Unit, node: ast.Message | ast.Enum) -> None:
    seen: set[str] = set()
    for name in node.reserved_names:
        if name.text in seen:
            unit.error(name, f"the name '{name.text}' is reserved twice")
        seen.add(name.text)


def _next_free(message: MessageDescriptor, spans: list[_Span]) -> int:
    number = max(field.number for field in message.fields) + 1
    for span in sorted(spans, key=lambda span: span.first):
        if span.first <= number <= span.last:
            number = span.last + 1
    return _LAST_INTERNAL + 1 if _FIRST_INTERNAL <= number <= _LAST_INTERNAL else number
