"""Generated modules: what they say, what they are at run time, and that they survive what loaded classes do not."""

from __future__ import annotations

import inspect
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from barewire import rpc, schema
from barewire.schema import generated as contract
from barewire.schema import wkt
from barewire.schema.compile import compile_files
from barewire.schema.frozen import freeze
from barewire.schema.generate import Layout, python_modules, python_stub
from barewire.schema.generate_comments import comments_of
from barewire.schema.generate_wkt import well_known_modules
from barewire.schema.wkt import descriptor_pb
from tests.support import generated
from tests.support.proto_cases import MAIN, cases, sources_of
from tests.support.protos import BOOKSTORE, ROOT
from tests.support.schema_messages import messages
from tests.support.schemas import PROTOS

GOLDEN = ROOT / "tests" / "golden" / "generated"

BOOKS = generated.load(BOOKSTORE)
KITCHEN = generated.load(PROTOS / "kitchen.proto")
PANTRY = generated.load(PROTOS / "pantry.proto")
CLASH = generated.load(PROTOS / "clash.proto")
EDITIONS = generated.load(PROTOS / "editions.proto")


def modules_of(path: Path, layout: Layout | None = None) -> dict[str, str]:
    (file,) = compile_files([path.name], include=[path.parent], pool={}, source_info=True)
    made = python_modules(file, comments_of(file), layout or Layout())
    return {each.path: each.text for each in [*made, python_stub(file, comments_of(file))]}


@pytest.mark.parametrize("proto", [BOOKSTORE, PROTOS / "clash.proto"], ids=lambda path: path.stem)
def test_golden(proto: Path) -> None:
    for name, text in modules_of(proto).items():
        golden = GOLDEN / f"{name}.golden"
        if os.environ.get("BAREWIRE_UPDATE_GOLDEN"):
            GOLDEN.mkdir(parents=True, exist_ok=True)
            golden.write_text(text, encoding="utf-8")
        assert text == golden.read_text(encoding="utf-8"), name


@pytest.mark.parametrize("name", ["descriptor_pb.py", "plugin_pb.py", "__init__.pyi", "compiled.jsonl"])
def test_the_generated_files_of_the_package_are_up_to_date(name: str) -> None:
    text = (ROOT / "schema" / "wkt" / name).read_text(encoding="utf-8")
    assert text == well_known_modules()[name], "run python -m barewire.schema.generate_wkt"


@pytest.mark.slow  # hundreds of files
@pytest.mark.parametrize("path", cases("valid"), ids=lambda path: path.stem)
def test_every_valid_file_can_be_generated_and_imported(path: Path) -> None:
    sources = sources_of(path)
    made = generated.loads(sources[MAIN], name=MAIN, sources=sources)
    loaded = schema.loads(sources[MAIN], name=MAIN, sources=sources)
    assert set(dir(made)) >= {name for name in dir(made) if hasattr(loaded, name)}
    descriptor = made.registry.file_descriptor_proto(made.file)
    assert descriptor == loaded.registry.file_descriptor_proto(loaded.file)
    for message in made.file.messages:
        ours, theirs = made[message.full_name], loaded[message.full_name]
        assert ours.__match_args__ == theirs.__match_args__
        assert {name for name in vars(ours) if not name.startswith("__")} == {
            name for name in vars(theirs) if not name.startswith("__")
        }


