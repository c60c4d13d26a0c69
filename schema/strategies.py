"""Hypothesis strategies built from message classes (`pip install barewire[hypothesis]`).

    from barewire.schema import strategies

    @given(strategies.messages(books.Book))
    def test_round_trip(book): assert books.Book.decode(book.encode()) == book

`messages` are messages, `encoded` valid bytes in every shape that the wire format allows, `near_valid` bytes that are
broken in one place or a few. They take the classes of `schema.load` and also those of plans that were written by hand.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

try:
    from hypothesis import strategies as st
except ImportError:
    raise ImportError(
        "barewire.schema.strategies needs Hypothesis: pip install 'barewire[hypothesis]'"
    ) from None

from ..wire import access
from ..wire.message import Message
from ..wire.plan import Cardinality, FieldPlan, MessagePlan
from .fuzz.faults import mutate
from .fuzz.generate import Generator
from .strategies_scalars import ENUM_NUMBERS, MESSAGES, SCALARS, Strategy
from .strategies_wkt import json_values

M = TypeVar("M", bound=Message)


def messages(cls: type[M], *, max_depth: int = 3, json: bool = False) -> st.SearchStrategy[M]:
    """Valid messages of a class.

    Each field is absent, empty or set; numbers come from the limits of their ranges, 0, -0.0, NaN and the infinities
    among them, texts may be empty, long or beyond the BMP, open enums have numbers without a name. Known extensions are
    set too. `max_depth` bounds how deep messages lie inside each other (what is required is set even below that).
    With `json`, the well-known types hold only what has a JSON form: Timestamps in range, an Any of a known type.
    """
    return _Builder(json).messages(cls.__plan__, max_depth)


def encoded(cls: type[Message]) -> st.SearchStrategy[bytes]:
    """Bytes that decode as `cls`, in all shapes that the wire format allows: fields in any order and more than once,
    packed lists in pieces or unpacked (and the other way round), varints longer than they need be, unknown fields and
    groups, map entries without key or value."""
    return _generated(Generator(cls.__plan__).generate)


def near_valid(cls: type[Message]) -> st.SearchStrategy[bytes]:
    """Bytes that are almost an encoded `cls`: lengths that lie, wrong wire types, field number 0, tags and varints that
    are too long, groups that do not end, nesting near the limit, text that is not UTF-8; and valid ones with bits
    flipped, cut, doubled or spliced. Some of them are valid all the same."""
    valid, faulty = Generator(cls.__plan__), Generator(cls.__plan__, faults=0.15)

    def mutated(source: Any) -> bytes:
        data = valid.generate(source)
        return mutate(data, valid.generate(source), source.random)

    return st.one_of(_generated(faulty.generate), _generated(mutated))


def _generated(generate: Callable[[Any], bytes]) -> st.SearchStrategy[bytes]:
    """What a generator makes with Hypothesis as its source of chance, which is what shrinks it."""
    return st.randoms(use_true_random=False).map(generate)


class _Recipe:
    """How to make a message: its fields, and the strategy of each. (No dataclass: Hypothesis prints all of those.)"""

    def __init__(self, plan: MessagePlan, fields: list[tuple[FieldPlan, Strategy]]) -> None:
        self.plan = plan
        self.fields = fields

    def __repr__(self) -> str:
        return self.plan.full_name


class _Builder:
    """Builds the strategy of each message and depth once, whoever holds it: messages hold each other in circles."""

    def __init__(self, json: bool) -> None:
        self._json = json
        self._built: dict[tuple[int, int], Strategy] = {}

    def messages(self, plan: MessagePlan, depth: int) -> Strategy:
        key = id(plan), depth
        if key not in self._built:
            self._built[key] = st.deferred(lambda: self._messages(plan, depth))
        return self._built[key]

    def _messages(self, plan: MessagePlan, depth: int) -> Strategy:
        cls = access.message_class(plan)
        special = json_values(cls) if self._json else None
        if special is not None:
            return special
        fields = [field for field in plan.all_fields() if depth > 0 or not _is_deep(field)]
        return _filled(_Recipe(plan, [(field, self._values(field, depth)) for field in fields]))

    def _values(self, field: FieldPlan, depth: int) -> Strategy:
        """Values of a whole field: lists and dicts for those that hold several."""
        if field.cardinality is Cardinality.MAP:
            key, value = access.key_and_value(field)
            return st.dictionaries(self._items(key, 0), self._items(value, depth), max_size=3)
        items = self._items(field, depth)
        return st.lists(items, max_size=3) if field.cardinality is Cardinality.REPEATED else items

    def _items(self, field: FieldPlan, depth: int) -> Strategy:
        if field.kind in MESSAGES:
            return self.messages(access.sub_plan(field), depth - 1)
        if field.enum is None:
            return SCALARS[field.kind]
        members = list(field.enum.enum_class)
        if field.enum.closed or (self._json and field.enum.full_name == "google.protobuf.NullValue"):
            return st.sampled_from(members)
        return st.one_of(st.sampled_from(members), ENUM_NUMBERS.map(field.enum.enum_class))


def _is_deep(field: FieldPlan) -> bool:
    """Whether a field may be left out where no deeper message is wanted."""
    held = field.value if field.value is not None else field
    return held.kind in MESSAGES and field.cardinality is not Cardinality.REQUIRED


@st.composite
def _filled(draw: st.DrawFn, recipe: _Recipe) -> Any:
    """About every third field is set, and all that are required."""
    plan = recipe.plan
    message = access.message_class(plan)()
    for field, values in recipe.fields:
        if field.cardinality is not Cardinality.REQUIRED and draw(st.integers(0, 2)) != 0:
            continue
        value = draw(values)
        if plan.extensions.get(field.number) is field:
            message._extensions = {**(message._extensions or {}), field.number: value}
        else:
            setattr(message, field.attribute, value)  # the class clears the other members of a oneof
    return message
