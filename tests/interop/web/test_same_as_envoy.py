"""The same request to Envoy in front of a server, and to the server itself: a page could not tell them apart."""

from __future__ import annotations

import asyncio
import base64
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import h11
import pytest

from tests.support.peers import missing
from tests.support.processes import Program, free_port
from tests.support.rpc_service import PATIENCE, Item
from tests.support.web_echo import Answer, frame, request

from . import envoy
from .service import PAGE, web_service

pytestmark = pytest.mark.rule(101)

TEXT = {"content_type": "application/grpc-web-text", "accept": "application/grpc-web-text"}


def message(text: str) -> bytes:
    return frame(Item(text=text).encode())


def call(method: str, text: str = "hi", **fields: str) -> bytes:
    body = message(text)
    return request(
        base64.b64encode(body) if "-text" in fields.get("content_type", "") else body,
        f"/shapes.Shapes/{method}",
        origin=PAGE,
        x_grpc_web="1",
        **fields,
    )


def preflight(origin: str) -> bytes:
    asked = {
        "access_control_request_method": "POST",
        "access_control_request_headers": "content-type,x-grpc-web,x-own",
    }
    return request(b"", "/shapes.Shapes/Unary", origin=origin, content_type="", **asked).replace(
        b"POST", b"OPTIONS", 1
    )


async def ask(address: str, data: bytes) -> Answer:
    """The response to a request, over a connection of its own."""
    host, port = address.rsplit(":", 1)
    reader, writer = await asyncio.open_connection(host, port)
    parser = h11.Connection(h11.CLIENT)
    parser.send(h11.Request(method="POST", target="/", headers=[("host", "x"), ("content-length", "0")]))
    parser.send(h11.EndOfMessage())
    writer.write(data)
    head, body = None, b""
    while not isinstance(event := parser.next_event(), h11.EndOfMessage):
        if event is h11.NEED_DATA:
            parser.receive_data(await reader.read(65_536))
        elif isinstance(event, h11.Response):
            head = event
        elif isinstance(event, h11.Data):
            body += bytes(event.data)
    writer.close()
    assert head is not None
    return Answer(head.status_code, {name.decode(): value.decode() for name, value in head.headers}, body)


def shown(answer: Answer) -> Any:
    """What a page gets to see: the status, gRPC's fields and those of the application, messages and trailers."""
    kind = answer.fields.get("content-type", "")
    own = {
        name: value for name, value in answer.fields.items() if re.match("grpc-(?!accept)|x-(?!envoy)", name)
    }
    body = answer.body
    if "-text" in kind:  # padding may stand anywhere
        body = b"".join(map(base64.b64decode, re.findall(rb"[^=]+={0,2}", body)))
    frames = answer._replace(body=body).frames if "grpc-web" in kind else []
    trailers = {
        tuple(part.strip() for part in line.split(":", 1))
        for flag, block in frames
        if flag == 0x80
        for line in block.decode().splitlines()
    }
    allowed = answer.fields.get("access-control-allow-origin")
    return answer.status, kind, allowed, own, [data for flag, data in frames if flag != 0x80], trailers


@asynccontextmanager
async def both(folder: Path) -> AsyncIterator[tuple[str, str]]:
    """The addresses of Envoy and of the server behind it."""
    program = envoy.find()
    if program is None:
        missing("Envoy is not here; `make peers` gets it in CI")
    async with web_service() as server:
        port = free_port()
        command = envoy.command(program, folder, port, int(server.address.rpartition(":")[2]), PAGE)
        with Program(*command):
            async with asyncio.timeout(PATIENCE):
                while True:
                    try:
                        _, writer = await asyncio.open_connection("127.0.0.1", port)
                    except OSError:
                        await asyncio.sleep(0.05)
                    else:
                        writer.close()
                        break
            yield f"127.0.0.1:{port}", server.address


async def test_the_same_as_envoy(tmp_path: Path) -> None:
    requests = {
        "unary": call("Unary", x_own="a, b", x_own_bin="AAH/"),
        "text": call("Unary", **TEXT),
        "proto": call("Unary", content_type="application/grpc-web"),
        "failure": call("Unary", "fail"),
        "failure in text": call("Unary", "fail", **TEXT),
        "late": call("Unary", "wait", grpc_timeout="50m"),
        "stream": call("Down"),
        "stream in text": call("Down", **TEXT),
        "broken": call("Down", "break"),
        "unknown": call("Nothing"),
        "bad timeout": call("Unary", grpc_timeout="soon"),
    }
    async with both(tmp_path) as (proxy, server):
        for name, data in requests.items():
            expected, found = shown(await ask(proxy, data)), shown(await ask(server, data))
            assert found == expected, name
        for origin in (PAGE, "http://other.example"):
            expected, found = await ask(proxy, preflight(origin)), await ask(server, preflight(origin))
            names = [name for name in found.fields if name.startswith("access-control")]
            assert {name: expected.fields.get(name) for name in names} == {
                name: found.fields[name] for name in names
            }
            assert (found.status < 300) is (origin == PAGE)
