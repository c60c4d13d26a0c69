"""Errors, limits and the odd corners; what ordinary messages look like is tested against upb."""

from __future__ import annotations

import tracemalloc
from typing import Any

import pytest
from google.protobuf.message import DecodeError as GoogleDecodeError
from hypothesis import given
from hypothesis import strategies as st

from barewire.wire import Cardinality, DecodeError, EncodeError, Kind, interpret, specialize
from barewire.wire.read_helpers import FAULTS
from barewire.wire.tag import encode_tag
from barewire.wire.varint import encode_varint
from tests.support.wire_plans import Book, Genre, Library, Order, Orders, book_plan, library_plan, order_plan
from tests.support.wire_schemas import build


def decode_error(cls: Any, data: bytes) -> DecodeError:
    """The error, which has to be the same from the interpreter and from the fast codec."""
    with pytest.raises(DecodeError) as reference:
        interpret.decode(cls.__plan__, data)
    with pytest.raises(DecodeError) as fast:
        cls.decode(data)
    assert str(fast.value) == str(reference.value)
    with pytest.raises(FAULTS):
        specialize.fast_decode(cls.__plan__, data)
    return reference.value


@pytest.mark.parametrize(
    ("cls", "data", "message"),
    [
        (Book, "0a", "library.Book.title: truncated varint (at byte 1)"),
        (Book, "0a05 4475", "library.Book.title: truncated: 5 bytes announced, 2 left (at byte 1)"),
        (Book, "0a02 41ff", "library.Book.title: invalid UTF-8 in a string (at byte 3)"),
        (Book, "2200 22 01 ff", "library.Book.tags[1]: invalid UTF-8 in a string (at byte 4)"),
        (Book, "00", "library.Book: field number 0 (at byte 0)"),
        (Book, "1001 0f", "library.Book: wire type 7 does not exist (at byte 2)"),
        (Book, "0c", "library.Book: end of group 1, which was not begun (at byte 1)"),
        (Book, "5b 08 01", "library.Book: group 11 is not ended (at byte 1)"),
        (Book, "5b 08 01 64", "library.Book: end of group 12 inside another group (at byte 3)"),
        (Book, "10" + "ff" * 11, "library.Book.pages: varint is longer than 10 bytes (at byte 1)"),
        (Library, "0a00 0a03 1080 80", "library.Library.books[1].pages: truncated varint (at byte 5)"),
        (Library, "1205 0a03 0a01 ff", "library.Library.parent.books[0].title: invalid UTF-8 in a string (at byte 6)"),
        (Library, "1a05 0a01 6b 10 ff", "library.Library.counts['k']: truncated varint (at byte 6)"),
        (Library, "1a03 0a01 ff", "library.Library.counts: invalid UTF-8 in a string (at byte 4)"),
        (Library, "2208 08071204 0a0210ff", "library.Library.branches[7].books[0].pages: truncated varint (at byte 9)"),
        (Library, "2b 0a02 10ff 2c", "library.Library.annex.books[0].pages: truncated varint (at byte 4)"),
        (Library, "2b 0a00", "library.Library.annex: group 5 is not ended (at byte 1)"),
        (Library, "3203 0102 80", "library.Library.sizes[2]: truncated varint (at byte 4)"),
        (Order, "", "library.Order.id: required field is missing (at byte 0)"),
        (Orders, "0a02 0801 0a02 1001", "library.Orders.orders[1].id: required field is missing (at byte 8)"),
    ],
)  # fmt: skip
def test_decode_errors_say_where(cls: Any, data: str, message: str) -> None:
    assert str(decode_error(cls, bytes.fromhex(data))) == message


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (Book(pages=1 << 31), "library.Book.pages: 2147483648 does not fit int32"),
        (Book(pages="12"), "library.Book.pages: '12' is not an integer"),
        (Book(pages=1.0), "library.Book.pages: 1.0 is not an integer"),
        (Book(pages=None), "library.Book.pages: None is not an integer"),
        (Book(pages=10**5000), "library.Book.pages: <int> does not fit int32"),
        (Book(title=b"x"), "library.Book.title: b'x' is not a str"),
        (Book(title=None), "library.Book.title: None is not a str"),
        (Book(title="\ud800"), "library.Book.title: '\\ud800' holds surrogates, which UTF-8 cannot encode"),
        (Book(tags=["a", 3]), "library.Book.tags[1]: 3 is not a str"),
        (Library(books=[Book(), Book(genre="x")]), "library.Library.books[1].genre: 'x' is not an integer"),
        (Library(books=[Library()]), "library.Library.books[0]: Library() is not a library.Book"),
        (Library(counts={"a": 1 << 40}), "library.Library.counts['a']: 1099511627776 does not fit int32"),
        (Library(counts={1: 1}), "library.Library.counts[1]: 1 is not a str"),
        (Library(branches={1: Library(sizes=[None])}), "library.Library.branches[1].sizes[0]: None is not an integer"),
        (Library(sizes=[1, -(1 << 31) - 1]), "library.Library.sizes[1]: -2147483649 does not fit sint32"),
        (Order(), "library.Order.id: required field is not set"),
        (Orders(orders=[Order()]), "library.Orders.orders[0].id: required field is not set"),
    ],
)  # fmt: skip
def test_encode_errors_name_the_field(value: Any, message: str) -> None:
    with pytest.raises(EncodeError) as reference:
        interpret.encode(value)
    with pytest.raises(EncodeError) as fast:
        value.encode()
    assert str(reference.value) == str(fast.value) == message


