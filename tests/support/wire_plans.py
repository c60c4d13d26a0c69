"""A few plans written by hand, for tests of the codec that want to know what they hold."""

from __future__ import annotations

from typing import Any

from barewire.wire import Cardinality, Enum, EnumPlan, FieldPlan, Kind, Message, MessagePlan, build_class

EXPLICIT, REPEATED, MAP = Cardinality.EXPLICIT, Cardinality.REPEATED, Cardinality.MAP


class Genre(Enum):
    UNKNOWN = 0
    NOVEL = 1
    POEM = 2


def plan(name: str, *fields: FieldPlan) -> MessagePlan:
    """A plan with its class, both called `name` (a full name)."""
    made = MessagePlan(name)
    fill(made, *fields)
    return made


def fill(made: MessagePlan, *fields: FieldPlan) -> None:
    made.fields = fields
    made.oneofs = tuple(dict.fromkeys(field.oneof for field in fields if field.oneof))
    build_class(made, made.full_name.rpartition(".")[2], module=__name__)


def field(
    number: int, name: str, kind: Kind, cardinality: Cardinality = Cardinality.IMPLICIT, **more: Any
) -> FieldPlan:
    return FieldPlan(number=number, name=name, kind=kind, cardinality=cardinality, **more)


genre = EnumPlan("library.Genre", Genre)
closed_genre = EnumPlan("library.ClosedGenre", Genre, closed=True)

book_plan = plan(
    "library.Book",
    field(1, "title", Kind.STRING),
    field(2, "pages", Kind.INT32),
    field(3, "genre", Kind.ENUM, enum=genre),
    field(4, "tags", Kind.STRING, REPEATED),
    field(5, "isbn", Kind.STRING, EXPLICIT, oneof="number", default="0"),
    field(6, "shelf_mark", Kind.INT64, EXPLICIT, oneof="number", attribute="shelf_mark_"),
)
Book: type[Message] = book_plan.message_class  # pyright: ignore

library_plan = MessagePlan("library.Library")
fill(
    library_plan,
    field(1, "books", Kind.MESSAGE, REPEATED, message=book_plan),
    field(2, "parent", Kind.MESSAGE, EXPLICIT, message=library_plan),
    field(
        3,
        "counts",
        Kind.MESSAGE,
        MAP,
        key=field(1, "key", Kind.STRING),
        value=field(2, "value", Kind.INT32),
    ),
    field(
        4,
        "branches",
        Kind.MESSAGE,
        MAP,
        key=field(1, "key", Kind.INT32),
        value=field(2, "value", Kind.MESSAGE, EXPLICIT, message=library_plan),
    ),
    field(5, "annex", Kind.GROUP, EXPLICIT, message=library_plan),
    field(6, "sizes", Kind.SINT32, REPEATED, packed=True),
)
Library: type[Message] = library_plan.message_class  # pyright: ignore

order_plan = plan(
    "library.Order",
    field(1, "id", Kind.INT32, Cardinality.REQUIRED),
    field(2, "kind", Kind.ENUM, EXPLICIT, enum=closed_genre, default=1),
    field(3, "kinds", Kind.ENUM, REPEATED, enum=closed_genre, packed=True),
    field(4, "note", Kind.STRING, EXPLICIT, utf8=False),
)
Order: type[Message] = order_plan.message_class  # pyright: ignore
orders_plan = plan("library.Orders", field(1, "orders", Kind.MESSAGE, REPEATED, message=order_plan))
Orders: type[Message] = orders_plan.message_class  # pyright: ignore
