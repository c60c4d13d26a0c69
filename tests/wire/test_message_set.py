from __future__ import annotations

from typing import Any

from barewire.wire import Extension, MessagePlan, build_class, interpret
from tests.support.wire_plans import EXPLICIT, Book, Kind, book_plan, field, plan

set_plan = MessagePlan("x.Set", message_set=True)
Set: Any = build_class(set_plan, "Set", module=__name__)
BOOK = Extension(field(1000, "book", Kind.MESSAGE, EXPLICIT, message=book_plan), set_plan)
holder_plan = plan("x.Holder", field(1, "set", Kind.MESSAGE, EXPLICIT, message=set_plan))
Holder: Any = holder_plan.message_class

ITEM = bytes.fromhex("0b 10e807 1a06 0a0444756e65 0c")


def test_round_trip() -> None:
    message = Set()
    message[BOOK] = Book(title="Dune")
    assert message.encode() == ITEM == interpret.encode(message)
    assert Set.decode(ITEM) == message
    holder = Holder(set=message)
    assert Holder.decode(holder.encode()) == holder


def test_the_message_may_come_before_its_type() -> None:
    assert Set.decode(bytes.fromhex("0b 1a06 0a0444756e65 10e807 0c"))[BOOK].title == "Dune"


def test_an_item_of_unknown_type_is_kept() -> None:
    data = bytes.fromhex("0b 10e907 1a00 0c")
    message = Set.decode(data)
    assert BOOK not in message
    assert message.encode() == data
