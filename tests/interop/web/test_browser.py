"""A real browser: a page of one origin calls a server of another, over HTTP/1.1, and over HTTP/2 with TLS."""

from __future__ import annotations

import asyncio
import json
import shutil
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trustme

from barewire import rpc
from tests.support.peers import missing
from tests.support.rpc_service import Item, servicer

from . import service

pytestmark = [pytest.mark.rule(101), pytest.mark.slow]

PAGE = Path(__file__).with_name("page.html")
PATIENCE = 120.0  # seconds: a browser on a machine that is busy


class Site:
    """The server of the page; what the page tells it is in `seen`."""

    def __init__(self) -> None:
        self.seen: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self.origin = ""

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        sizes = [
            int(line.partition(":")[2]) for line in head.splitlines() if line.startswith("content-length:")
        ]
        body = await reader.readexactly(sizes[0] if sizes else 0)
        if head.startswith("post /seen") and not self.seen.done():
            self.seen.set_result(json.loads(body))
        page = PAGE.read_bytes() if head.startswith("get /?") else b""
        fields = f"content-type: text/html\r\ncontent-length: {len(page)}\r\nconnection: close"
        writer.write(f"HTTP/1.1 200 OK\r\n{fields}\r\n\r\n".encode() + page)
        await writer.drain()
        writer.close()


@asynccontextmanager
async def site() -> AsyncIterator[Site]:
    page = Site()
    async with await asyncio.start_server(page.handle, "127.0.0.1", 0) as listening:
        page.origin = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        yield page


@asynccontextmanager
async def chromium(folder: Path, url: str) -> AsyncIterator[None]:
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        missing("Chromium is not here; `make peers` gets it in CI")
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-proxy-server"]
    # The certificate is the test's, which no browser knows.
    options += ["--ignore-certificate-errors", f"--user-data-dir={folder}", "--remote-debugging-port=0"]
    with open(folder / "log", "wb") as log:
        browser = await asyncio.create_subprocess_exec(program, *options, url, stdout=log, stderr=log)
        try:
            yield
        finally:
            if browser.returncode is None:
                browser.terminate()
            await browser.wait()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("secure", [False, True])
async def test_a_page(tmp_path: Path, secure: bool) -> None:
    first_came = asyncio.Event()
    protocols: set[str | None] = set()

    async def unary(request: Any, context: Any) -> Any:
        if request.text == "first has come":
            first_came.set()
        return await service.unary(request, context)

    async def down(request: Any, context: Any) -> AsyncIterator[Any]:
        (link,) = {runner.link for runner in server.runners if runner.handler.path.endswith("Down")}
        protocols.update(link.core.protocols[:1])
        yield Item(number=1)
        await first_came.wait()
        yield Item(number=2)

    context = None
    if secure:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    scheme = "https" if secure else "http"
    async with asyncio.timeout(PATIENCE), site() as page:
        server = rpc.Server([servicer(Unary=unary, Down=down)], web=rpc.Web(origins=[page.origin]))
        other = rpc.Server([servicer(Unary=unary)], web=rpc.Web(origins=["http://page.example"]))
        async with server, other:
            ports = [await each.start("127.0.0.1:0", tls=context) for each in (server, other)]
            urls = [f"{scheme}://127.0.0.1:{port}" for port in ports]
            async with chromium(tmp_path, f"{page.origin}/?server={urls[0]}&other={urls[1]}"):
                seen = await page.seen
        assert other.calls.started == 0  # the preflight held it back
    assert seen == {
        "unary": {"reply": "hellohello", "head": "mine", "trailers": "grpc-status: 0\r\nx-end: mine\r\n"},
        "failure": {"status": "5", "message": "no such thing: ü", "why": "because"},
        "stream": [1, 2, "grpc-status: 0\r\n"],
        "forbidden": "TypeError",
    }
    assert protocols == {"h2" if secure else "http/1.1"}
