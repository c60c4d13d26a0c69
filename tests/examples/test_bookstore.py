from __future__ import annotations

import asyncio
import json
import logging
import signal
import subprocess
import sys
import threading
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from barewire import rpc, schema
from tests.support.processes import ROOT

SERVER = "examples/bookstore/server.py"
CLIENT = "examples/bookstore/client.py"


async def all_books(stub: Any) -> list[tuple[str, str, str]]:
    return [(book.id, book.title, book.author) async for book in stub.ListBooks(schema.wkt.Empty())]


async def test_what_is_added_is_there_after_a_restart(bookstore: ModuleType, tmp_path: Path) -> None:
    books = bookstore.books
    path = str(tmp_path / "books.sqlite")
    new = [books.Book(id="4", title="Dune"), books.Book(id="1", title="Emma", author="Jane Austen")]
    for restart in (False, True):
        store = bookstore.Store(path)
        async with rpc.Server([bookstore.Bookstore(store)]) as server:
            port = await server.start("127.0.0.1:0")
            async with rpc.Channel(f"127.0.0.1:{port}") as channel:
                stub = books.BookstoreStub(channel)
                if not restart:
                    assert len(await all_books(stub)) == 3
                    assert await stub.AddBooks(new) == books.BookList(books=new)
                found = await all_books(stub)
                assert found[0] == ("1", "Emma", "Jane Austen")
                assert found[3:] == [("4", "Dune", "")]
        store.close()


async def test_errors_and_a_broken_stream(bookstore: ModuleType) -> None:
    books = bookstore.books
    servicer = bookstore.Bookstore()
    async with rpc.Server([servicer]) as server:
        port = await server.start("127.0.0.1:0")
        async with rpc.Channel(f"127.0.0.1:{port}") as channel:
            stub = books.BookstoreStub(channel)
            with pytest.raises(rpc.RpcError, match="book not found") as missing:
                await stub.GetBook(books.GetBookRequest(id="404"))
            assert missing.value.code is rpc.StatusCode.NOT_FOUND
            with pytest.raises(rpc.RpcError) as empty:
                await stub.GetBook(books.GetBookRequest())
            assert empty.value.code is rpc.StatusCode.INVALID_ARGUMENT
            with pytest.raises(rpc.RpcError, match="book 2 has an empty id"):
                await stub.AddBooks([books.Book(id="9"), books.Book(title="x")])
            async with stub.AddBooks() as call:  # and left before it is done
                await call.send(books.Book(id="8"))
            assert {id for id, _, _ in await all_books(stub)} == {"1", "2", "3"}
    servicer.store.close()


async def test_more_books_than_a_page(bookstore: ModuleType) -> None:
    store = bookstore.Store()
    await store.add([bookstore.Row(f"n{n}", "", "") for n in range(250)])
    assert [row.id async for row in store.all()][3:] == [f"n{n}" for n in range(250)]
    store.close()


async def test_tokens_and_the_log(bookstore: ModuleType, caplog: pytest.LogCaptureFixture) -> None:
    from interceptors import BringToken, CallLog, RequireToken  # type: ignore[import-not-found]

    books = bookstore.books
    servicer = bookstore.Bookstore()
    caplog.set_level(logging.INFO, logger="bookstore.calls")
    async with rpc.Server([servicer], interceptors=[CallLog(), RequireToken("secret")]) as server:
        port = await server.start("127.0.0.1:0")
        for tokens in ([], [BringToken("wrong")]):
            async with rpc.Channel(f"127.0.0.1:{port}", interceptors=tokens) as channel:
                with pytest.raises(rpc.RpcError) as refused:
                    await books.BookstoreStub(channel).AddBooks([books.Book(id="4")])
                assert refused.value.code is rpc.StatusCode.UNAUTHENTICATED
        async with rpc.Channel(f"127.0.0.1:{port}", interceptors=[BringToken("secret")]) as channel:
            assert len(await all_books(books.BookstoreStub(channel))) == 3
    lines = [json.loads(record.message) for record in caplog.records if record.name == "bookstore.calls"]
    assert [line["code"] for line in lines] == ["UNAUTHENTICATED", "UNAUTHENTICATED", "OK"]
    assert {key: lines[2][key] for key in ("side", "method", "sent", "received")} == {
        "side": "server",
        "method": "/bookstore.Bookstore/ListBooks",
        "sent": 3,
        "received": 1,
    }
    servicer.store.close()


def run(*arguments: str, **options: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, *arguments], cwd=ROOT, text=True, stdout=subprocess.PIPE, **options
    )


def test_server_and_client_as_programs(tmp_path: Path) -> None:
    flags = ["--port", "0", "--db", str(tmp_path / "books.sqlite"), "--token", "secret"]
    with run(SERVER, *flags, stderr=subprocess.DEVNULL) as server:
        try:
            assert server.stdout is not None
            address = server.stdout.readline().split()[3].rstrip(",")
            for token, status in ("wrong", 1), ("secret", 0), ("secret", 0):
                with run(CLIENT, "--target", address, "--token", token, stderr=subprocess.PIPE) as client:
                    out, error = client.communicate(timeout=30)
                assert client.returncode == status, error
            assert out.splitlines()[-1] == "GetBook   NOT_FOUND book not found"
            server.send_signal(signal.SIGTERM)
            assert server.wait(30) == 0
        finally:
            server.kill()


def test_a_database_that_cannot_be_used() -> None:
    with run(SERVER, "--db", "/no/such/folder/books.sqlite", stderr=subprocess.PIPE) as server:
        _, error = server.communicate(timeout=30)
    assert server.returncode == 1
    assert error.startswith("bookstore: cannot keep books in /no/such/folder/books.sqlite")
    assert "Traceback" not in error


async def test_the_loop_is_free_while_the_database_works(bookstore: ModuleType) -> None:
    store = bookstore.Store()
    busy = asyncio.Event()
    release = threading.Event()
    loop = asyncio.get_running_loop()

    def block() -> None:
        loop.call_soon_threadsafe(busy.set)
        release.wait(10)

    blocked = asyncio.ensure_future(store._run(block))
    await busy.wait()
    waiting = asyncio.ensure_future(store.get("1"))
    await asyncio.sleep(0)
    assert not waiting.done()
    release.set()
    await blocked
    assert (await waiting).id == "1"
    store.close()
