"""load, loads and load_descriptor_set, and what the Schema that they return gives access to."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path

import pytest

from barewire import schema
from barewire.schema import SchemaError, wkt
from tests.support.protos import BOOKSTORE
from tests.support.schemas import PROTOS, descriptor_set


def test_the_bookstore_as_the_readme_has_it() -> None:
    books = schema.load(BOOKSTORE)
    book = books.Book(id="1", title="gRPC Fundamentals")
    assert books.Book.decode(book.encode()) == book
    assert books.Book.from_json(book.to_json()) == book
    assert book.to_text() == 'id: "1"\ntitle: "gRPC Fundamentals"\n'
    assert books["bookstore.Book"] is books.Book
    assert books.Bookstore.full_name == "bookstore.Bookstore"
    assert books.Bookstore.methods[1].request_class is wkt.Empty
    assert {"Book", "BookList", "BookstoreStub", "BookstoreServicer"} <= set(dir(books))
    assert repr(books.Book) == "<class 'bookstore.proto.Book'>"


def test_a_name_that_is_not_there() -> None:
    books = schema.load(BOOKSTORE)
    with pytest.raises(AttributeError, match="did you mean 'BookstoreStub'"):
        books.BookstorStub
    with pytest.raises(KeyError):
        books["bookstore.Nothing"]
    assert copy.copy(books).Book is books.Book


def test_two_loads_into_one_registry_share_classes() -> None:
    registry = schema.Registry()
    kitchen = schema.load("kitchen.proto", include=[PROTOS], registry=registry)
    pantry = schema.load(PROTOS / "pantry.proto", registry=registry)
    assert kitchen["pantry.Shelf"] is pantry.Shelf
    assert schema.load("pantry.proto", include=PROTOS).Shelf is not pantry.Shelf
    assert kitchen.Spices().__descriptor__.full_name == "kitchen.Spices"
    assert kitchen.SUMMER is kitchen.Season.SUMMER
    assert isinstance(kitchen.Spices(timestamp=wkt.Timestamp()).timestamp, wkt.Timestamp)


def test_files_of_one_package_are_reached_from_the_one_that_imports_them() -> None:
    sources = {"b.proto": 'syntax = "proto3"; package p; message InB {} message Both {}'}
    text = 'syntax = "proto3"; package p; import "b.proto"; message InA { InB b = 1; }'
    loaded = schema.loads(text, name="a.proto", sources=sources)
    assert loaded.InA(b=loaded.InB()).b == loaded["p.InB"]()


def test_two_files_of_one_name_are_not_taken_for_each_other(tmp_path: Path) -> None:
    registry = schema.Registry()
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x.proto").write_text(f'syntax = "proto3"; package {folder}; message M {{}}')
    schema.load(tmp_path / "one" / "x.proto", registry=registry)
    schema.load(tmp_path / "one" / "x.proto", registry=registry)
    with pytest.raises(SchemaError, match=r"'x\.proto' is loaded from"):
        schema.load(tmp_path / "two" / "x.proto", registry=registry)
    assert (
        schema.load(tmp_path / "two" / "x.proto", include=tmp_path, registry=registry).file.name
        == "two/x.proto"
    )
    with pytest.raises(SchemaError, match="another name"):
        schema.loads("", name="x.proto", registry=registry)


def test_what_two_files_of_a_registry_declare_must_differ() -> None:
    registry = schema.Registry()
    schema.loads('syntax = "proto3"; package p; message M {}', name="a.proto", registry=registry)
    with pytest.raises(SchemaError, match=r"p\.M"):
        schema.loads('syntax = "proto3"; package p; message M {}', name="b.proto", registry=registry)


def test_a_well_known_file_can_be_loaded_by_its_name() -> None:
    assert schema.load("google/protobuf/timestamp.proto").Timestamp is wkt.Timestamp


def test_a_missing_file_and_a_wrong_one() -> None:
    with pytest.raises(SchemaError, match=r"nowhere\.proto"):
        schema.load("nowhere.proto")
    with pytest.raises(SchemaError) as caught:
        schema.loads('syntax = "proto3"; message M { Nothing a = 1; None b = 2; }', name="wrong.proto")
    assert len(caught.value.diagnostics) == 2
    assert "wrong.proto:1:32: error: " in str(caught.value)


def test_a_descriptor_set_loads_as_its_text_does() -> None:
    loaded = schema.load_descriptor_set(descriptor_set("kitchen.proto"))
    text = schema.load(PROTOS / "kitchen.proto")
    sink = loaded.Sink(a_tap=loaded.Sink.HOT, shelf=loaded["pantry.Shelf"](number=1))
    assert text.Sink.decode(sink.encode()).to_json() == sink.to_json()
    assert loaded["google.protobuf.Duration"] is wkt.Duration
    with pytest.raises(SchemaError):
        schema.load_descriptor_set(b"\xff")
    with pytest.raises(SchemaError):
        schema.load_descriptor_set(b"")


def test_names_that_python_or_message_needs() -> None:
    clash = schema.load(PROTOS / "clash.proto")
    message = clash.Message(from__="a", from_="b", encode_="c", class_=1, self=2, None_="d", get_="e")
    assert clash.Message.decode(message.encode()) == message
    assert message.to_dict() == {
        "from": "b",
        "encode": "c",
        "class": 1,
        "self": 2,
        "None": "d",
        "get": "e",
    }  # the last of two equal JSON names wins
    assert message.which("copy") == "get_"
    assert clash.Message.decode_.__descriptor__.full_name == "clash.Message.decode"
    assert clash.Message.Inner(decode_="x").decode_ == "x"
    assert [value.name for value in clash.Message.Colour] == [
        *("NONE", "RED_", "True_", "while_", "mro_", "name", "real_", "lambda_", "_under__")
    ]
    assert clash.Message.from_json('{"colour": "while"}').colour is clash.Message.Colour.while_
    assert clash.Message(colour=8).to_json() == '{"colour":"while"}'
    # A declared name beats a generated one; what Schema has itself beats both.
    assert clash.EchoStub.__descriptor__.name == "EchoStub"
    assert issubclass(clash.EchoStub_, schema.Stub)
    assert [clash.registry_.__name__, clash.file_.__name__, clash.lambda_.__name__] == [
        "registry",
        "file",
        "lambda",
    ]


def test_pickling_and_copying() -> None:
    books = schema.load(BOOKSTORE)
    shelf = books.BookList(books=[books.Book(id="1")])
    for duplicate in (pickle.loads(pickle.dumps(shelf)), copy.copy(shelf), copy.deepcopy(shelf)):
        assert duplicate == shelf
        assert duplicate is not shelf
        assert type(duplicate) is books.BookList
        assert duplicate.books[0] is not shelf.books[0]
    assert pickle.loads(pickle.dumps(wkt.Duration(seconds=1))) == wkt.Duration(seconds=1)


def test_unpickling_without_the_registry() -> None:
    text = 'syntax = "proto3"; package pickled; message Only { int32 x = 1; }'
    first = schema.loads(text)
    data = pickle.dumps(first.Only(x=7)).replace(first.registry.pickling_key.encode(), b"0" * 32)
    assert pickle.loads(data) == first.Only(x=7)  # the one registry that knows such a message
    second = schema.loads(text)
    with pytest.raises(pickle.UnpicklingError, match="several registries have"):
        pickle.loads(data)
    del second


def test_thousands_of_messages_in_a_row_and_in_a_circle() -> None:
    count = 3000
    text = "".join(f"message M{i} {{ M{(i + 1) % count} next = 1; }}" for i in range(count))
    loaded = schema.loads('syntax = "proto3";' + text)
    assert loaded.M0(next=loaded.M1()).encode() == b"\n\0"


def test_a_message_that_cannot_be_encoded_can_be_pickled() -> None:
    pantry = schema.load(PROTOS / "pantry.proto")
    partial = pantry.Shelf(label="x")
    partial[pantry.Crate.crate] = pantry.Crate(owner="nobody")
    assert pickle.loads(pickle.dumps(partial)) == partial


def test_a_refused_file_leaves_no_trace() -> None:
    registry = schema.Registry()
    schema.loads('syntax = "proto3"; package p; message M {}', name="a.proto", registry=registry)
    for _ in range(2):
        with pytest.raises(SchemaError):
            schema.loads('syntax = "proto3"; package p; message M {}', name="b.proto", registry=registry)
    assert registry.find_file("b.proto") is None
    schema.loads('syntax = "proto3"; package p; message N {}', name="b.proto", registry=registry)
