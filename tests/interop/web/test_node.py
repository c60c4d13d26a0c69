"""npm's grpc-web and connect, over the versions of HTTP that they speak."""

from __future__ import annotations

import asyncio
import base64
import json
import os
from pathlib import Path
from typing import Any

import pytest

from barewire.schema.descriptor_set import descriptor_set
from tests.interop.peers.foreign import node_program
from tests.support.rpc_service import SCHEMA

from .service import web_service

pytestmark = pytest.mark.rule(101)

PEER = Path(__file__).with_name("peer.js")
OWN = {"x-own": "mine", "x-own-bin": "AAH/"}
END = {"x-end": "mine", "x-end-bin": "AAH/"}
WHY = {"x-why": "because", "x-why-bin": "AAH/"}
ITEMS = [{"text": "", "number": number} for number in (1, 2, 3)]


async def calls(url: str, library: str, version: str) -> dict[str, Any]:
    """What the library saw of each call."""
    program, environment = node_program("@connectrpc/connect-node" if library == "connect" else "grpc-web")
    files = base64.b64encode(descriptor_set([SCHEMA.file])).decode()
    peer = await asyncio.create_subprocess_exec(
        program,
        *(str(PEER), library, url, version, files),
        env={**os.environ, **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        output, errors = await peer.communicate()
    finally:
        if peer.returncode is None:
            peer.kill()
    assert output, errors.decode()
    return json.loads(output)


@pytest.mark.parametrize(
    ("library", "version"),
    [("grpc-web-text", "1.1"), ("grpc-web-binary", "1.1"), ("connect", "1.1"), ("connect", "2")],
)
async def test_a_library_in_node(library: str, version: str) -> None:
    async with web_service() as server:
        seen = await calls(f"http://{server.address}", library, version)
        assert server.calls.started == 5
    unary = seen["unary"]
    assert unary["reply"] == {"text": "hellohello", "number": 0}
    assert unary["head"] == OWN
    assert unary["trailers"] == END
    failure = seen["failure"]
    assert (failure["code"], failure["message"]) == (5, "no such thing: ü")
    assert failure["trailers"] == WHY
    assert seen["late"]["code"] == 4
    assert (seen["down"]["replies"], seen["down"]["code"]) == (ITEMS, 0)
    broken = seen["broken"]
    assert (broken["replies"], broken["code"], broken["message"]) == (ITEMS, 10, "broken")
