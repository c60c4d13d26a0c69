"""Two outcomes for one input → the first thing in which they differ, and the bucket that it belongs to."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, cast

from ...wire import access
from ...wire.plan import Cardinality, FieldPlan, MessagePlan
from .outcome import Outcome, numbers, same_json
from .parts import canonical

_VARIABLE = re.compile(r"^[\w.]+(\[[^\]]*\]|\.\w+)*: |'[^']*'|\"[^\"]*\"|\[[^\]]*\]|0x[0-9a-f]+|-?\d[\d.e+]*")
_THEIR_PATH = re.compile(r"Failed to (?:parse|serialize) \S+ field: | at \w+\S*$")
_OUR_PATH = re.compile(r"^[\w.]+(?:\[.*?\]|\.\w+)*: ")


@dataclass(frozen=True, slots=True)
class Difference:
    """`kind` is what differs, `detail` how, free of whatever changes from input to input: together they are the bucket.

    Kinds, in the order in which they are looked for: `crash`, `accept` (one takes the bytes, the other does not),
    `value`, `bytes` (the re-encoding), `json print`, `json value`, `json read`, `json read value`.
    """

    kind: str
    detail: str
    ours: Outcome
    theirs: Outcome

    @property
    def bucket(self) -> str:
        return f"{self.kind}: {self.detail}"


def compare(plan: MessagePlan, ours: Outcome, theirs: Outcome) -> Difference | None:
    """The first difference between our outcome and a peer's, or None."""
    found = _compare(plan, ours, theirs)
    return None if found is None else Difference(*found, ours, theirs)


def _compare(plan: MessagePlan, ours: Outcome, theirs: Outcome) -> tuple[str, str] | None:
    for who, outcome in (("ours", ours), ("theirs", theirs)):
        if outcome.error.startswith("crash"):
            return "crash", f"{who}: {_general(outcome.error)}"
    if ours.accepted != theirs.accepted:
        return "accept", f"{_verdict('we', ours.error)}, {_verdict('they', theirs.error)}"
    if not ours.accepted:
        return None
    if (
        theirs.tree is not None
        and ours.tree != theirs.tree
        and _first(plan, ours.tree, theirs.tree) is not None
    ):
        return "value", str(_first(plan, ours.tree, theirs.tree))
    if theirs.encoded is not None and not _same_bytes(plan, ours.encoded or b"", theirs.encoded):
        return "bytes", "they write other bytes"
    return _compare_json(plan, ours, theirs)


def _same_bytes(plan: MessagePlan, left: bytes, right: bytes) -> bool:
    return left == right or canonical(plan, left) == canonical(plan, right)


def _compare_json(plan: MessagePlan, ours: Outcome, theirs: Outcome) -> tuple[str, str] | None:
    if (theirs.json is not None or theirs.json_error) and (ours.json is None) != (theirs.json is None):
        return "json print", f"{_verdict('we', ours.json_error)}, {_verdict('they', theirs.json_error)}"
    if ours.json is not None and theirs.json is not None and not same_json(ours.json, theirs.json):
        return "json value", _first_json(numbers(ours.json), numbers(theirs.json))
    if (theirs.parsed is not None or theirs.parse_error) and (ours.parsed is None) != (theirs.parsed is None):
        return "json read", f"{_verdict('we', ours.parse_error)}, {_verdict('they', theirs.parse_error)}"
    if ours.parsed is not None and theirs.parsed is not None:
        place = _first(plan, ours.parsed, theirs.parsed)
        if place is not None:
            return "json read value", place
    return None


def _verdict(who: str, error: str) -> str:
    return f"{who} refuse ({_general(error)})" if error else f"{who} accept"


def _general(error: str) -> str:
    """An error's text without paths, numbers and names."""
    text = _THEIR_PATH.sub("", _OUR_PATH.sub("", error.split("\n")[0]))
    return _VARIABLE.sub("…", text)[:160]


def _first(plan: MessagePlan, left: Any, right: Any) -> str | None:
    """What kind of field the first difference of two trees lies in, or None when there is none."""
    if left == right:
        return None
    mine, yours = dict(map(tuple, left)), dict(map(tuple, right))
    for number in sorted({*mine, *yours}):
        field = plan.field(number)
        if field is None:
            return "a field that we do not know"
        if number not in yours:
            return f"{_shape(field)} is missing from theirs"
        if number not in mine:
            return f"{_shape(field)} is missing from ours"
        place = _first_in_field(field, mine[number], yours[number])
        if place is not None:
            return place
    return None


def _first_in_field(field: FieldPlan, left: Any, right: Any) -> str | None:
    if left == right and repr(left) == repr(right):
        return None
    if field.cardinality is Cardinality.MAP:
        _, value = access.key_and_value(field)
        if [key for key, _ in left] != [key for key, _ in right]:
            return f"{_shape(field)} has other keys"
        pairs = [(mine, yours) for (_, mine), (_, yours) in zip(left, right, strict=True)]
    elif field.cardinality is Cardinality.REPEATED:
        value = field
        if len(left) != len(right):
            return f"{_shape(field)} has another length"
        pairs = list(zip(left, right, strict=True))
    else:
        value, pairs = field, [(left, right)]
    if access.holds_messages(value):
        assert value.message is not None
        if (
            value.message.full_name == "google.protobuf.Any"
        ):  # the order of map entries inside is nobody's to say
            pairs = [pair for pair in pairs if _letters(pair[0]) != _letters(pair[1])]
        return next((place for pair in pairs if (place := _first(value.message, *pair)) is not None), None)
    return f"{_shape(field)} has another value"


def _letters(tree: Any) -> Any:
    """The tree of an Any, with the bytes that it holds in alphabetical order."""
    return [[number, sorted(value) if isinstance(value, bytes) else value] for number, value in tree]


def _shape(field: FieldPlan) -> str:
    if field.cardinality is Cardinality.MAP:
        key, value = access.key_and_value(field)
        return f"map<{key.kind.value}, {value.kind.value}>"
    closed = "closed " if field.enum is not None and field.enum.closed else ""
    return f"{field.cardinality.value} {closed}{field.kind.value}"


def _first_json(left: Any, right: Any) -> str:
    """The types of the first two JSON values that differ."""
    if isinstance(left, dict) and isinstance(right, dict):
        mine, yours = cast("dict[str, Any]", left), cast("dict[str, Any]", right)
        pairs = [(mine[name], yours[name]) for name in mine] if mine.keys() == yours.keys() else []
    elif isinstance(left, list) and isinstance(right, list):
        pairs = list(zip(cast("list[Any]", left), cast("list[Any]", right), strict=False))
    else:
        pairs = []
    different = [pair for pair in pairs if repr(pair[0]) != repr(pair[1])]
    if different:
        return _first_json(*different[0])
    return f"{_name(left)} against {_name(right)}"  # pyright: ignore[reportUnknownArgumentType]  # whatever JSON has


def _name(value: object) -> str:
    return type(value).__name__
