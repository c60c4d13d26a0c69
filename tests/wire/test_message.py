from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from barewire.wire import DecodeError, Extension, Message, build_class
from barewire.wire.plan import MessagePlan
from tests.support.wire_plans import (
    EXPLICIT,
    REPEATED,
    Book,
    Genre,
    Kind,
    Library,
    Order,
    book_plan,
    field,
    plan,
)


def test_a_new_message_holds_zero_values() -> None:
    book: Any = Book()
    assert (book.title, book.pages, book.genre, book.tags) == ("", 0, Genre.UNKNOWN, [])
    assert book.isbn is None
    assert repr(book) == "Book()"


def test_the_constructor_takes_keywords_only() -> None:
    with pytest.raises(TypeError, match="positional"):
        Book("Dune")  # type: ignore[misc]
    with pytest.raises(TypeError, match=r"library.Book\(\) got an unexpected keyword argument 'titel'"):
        Book(titel="Dune")
    with pytest.raises(ValueError, match="isbn and shelf_mark_ are members of oneof 'number'"):
        Book(isbn="1", shelf_mark_=2)


def test_the_constructor_copies_lists_and_maps() -> None:
    tags = ["a"]
    book: Any = Book(tags=tags)
    tags.append("b")
    assert book.tags == ["a"]
    assert Library(counts=None, books=None) == Library()  # type: ignore[comparison-overlap]


def test_attributes_are_slots() -> None:
    book: Any = Book()
    with pytest.raises(AttributeError):
        book.titel = "Dune"
    assert not hasattr(book, "__dict__")
    assert not hasattr(Library(), "__dict__")


def test_setting_a_oneof_member_clears_the_others() -> None:
    book: Any = Book(isbn="1")
    assert book.which("number") == "isbn"
    book.shelf_mark_ = 0
    assert book.isbn is None
    assert book.which("number") == "shelf_mark_"
    book.isbn = None  # clearing one leaves the other
    assert book.shelf_mark_ == 0
    decoded: Any = Book.decode(Book(isbn="2").encode() + Book(shelf_mark_=3).encode())
    assert (decoded.isbn, decoded.shelf_mark_) == (None, 3)
    decoded.isbn = "4"
    assert decoded.shelf_mark_ is None
    assert type(decoded) is Book
    with pytest.raises(ValueError, match="no oneof 'numbers'"):
        book.which("numbers")


def test_subclasses_of_a_generated_class_work() -> None:
    class Novel(Book):  # type: ignore[misc, valid-type]
        def shout(self: Any) -> str:
            return self.title.upper()

    novel: Any = Novel(title="Dune", isbn="1")
    novel.shelf_mark_ = 4
    assert novel.isbn is None
    assert novel.shout() == "DUNE"
    library: Any = Library(books=[novel])
    again: Any = Library.decode(library.encode())
    assert again.books[0].title == "Dune"


def test_get_gives_defaults() -> None:
    assert Book().get("isbn") == "0"
    assert Book(isbn="7").get("isbn") == "7"
    assert Book().get("shelf_mark") == 0
    assert Order(id=1).get("kind") is Genre.NOVEL
    assert Library().get("parent") == Library()
    with pytest.raises(AttributeError, match="no field 'page'; did you mean 'pages'"):
        Book().get("page")


def test_has_and_clear() -> None:
    book: Any = Book(title="Dune", isbn="", tags=["x"])
    assert book.has("title")
    assert book.has("isbn")
    assert book.has("tags")
    assert book.has("number")
    assert not book.has("pages")
    assert not book.has("shelf_mark")
    book.clear("number")
    assert book.isbn is None
    assert not book.has("number")
    book.clear("tags")
    assert book.tags == []
    book.clear()
    assert book == Book()


def test_equality_is_by_value_and_class() -> None:
    assert Book(title="Dune") == Book(title="Dune") != Book(title="Emma")
    assert Book() != Library()
    twin = plan("library.Twin", *book_plan.fields).message_class
    assert Book() != twin()
    with pytest.raises(TypeError, match="unhashable"):
        hash(Book())
    assert Book.decode(b"\x58\x01") != Book()  # an unknown field counts


def test_merge() -> None:
    one: Any = Library(counts={"a": 1}, parent=Library(counts={"x": 1}), sizes=[1])
    other: Any = Library(counts={"b": 2}, parent=Library(counts={"y": 2}), sizes=[2], books=[Book()])
    one.merge(other)
    assert one.counts == {"a": 1, "b": 2}
    assert one.parent.counts == {"x": 1, "y": 2}
    assert one.sizes == [1, 2]
    assert one.books[0] is not other.books[0]
    before = one.copy()
    with pytest.raises(DecodeError):
        one.merge(b"\x0a\xff")
    assert one == before
    one.merge(one)
    assert one.sizes == [1, 2, 1, 2]
    with pytest.raises(TypeError, match=r"cannot merge a library\.Book into a library\.Library"):
        one.merge(Book())


def test_merging_equals_decoding_the_concatenation() -> None:
    one: Any = Library(counts={"a": 1}, parent=Library(sizes=[1]))
    other: Any = Library(counts={"a": 2}, parent=Library(sizes=[2]), annex=Library())
    merged = one.copy()
    merged.merge(other)
    assert merged == Library.decode(one.encode() + other.encode())


