"""A whole server with browsers' calls, over sockets: handlers, interceptors, counters, stopping, TLS."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trustme

from barewire import rpc
from barewire.rpc.interceptor import InterceptedCall, Proceed
from tests.support.rpc_service import PATIENCE, Item, eventually, servicer, serving
from tests.support.web_echo import PAGE, Answer, frame, parse_answers, request

pytestmark = pytest.mark.rule(101)

WEB = rpc.Web(origins=[PAGE])


async def echo(message: Any, context: Any) -> Any:
    return message


def message(**fields: Any) -> bytes:
    return frame(Item(**fields).encode())


def call(method: str, body: bytes = b"", **fields: str) -> bytes:
    return request(body or message(text="hi"), f"/shapes.Shapes/{method}", **fields)


class Browser:
    """One HTTP/1.1 connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def answer(self) -> Answer:
        """The next response, which is chunked or empty."""
        data = await self.reader.readuntil(b"\r\n\r\n")
        if b"chunked" in data:
            data += await self.reader.readuntil(b"\r\n0\r\n\r\n")
        (answer,) = parse_answers(data)
        return answer


@asynccontextmanager
async def browser(server: Any, tls: ssl.SSLContext | None = None) -> AsyncIterator[Browser]:
    host, port = server.address.rsplit(":", 1)
    options: dict[str, Any] = {"ssl": tls, "server_hostname": "localhost"} if tls else {}
    reader, writer = await asyncio.open_connection(host, port, **options)
    try:
        yield Browser(reader, writer)
    finally:
        writer.close()


async def test_a_handler_sees_an_ordinary_call() -> None:
    seen: list[Any] = []

    class Watch(rpc.Interceptor):
        async def intercept(self, call: InterceptedCall, proceed: Proceed) -> None:
            seen.append((call.method, call.metadata.get("x-own")))
            await proceed()

    async def unary(message: Any, context: Any) -> Any:
        seen.append((context.peer().rpartition(":")[0], dict(context.invocation_metadata())["x-user-agent"]))
        seen.append(0 < context.time_remaining() <= 5)
        context.set_trailing_metadata([("x-trailing-bin", b"\0\xff")])
        return message

    options: dict[str, Any] = {"web": WEB, "interceptors": [Watch()], "channelz": True}
    async with serving(servicer(Unary=unary), **options) as (stub, _, server), browser(server) as page:
        page.send(call("Unary", x_own="1", x_user_agent="grpc-web-javascript/0.1", grpc_timeout="5S"))
        answer = await page.answer()
        assert Item.decode(answer.messages[0]).text == "hi"
        assert answer.trailers == {"grpc-status": "0", "x-trailing-bin": "AP8"}
        assert seen == [
            ("/shapes.Shapes/Unary", "1"),
            ("ipv4:127.0.0.1", "grpc-web-javascript/0.1"),
            True,
        ]
        assert server.calls.succeeded == 1
        page.send(call("Nothing"))
        assert (await page.answer()).trailers["grpc-status"] == "12"
        reply = stub.Unary(Item(text="plain"), metadata=[("x-user-agent", "none")], timeout=5)
        assert (await reply).text == "plain"  # on the same port
        sockets = [node.core for node in server.node.sockets.values()]
        assert sorted(core.streams.messages_received for core in sockets if core) == [1, 2]


async def test_messages_come_as_they_are_sent() -> None:
    gate = asyncio.Event()

    async def down(message: Any, context: Any) -> Any:
        yield Item(number=1)
        await gate.wait()
        yield Item(number=2)

    async with serving(servicer(Down=down), web=WEB) as (_, _, server), browser(server) as page:
        page.send(call("Down"))
        head = await page.reader.readuntil(b"\r\n\r\n")
        first = await page.reader.readuntil(message(number=1) + b"\r\n")
        gate.set()
        rest = await page.reader.readuntil(b"\r\n0\r\n\r\n")
        (answer,) = parse_answers(head + first + rest)
        assert [Item.decode(each).number for each in answer.messages] == [1, 2]