def test_a_repeated_field_wants_a_list() -> None:
    book: Any = Book()
    for wrong in ("abc", None, 3, {1}, b"x"):
        book.tags = wrong
        with pytest.raises(EncodeError, match=r"library\.Book\.tags: .* is not a list"):
            book.encode()
    book.tags = ("a", "b")
    again: Any = Book.decode(book.encode())
    assert again.tags == ["a", "b"]


def test_input_that_is_no_bytes_is_a_mistake_of_the_caller() -> None:
    for wrong in (5, "abc", None):
        with pytest.raises(TypeError):
            Book.decode(wrong)  # type: ignore[arg-type]
    data = Book(title="Dune").encode()
    assert Book.decode(bytearray(data)) == Book.decode(memoryview(data)) == Book.decode(data)


@given(st.data())
def test_every_truncation_is_refused_or_shorter(data: Any) -> None:
    """A message cut between two fields is a message; cut inside one it is none."""
    book = Book(title="Dune", pages=412, tags=["sand", "worms"], shelf_mark_=2**40)
    library = Library(
        books=[book], parent=Library(annex=Library(books=[book])), counts={"a": 300}, sizes=[1, 2, 300]
    )
    encoded = library.encode()
    boundaries = {0}
    position = 0
    while position < len(encoded):
        number, kind, after = interpret.decode_tag(encoded, position, len(encoded))
        position = interpret.skip_value(encoded, number, kind, after, len(encoded), 100)
        boundaries.add(position)
    for end in range(len(encoded)):
        if end in boundaries:
            assert Library.decode(encoded[:end]) == interpret.decode(library_plan, encoded[:end])
        else:
            assert decode_error(Library, encoded[:end]).offset <= end
    trailing = data.draw(st.binary(min_size=1, max_size=6))
    try:
        expected = interpret.decode(library_plan, encoded + trailing)
    except DecodeError:
        decode_error(Library, encoded + trailing)
    else:
        assert Library.decode(encoded + trailing) == expected


# Limits -----------------------------------------------------------------------------------------------------------

NESTED = build(
    "nested",
    [
        [
            {"number": 1, "name": "m", "kind": Kind.MESSAGE, "cardinality": Cardinality.EXPLICIT, "message": 0},
            {"number": 2, "name": "g", "kind": Kind.GROUP, "cardinality": Cardinality.EXPLICIT, "message": 0},
            {
                "number": 3, "name": "e", "kind": Kind.MESSAGE, "cardinality": Cardinality.MAP,
                "key": {"number": 1, "name": "key", "kind": Kind.INT32},
                "value": {
                    "number": 2, "name": "value", "kind": Kind.MESSAGE,
                    "cardinality": Cardinality.EXPLICIT, "message": 0,
                },
            },
            {"number": 4, "name": "r", "kind": Kind.MESSAGE, "cardinality": Cardinality.REPEATED, "message": 1},
            {"number": 5, "name": "x", "kind": Kind.MESSAGE, "cardinality": Cardinality.REPEATED, "message": 0},
        ],
        [{"number": 1, "name": "text", "kind": Kind.STRING}],
    ],
)  # fmt: skip


def _wrap(layer: str, inner: bytes) -> bytes:
    if layer == "group":
        return encode_tag(2, 3) + inner + encode_tag(2, 4)
    if layer == "unknown group":
        return encode_tag(9, 3) + inner + encode_tag(9, 4)
    if layer == "map":
        inner = b"\x08\x01\x12" + encode_varint(len(inner)) + inner
        return encode_tag(3, 2) + encode_varint(len(inner)) + inner
    number = {"message": 1, "leaf": 4, "list": 5}[layer]
    return encode_tag(number, 2) + encode_varint(len(inner)) + inner


@given(
    st.lists(st.sampled_from(["message", "group", "map", "list"]), min_size=45, max_size=104),
    st.integers(0, 3),
)
def test_the_nesting_limit_is_upbs(layers: list[str], unknown: int) -> None:
    for innermost in ("leaf", "message", "unknown group"):
        data = _wrap(innermost, b"")
        for _ in range(unknown):
            data = _wrap("unknown group", data if innermost == "unknown group" else b"")
        for layer in layers:
            data = _wrap(layer, data)
        try:
            NESTED.google[0].FromString(data)
            accepted = True
        except GoogleDecodeError:
            accepted = False
        cls: Any = NESTED.plans[0].message_class
        if accepted:
            message = interpret.decode(NESTED.plans[0], data)
            assert specialize.fast_decode(NESTED.plans[0], data) == message
            assert interpret.encode(message) == data == specialize.fast_encode(message)
        else:
            assert "nested deeper than 100 levels" in decode_error(cls, data).reason


