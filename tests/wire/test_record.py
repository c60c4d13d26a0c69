"""Records behave as the dataclasses that they stand for, where the package relies on it."""

from __future__ import annotations

import copy
import inspect
import pickle
from typing import ClassVar

import pytest

from barewire.wire.record import field, record


@record()
class Plain:
    kind: ClassVar[str] = "plain"
    name: str
    tags: list[str] = field(default_factory=list)
    size: int = 0

    def __post_init__(self) -> None:
        self.size = self.size or len(self.name)


@record(kw_only=True, frozen=True)
class Value:
    """A value."""

    x: int
    y: object = None


def test_fields_and_defaults() -> None:
    one, two = Plain("one"), Plain("two", size=7)
    one.tags.append("t")
    assert (one.name, one.tags, one.size, two.tags, two.size) == ("one", ["t"], 3, [], 7)
    assert Plain.kind == "plain"
    assert repr(one) == "Plain(name='one', tags=['t'], size=3)"
    assert one != Plain("one", ["t"])
    with pytest.raises(AttributeError):
        one.other = 1  # type: ignore[attr-defined]
    match two:
        case Plain(name, _, 7):
            assert name == "two"


def test_wrong_arguments() -> None:
    with pytest.raises(
        TypeError, match=r"Plain\.__init__\(\) missing 1 required positional argument: 'name'"
    ):
        Plain()  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="positional"):
        Value(1)  # type: ignore[misc]
    assert [*inspect.signature(Plain).parameters] == ["name", "tags", "size"]


def test_a_frozen_record_is_a_value() -> None:
    value = Value(x=1)
    assert value == Value(x=1)
    assert hash(value) == hash(Value(x=1))
    assert value != Value(x=1, y=2)
    assert value != (1, None)
    assert Value.__doc__ == "A value."
    assert pickle.loads(pickle.dumps(value)) == copy.deepcopy(value) == value
    for change in (lambda: setattr(value, "x", 2), lambda: delattr(value, "x")):
        with pytest.raises(AttributeError, match="cannot be changed"):
            change()