async def test_the_page_is_closed() -> None:
    entered, left = asyncio.Event(), asyncio.Event()

    async def down(message: Any, context: Any) -> Any:
        yield Item(number=1)
        entered.set()
        try:
            await asyncio.Event().wait()
        finally:
            left.set()

    async with serving(servicer(Down=down), web=WEB) as (_, _, server):
        async with browser(server) as page:
            page.send(call("Down"))
            await entered.wait()
        await left.wait()
        await eventually(lambda: not server.links)
        assert server.calls.failed == 1


async def test_a_page_that_does_not_read_holds_its_handler_back() -> None:
    async def down(message: Any, context: Any) -> Any:
        while True:
            yield Item(data=bytes(100_000))

    async with serving(servicer(Down=down), web=WEB) as (_, _, server), browser(server) as page:
        page.send(call("Down"))
        await eventually(lambda: any(link._write_paused and link.core.has_queued for link in server.links))
        (link,) = server.links
        (running,) = link.core._calls.values()
        assert running.must_wait
        assert running.queued_bytes < 300_000


async def test_a_handler_that_does_not_read_holds_its_page_back() -> None:
    gate = asyncio.Event()

    async def up(messages: Any, context: Any) -> Any:
        await gate.wait()
        return Item(number=sum([each.number async for each in messages]))

    body = b"".join(message(number=1, data=bytes(10_000)) for _ in range(2000))
    async with serving(servicer(Up=up), web=WEB) as (_, _, server), browser(server) as page:
        page.send(call("Up", body))
        await eventually(lambda: any(link.core.reading_paused for link in server.links))
        (link,) = server.links
        assert link.core.bytes_received < len(body)
        gate.set()
        assert Item.decode((await page.answer()).messages[0]).number == 2000


async def test_stopping_lets_calls_finish() -> None:
    entered, gate = asyncio.Event(), asyncio.Event()

    async def unary(message: Any, context: Any) -> Any:
        entered.set()
        await gate.wait()
        return message

    async with (
        serving(servicer(Unary=unary), web=WEB) as (_, _, server),
        browser(server) as page,
        browser(server) as idle,
    ):
        idle.send(call("Nothing"))
        await idle.answer()
        page.send(call("Unary"))
        await entered.wait()
        stopping = asyncio.ensure_future(server.stop())
        assert await idle.reader.read() == b""  # closed at once
        gate.set()
        answer = await page.answer()
        assert answer.fields["connection"] == "close"
        assert answer.trailers["grpc-status"] == "0"
        await stopping


async def test_who_says_nothing_is_given_up() -> None:
    async with (
        serving(servicer(Unary=echo), web=WEB, handshake_timeout=0.05) as (_, _, server),
        browser(server) as page,
        browser(server) as other,
    ):
        other.send(b"POST /")
        await page.reader.read()
        await other.reader.read()


@pytest.mark.parametrize("agreed", ["h2", "http/1.1", None])
@pytest.mark.parametrize("spoken", ["h2", "http/1.1"])
async def test_tls_has_to_agree_on_what_is_spoken(agreed: str | None, spoken: str) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    tls = ssl.create_default_context()
    authority.configure_trust(tls)
    if agreed:
        tls.set_alpn_protocols([agreed])
    server = rpc.Server([servicer(Unary=echo)], web=WEB)
    async with asyncio.timeout(PATIENCE), server:
        port = await server.start("127.0.0.1:0", tls=context)
        server.address = f"127.0.0.1:{port}"  # type: ignore[attr-defined]
        async with browser(server, tls) as page:
            assert page.writer.get_extra_info("ssl_object").selected_alpn_protocol() == agreed
            if spoken == "http/1.1":
                page.send(call("Unary"))
                if agreed == "h2":
                    assert b"200" not in await page.reader.read()
                else:
                    assert (await page.answer()).trailers["grpc-status"] == "0"
            else:
                page.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0")
                settings = await page.reader.readexactly(9)
                assert settings[3] == 4
                if agreed != "h2":
                    goaway = (await page.reader.read())[-17:]
                    assert (goaway[3], goaway[-1]) == (7, 12)  # INADEQUATE_SECURITY


async def test_an_ordinary_server_is_as_it_was() -> None:
    async with serving(servicer(Unary=echo)) as (stub, _, server), browser(server) as page:
        assert type(await stub.Unary(Item(number=1))) is Item
        page.send(call("Unary"))
        assert (await page.reader.read()).startswith(b"HTTP/1.1 505 ")