def test_copies_are_deep() -> None:
    library: Any = Library(books=[Book(tags=["x"])], parent=Library(), branches={1: Library()})
    for duplicate in (library.copy(), copy.copy(library), copy.deepcopy(library)):
        assert duplicate == library
        duplicate.books[0].tags.append("y")
        duplicate.branches[1].sizes.append(1)
        duplicate.parent.sizes.append(1)
        assert library.books[0].tags == ["x"]
        assert library.branches[1].sizes == library.parent.sizes == []


def test_replace_and_match() -> None:
    book: Any = Book(title="Dune", isbn="1")
    changed = book.__replace__(title="Emma", shelf_mark_=1)
    assert (changed.title, changed.isbn, book.title) == ("Emma", None, "Dune")
    with pytest.raises(TypeError, match="no field 'page'"):
        book.__replace__(page=1)
    match book:
        case Book(title=title):
            assert title == "Dune"


def test_unknown_fields_are_kept_in_order() -> None:
    data = bytes.fromhex("5801 6202 6869 6b 0801 6c".replace(" ", ""))
    book = Book.decode(data)
    assert [(f.number, f.wire_type.name, f.value) for f in book.unknown_fields] == [
        (11, "VARINT", 1),
        (12, "LEN", b"hi"),
        (13, "SGROUP", b"\x08\x01"),
    ]
    assert book.encode() == data
    assert book.copy().encode() == data
    assert "10 bytes unknown" in repr(book)


def test_a_message_is_not_iterable_and_takes_only_extensions_as_keys() -> None:
    with pytest.raises(TypeError, match="not iterable"):
        iter(Book())
    with pytest.raises(TypeError, match="takes an Extension"):
        Book()["title"]  # type: ignore[index]


class _Module:
    """Pickling finds classes by module and name."""


def test_pickling(monkeypatch: pytest.MonkeyPatch) -> None:
    import tests.support.wire_plans as home

    library: Any = Library(books=[Book(title="Dune", isbn="1", genre=7)], counts={"a": 1})
    monkeypatch.setattr(home, "Library", Library)
    assert pickle.loads(pickle.dumps(library)) == library


def test_namespace_and_bases() -> None:
    class Base(Message):
        __slots__ = ()

        def hello(self) -> str:
            return "hello"

    made = MessagePlan("a.B", (field(1, "x", Kind.INT32),))
    cls: Any = build_class(
        made, "B", module="m", qualname="A.B", bases=(Base,), namespace={"x": 3, "y": 4, "__doc__": "Doc"}
    )
    assert (cls.__module__, cls.__qualname__, cls.__doc__, cls.y) == ("m", "A.B", "Doc", 4)
    assert cls(x=1).hello() == "hello"
    assert cls(x=1).x == 1  # a field wins over a name of the namespace
    assert made.message_class is cls


# Extensions -------------------------------------------------------------------------------------------------------


def make_extended() -> tuple[Any, Extension, Extension, Extension]:
    extended = plan("x.Extended", field(1, "id", Kind.STRING))
    number = Extension(field(100, "number", Kind.INT32, EXPLICIT), extended)
    many = Extension(field(101, "many", Kind.STRING, REPEATED), extended)
    book = Extension(field(102, "book", Kind.MESSAGE, EXPLICIT, message=book_plan), extended)
    return extended.message_class, number, many, book


def test_extensions() -> None:
    cls, number, many, book = make_extended()
    message = cls(id="1")
    assert number not in message
    assert message[number] is None
    message[number] = 5
    message[many].append("a")
    message[book] = Book(title="Dune")
    assert number in message
    assert many in message
    decoded = cls.decode(message.encode())
    assert decoded == message == message.copy()
    assert decoded[number] == 5
    assert decoded[many] == ["a"]
    assert decoded[book].title == "Dune"
    assert repr(decoded) == "Extended(id='1', [number]=5, [many]=['a'], [book]=Book(title='Dune'))"
    del message[number]
    assert number not in message
    message[book] = None
    assert book not in message
    assert cls() == cls.decode(b"")
    assert cls()[many] == []
    with pytest.raises(KeyError, match="is not an extension of"):
        Book()[number]


def test_an_extension_may_come_after_the_first_use() -> None:
    """Also where a message of strings alone has been written into the code of its parent."""
    leaf = plan("x.Leaf", field(1, "id", Kind.STRING))
    parent = plan("x.Parent", field(1, "leaves", Kind.MESSAGE, REPEATED, message=leaf))
    message: Any = parent.message_class(leaves=[leaf.message_class(id="1")])
    assert parent.message_class.decode(message.encode()) == message
    small: Any = leaf.message_class.decode(b"\x0a\x011")
    assert small.id == "1"
    extension = Extension(field(100, "late", Kind.INT32, EXPLICIT), leaf)
    message.leaves[0][extension] = 7
    decoded: Any = parent.message_class.decode(message.encode())
    assert decoded.leaves[0][extension] == 7
    assert decoded.leaves[0].encode() == message.leaves[0].encode()
    assert leaf.message_class.decode(decoded.leaves[0].encode())[extension] == 7