@settings(max_examples=20)
@given(data=st.data())
@pytest.mark.parametrize(
    ("made", "name"),
    [
        (KITCHEN, "kitchen.Sink"),
        (PANTRY, "pantry.Shelf"),
        (CLASH, "clash.Message"),
        (EDITIONS, "edited.Mixed"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_loaded_classes_read_what_generated_ones_write(made: Any, name: str, data: Any) -> None:
    loaded = schema.load(PROTOS / made.file.name)
    message = data.draw(messages(made[name], depth=1))
    encoded = message.encode()
    other = loaded[name].decode(encoded)
    assert other.encode() == encoded
    assert made[name].decode(other.encode()).encode() == encoded  # not ==: NaN equals nothing
    assert other.to_text() == message.to_text()


def test_what_a_module_has_besides() -> None:
    assert BOOKS.Book.__doc__ == "Message bookstore.Book."
    assert BOOKS.Book.__annotations__ == {"id": "str", "title": "str", "author": "str"}
    assert "class Book(generated.Message):" in inspect.getsource(BOOKS.Book)
    assert BOOKS.Book.__module__ == BOOKS._modules[0].__name__
    assert KITCHEN.Sink.__doc__ == "Every kind of field, in every shape that proto3 has."
    assert inspect.get_annotations(KITCHEN.Spices, eval_str=True)["mask"] == wkt.FieldMask | None
    assert BOOKS.BookstoreServicer.__doc__.startswith("Derive from this")
    assert BOOKS.Bookstore.methods[1].request_class is wkt.Empty
    assert KITCHEN.Spices.__plan__.fields[8].message is wkt.Timestamp.__plan__
    shelf = KITCHEN["pantry.Shelf"]
    assert shelf.__module__.endswith(".pantry_pb")
    assert KITCHEN.Sink(shelf=shelf(number=1)).shelf.number == 1
    assert repr(KITCHEN.Sink.Tap.HOT) == "Tap.HOT"


def test_custom_options_of_generated_modules() -> None:
    text = """syntax = "proto3"; package marked; import "google/protobuf/descriptor.proto";
    extend google.protobuf.MessageOptions { string mark = 61234; Detail detail = 61235; }
    message Detail { int32 x = 1; }
    message M { option (mark) = "here"; option (detail).x = 5; }"""
    copies = [generated.loads(text, name="marked.proto") for _ in range(2)]  # two packages with a copy each
    for copy in copies:
        options = copy.M.__descriptor__.options
        assert type(options) is descriptor_pb.MessageOptions
        assert options[copy.mark] == "here"
        assert options[copy.detail].x == 5


def test_files_in_folders_import_each_other(tmp_path: Path) -> None:
    sources = {
        "shop/v1/order.proto": """syntax = "proto3"; package shop.v1; import "shop/common.proto"; import "money.proto";
            import public "shop/my-id.proto"; message Order { shop.Common common = 1; Money money = 2; shop.Id id = 3; }
            service Orders { rpc Put(Order) returns (Money); }""",
        "shop/common.proto": 'syntax = "proto3"; package shop; message Common { int32 Id = 1; }',
        "shop/my-id.proto": 'syntax = "proto3"; package shop; message Id { string str = 1; string text = 2; }',
        "money.proto": 'syntax = "proto3"; message Money { int64 int = 1; int64 units = 2; }',
    }
    files = compile_files(["shop/v1/order.proto"], sources=sources, pool={})
    check = """order = order_pb.Order(common=order_rpc.Orders.methods[0].request_class().common)
assert order_pb.Order.decode(order.encode()) == order and order_pb.Id(text="1").text == "1"
assert order_rpc.Orders.methods[0].response_class(units=1).units == 1"""
    generated.generate(files, tmp_path / "out" / "inside")  # a package that may lie anywhere
    generated.generate(files, tmp_path / "top")  # a folder on sys.path
    generated.generate(files, tmp_path / "absolute" / "my" / "gen", Layout("my.gen"))
    for folder, package in (("out", "inside.shop.v1"), ("top", "shop.v1"), ("absolute", "my.gen.shop.v1")):
        program = f"from {package} import order_pb, order_rpc\n{check}"
        subprocess.run([sys.executable, "-c", program], cwd=tmp_path / folder, check=True)


def test_pickles_are_read_by_another_process(tmp_path: Path) -> None:
    generated.generate([KITCHEN.file], tmp_path / "pickled")
    write = """import pickle, sys; from pickled import kitchen_pb as k
print(pickle.dumps([k.Sink(a_tap=k.Sink.HOT, a_drain=k.Sink.Drain(name="x")), k.Season.SUMMER]).hex())"""
    read = """import pickle, sys
sink, season = pickle.loads(bytes.fromhex(sys.argv[1])); print(sink, season is type(season).SUMMER)"""
    first = subprocess.run(
        [sys.executable, "-c", write], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    command = [sys.executable, "-c", read, first.stdout.strip()]
    second = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert second.stdout == "Sink(a_tap=Tap.HOT, a_drain=Drain(name='x')) True\n"
    colour = CLASH.Message.Colour.while_
    assert pickle.loads(pickle.dumps(colour)) is colour


async def test_a_generated_servicer_and_its_stub() -> None:
    class Shop(BOOKS.BookstoreServicer):
        async def GetBook(self, request: Any, context: Any) -> Any:
            return BOOKS.Book(id=request.id, title="found")

        async def ListBooks(self, request: Any, context: Any) -> Any:
            for number in range(3):
                yield BOOKS.Book(id=str(number))

        async def AddBooks(self, requests: Any, context: Any) -> Any:
            return BOOKS.BookList(books=[book async for book in requests])

    server = rpc.Server([Shop()])
    port = await server.start("127.0.0.1:0")
    try:
        async with rpc.Channel(f"127.0.0.1:{port}") as channel:
            stub = BOOKS.BookstoreStub(channel)
            book = await stub.GetBook(BOOKS.GetBookRequest(id="7"), timeout=5)
            assert book == BOOKS.Book(id="7", title="found")
            assert [each.id async for each in stub.ListBooks(wkt.Empty(), timeout=5)] == ["0", "1", "2"]
            assert (await stub.AddBooks([book, book], timeout=5)).books == [book, book]
            with pytest.raises(rpc.RpcError) as caught:
                async for _ in stub.Chat([book], timeout=5):
                    pass
            assert caught.value.code is rpc.StatusCode.UNIMPLEMENTED
    finally:
        await server.stop()


def test_a_registry_over_modules_resolves_what_a_message_does_not_import() -> None:
    packed = wkt.Any.pack(BOOKS.Book(id="1"))
    spices = KITCHEN.Spices(any=packed)
    with pytest.raises(ValueError, match="bookstore"):
        spices.to_json()
    both = contract.registry(KITCHEN._modules[0], BOOKS._modules[0])
    text = spices.to_json(registry=both)
    assert KITCHEN.Spices.from_json(text, registry=both) == spices
    loaded = schema.loads(
        'syntax = "proto3"; import "bookstore.proto"; message Loaded { bookstore.Book book = 1; }',
        registry=both,
    )
    message = loaded.Loaded(book=BOOKS.Book(id="1"))
    assert pickle.loads(pickle.dumps(message)) == message


@pytest.mark.parametrize("compiled", [None, b"[1]", b'[2,["x.proto"]]', b"nonsense"], ids=str)
def test_a_module_compiled_by_another_version_is_compiled_again(compiled: bytes | None) -> None:
    proto = wkt.FileDescriptorProto(name="x.proto", message_type=[wkt.DescriptorProto(name="X")])
    module: dict[str, Any] = {"__name__": "x_pb"}
    contract.File(module, name="x.proto", descriptor=proto.encode(), compiled=compiled)
    assert module["X"].decode(b"").encode() == b""


def test_what_a_module_is_compiled_to_is_taken_as_it_is() -> None:
    file = schema.loads('syntax = "proto3"; message X { int32 y = 1; }', name="x.proto").file
    module: dict[str, Any] = {"__name__": "x_pb"}
    contract.File(module, name="x.proto", descriptor=b"never looked at", compiled=freeze(file))
    assert module["X"](y=1).encode() == b"\x08\x01"


def test_a_module_that_does_not_fit_the_runtime() -> None:
    with pytest.raises(ImportError, match="newer barewire: it needs a runtime that knows contract 99"):
        contract.require(contract=99, module="x_pb")
    with pytest.raises(ImportError, match="contract 0 is no longer supported"):
        contract.require(contract=0, module="x_pb")
    with pytest.raises(ImportError, match="generate all"):
        contract.File({"__name__": "x_pb"}, name="x.proto", descriptor=b"\n\x07x.proto\x1a\x07y.proto")
