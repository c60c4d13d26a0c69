"""curl, over TLS with each version that ALPN agrees on, and in the clear."""

from __future__ import annotations

import asyncio
import shutil
import ssl
from pathlib import Path

import pytest
import trustme

from barewire import rpc
from tests.support.peers import missing
from tests.support.rpc_service import PATIENCE, Item, servicer
from tests.support.web_echo import frame

from .service import down, unary

pytestmark = pytest.mark.rule(101)


@pytest.mark.parametrize("secure", [True, False])
@pytest.mark.parametrize(
    ("option", "version"), [("--http1.1", "1.1"), ("--http2", "2"), ("--http1.0", "1.1")]
)
async def test_curl(tmp_path: Path, option: str, version: str, secure: bool) -> None:
    program = shutil.which("curl")
    if program is None:
        missing("curl is not here")
    context: ssl.SSLContext | None = None
    if secure:
        authority = trustme.CA()
        authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("localhost").configure_cert(context)
    elif option == "--http2":
        option = "--http2-prior-knowledge"
    (tmp_path / "body").write_bytes(frame(Item(text="hi").encode()))
    async with (
        asyncio.timeout(PATIENCE),
        rpc.Server([servicer(Unary=unary, Down=down)], web=rpc.Web()) as server,
    ):
        port = await server.start("127.0.0.1:0", tls=context)
        command = [
            *(
                "-sS",
                option,
                "--cacert",
                str(tmp_path / "ca.pem"),
                "--resolve",
                f"localhost:{port}:127.0.0.1",
            ),
            *("-H", "content-type: application/grpc-web+proto", "--data-binary", f"@{tmp_path / 'body'}"),
            *("-w", "%{http_version} %{http_code}", "-o", str(tmp_path / "answer"), "--noproxy", "*"),
            f"{'https' if secure else 'http'}://localhost:{port}/shapes.Shapes/Down",
        ]
        curl = await asyncio.create_subprocess_exec(
            program, *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        output, errors = await curl.communicate()
    assert output.decode() == f"{version} 200", errors.decode()
    items = b"".join(frame(Item(number=number).encode()) for number in (1, 2, 3))
    assert (tmp_path / "answer").read_bytes() == items + frame(b"grpc-status: 0\r\n", 0x80)