@pytest.mark.parametrize("layer", ["message", "group", "map", "list", "unknown group"])
def test_nesting_bombs(layer: str) -> None:
    cls: Any = NESTED.plans[0].message_class
    if layer in ("group", "unknown group"):
        bomb = encode_tag(2 if layer == "group" else 9, 3) * 200_000
    else:
        bomb = b""
        for _ in range(2000):
            bomb = _wrap(layer, bomb)
    assert "nested deeper" in decode_error(cls, bomb).reason


def test_encoding_is_limited_likewise() -> None:
    library: Any = Library()
    for _ in range(101):
        library = Library(parent=library)
    with pytest.raises(EncodeError, match="nested deeper than 100 levels"):
        library.encode()
    assert Library.decode(library.parent.encode()) == library.parent
    library.parent = library  # a circle
    with pytest.raises(EncodeError, match="nested deeper than 100 levels"):
        library.encode()


@pytest.mark.parametrize(
    "data", ["0a ffffffff07", "0a ffffffff0f", "0a ffffffffffffffffff01", "32 ffffffff07", "2a ffff7f"]
)
def test_claimed_lengths_allocate_nothing(data: str) -> None:
    encoded = bytes.fromhex(data)
    decode_error(Library, encoded)
    tracemalloc.start()
    with pytest.raises(DecodeError):
        Library.decode(encoded)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100_000


@pytest.mark.parametrize(
    "piece",
    [
        b"\x0a\x01x\x58\x01",  # known and unknown in turn
        b"\x12\x02\x58\x01",  # a submessage that is merged again and again, and carries an unknown field
        b"\x5b\x5c",  # unknown groups
        b"\x38\x01",  # an unknown varint
    ],
)
def test_unknown_fields_gather_in_linear_time(piece: bytes) -> None:
    """Many chunks gather in a bytearray, which grows in place; bytes would be copied for every chunk."""
    plan = library_plan if piece[0] == 0x12 else book_plan
    message: Any = specialize.fast_decode(plan, piece * 1000)
    if piece[0] == 0x12:
        message = message.parent
    assert isinstance(message._unknown, bytearray)
    assert len(message.unknown_fields) == 1000
    duplicate = message.copy()
    assert isinstance(duplicate._unknown, bytes)
    assert duplicate.encode() == message.encode()


# Corners ----------------------------------------------------------------------------------------------------------


def test_closed_enums_keep_unknown_numbers_as_unknown_fields() -> None:
    for data in ("0801 1063", "0801 1063 1002", "0801 1a03 016302", "0801 1863 1801 1864"):
        encoded = bytes.fromhex(data)
        order: Any = Order.decode(encoded)
        assert order == specialize.fast_decode(order_plan, encoded) == interpret.decode(order_plan, encoded)
        assert order.unknown_fields[0].value == 0x63
    assert order.kinds == [Genre.NOVEL]
    assert Order.decode(order.encode()) == order


def test_strings_without_utf8_check_round_trip() -> None:
    data = b"\x08\x01\x22\x03a\xff\xed"
    order: Any = Order.decode(data)
    assert order.note == "a\udcff\udced"
    assert order.encode() == data
    order.note = "\ud800"
    with pytest.raises(EncodeError):
        order.encode()


def test_a_map_entry_with_something_else_becomes_an_unknown_field() -> None:
    data = bytes.fromhex("1a07 0a0161 1001 1801")
    library: Any = Library.decode(data)
    assert library.counts == {}
    assert library.encode() == data
    swapped: Any = Library.decode(bytes.fromhex("1a05 1005 0a0161"))
    assert swapped.counts == {"a": 5}
    nameless: Any = Library.decode(bytes.fromhex("1a00"))
    assert nameless.counts == {"": 0}
    numberless: Any = Library.decode(bytes.fromhex("2200"))
    assert numberless.branches == {0: Library()}


def test_required_fields_may_come_in_two_parts() -> None:
    """A singular message that comes twice is merged before anything is missed."""
    from tests.support.wire_plans import EXPLICIT, field, plan

    two = plan("r.Two", *(field(n, f"f{n}", Kind.INT32, Cardinality.REQUIRED) for n in (1, 2)))
    outer = plan("r.Outer", field(1, "two", Kind.MESSAGE, EXPLICIT, message=two)).message_class
    assert outer is not None
    assert outer.decode(bytes.fromhex("0a020801 0a021002")).two == two.message_class(f1=1, f2=2)  # type: ignore[misc]
