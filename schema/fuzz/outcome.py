"""What one implementation makes of one input, in a form that can be compared and sent between processes.

Values become trees of plain Python values. A message is a list of pairs (number, value), of the fields that are set, by
number; a repeated field a list; a map a list of pairs (key, value), sorted. A NaN is the text "nan", so that it equals
itself; a string that is not UTF-8 is bytes. `peers/google_program.py` builds the same trees from Google's messages.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NamedTuple

from ...wire import access
from ...wire.errors import WireError
from ...wire.message import Message as WireMessage
from ...wire.plan import Cardinality, FieldPlan, Kind, MessagePlan
from ..json_errors import JsonError
from ..message import Message

Tree = list[Any]
_PLAIN = (Kind.MESSAGE, Kind.GROUP, Kind.ENUM, Kind.STRING, Kind.FLOAT, Kind.DOUBLE, Kind.BYTES)


class Outcome(NamedTuple):
    """`error` says why the input was refused ("" when it was accepted); everything else is None then.

    `encoded` are the bytes of the decoded message. `json` is its JSON text, or None with the reason
    in `json_error`. `parsed` is the tree of what reading *our* JSON gives, or None with the reason in `parse_error`.
    A peer that cannot say leaves a value None and its error empty; that is not a difference.
    """

    error: str
    tree: Tree | None = None
    encoded: bytes | None = None
    json: str | None = None
    json_error: str = ""
    parsed: Tree | None = None
    parse_error: str = ""

    @property
    def accepted(self) -> bool:
        return not self.error


class Question(NamedTuple):
    """One input for a peer: the bytes, whether JSON matters, and our JSON (None when there is none) to be read back."""

    data: bytes
    wants_json: bool
    json: str | None


Function = Callable[[Any], Any]


class TreeMaker:
    """Turns messages into trees; what to do with a field is found out once per plan."""

    def __init__(self) -> None:
        self._plans: dict[int, tuple[list[tuple[int, str, FieldPlan, Function]], dict[int, Function]]] = {}

    def tree(self, message: WireMessage) -> Tree:
        """The tree of one message."""
        plan = message.__plan__
        known = self._plans.get(id(plan))
        if known is None:
            known = self._plans[id(plan)] = self._compile(plan)
        fields, extensions = known
        tree: Tree = []
        for number, attribute, field, convert in fields:
            value = getattr(message, attribute)
            if value is not None and value != [] and value != {} and access.is_present(field, value):
                tree.append([number, convert(value)])
        if message._extensions:
            for number, value in access.set_extensions(message).items():
                tree.append([number, extensions[number](value)])
            tree.sort(key=lambda pair: pair[0])
        return tree

    def _compile(self, plan: MessagePlan) -> Any:
        fields = [(field.number, field.attribute, field, self._converter(field)) for field in plan.fields]
        return fields, {number: self._converter(field) for number, field in plan.extensions.items()}

    def _converter(self, field: FieldPlan) -> Function:
        if field.cardinality is Cardinality.MAP:
            key, value = (self._single(part) for part in access.key_and_value(field))
            return lambda entries: [
                [key(each), value(item)] for each, item in sorted(entries.items(), key=_first)
            ]
        single = self._single(field)
        if field.cardinality is Cardinality.REPEATED:
            return list if field.kind not in _PLAIN else lambda values: [single(value) for value in values]
        return single

    def _single(self, field: FieldPlan) -> Function:
        if access.holds_messages(field):
            return self.tree
        if field.kind is Kind.ENUM:
            return int
        if field.kind in (Kind.FLOAT, Kind.DOUBLE):
            return _number
        if field.kind is Kind.BYTES:
            return bytes
        return _raw_text if field.kind is Kind.STRING and not field.utf8 else _itself


def _first(pair: tuple[Any, Any]) -> Any:
    return pair[0]


def _itself(value: Any) -> Any:
    return value


def _number(value: float) -> Any:
    return value if value == value else "nan"


def _raw_text(value: str) -> str | bytes:
    data = value.encode("utf-8", "surrogateescape")
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data


class Subject:
    """Our side: decodes an input with the codec in use, and answers all that is compared."""

    def __init__(self, message_class: type[Message]) -> None:
        self.message_class = message_class
        self.trees = TreeMaker()

    def examine(self, data: bytes, wants_json: bool) -> Outcome:
        """What we make of `data`. An exception that is not ours to raise is an outcome too: its error says `crash`."""
        try:
            message = self.message_class.decode(data)
        except WireError as error:
            return Outcome(str(error) or "refused")
        except Exception as error:
            return Outcome(f"crash in decode: {error!r}")
        try:
            return self._answers(message, wants_json)
        except Exception as error:
            return Outcome(f"crash after decode: {error!r}")

    def _answers(self, message: Message, wants_json: bool) -> Outcome:
        tree = self.trees.tree(message)
        outcome = Outcome("", tree, message.encode())
        if not wants_json:
            return outcome
        try:
            text = message.to_json()
        except JsonError as error:
            return outcome._replace(json_error=str(error) or "refused")
        return self._read_back(outcome, text)

    def _read_back(self, outcome: Outcome, text: str) -> Outcome:
        try:
            parsed = self.trees.tree(self.message_class.from_json(text))
        except JsonError as error:
            return outcome._replace(json=text, parse_error=str(error) or "refused")
        return outcome._replace(json=text, parsed=parsed)


def numbers(text: str) -> Any:
    """A JSON text as a value in which all numbers are floats: 1 is 1.0, and -0 is not 0."""
    return json.loads(text, parse_int=float)


def same_json(left: str, right: str) -> bool:
    """Whether two JSON texts say the same: the order of keys is free, 1 is 1.0, true is not 1, -0 is not 0."""
    if left == right:
        return True
    mine, yours = (json.dumps(numbers(text), sort_keys=True) for text in (left, right))
    return mine == yours
