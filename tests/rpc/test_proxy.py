"""HTTP CONNECT proxies (R88): which one, the handshake, and real ones."""

from __future__ import annotations

import asyncio
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from barewire import rpc
from barewire.rpc import RpcConfigurationError, StatusCode
from barewire.rpc.proxy import ENVIRONMENT, ConnectHandshake, Proxy, ProxyError, choose_proxy
from barewire.rpc.target import Target, parse_channel_target
from tests.rpc.interceptors.calls import SHAPES, SHELLS, call, failure, serve
from tests.support.peers import missing
from tests.support.processes import reserved_port
from tests.support.rpc_service import PATIENCE

pytestmark = pytest.mark.rule(88)

# -- which one ----------------------------------------------------------------------------------------------------


def chosen(target: str, proxy: str | None = ENVIRONMENT, **environment: str) -> str | None:
    found = choose_proxy(parse_channel_target(target), proxy, environment)
    return None if found is None else f"{found.address} → {found.connect_to}"


def test_the_environment() -> None:
    assert chosen("books:50051") is None
    assert chosen("books:50051", http_proxy="http://p:3128") == "p:3128 → books:50051"
    assert chosen("dns:///books", https_proxy="http://p") == "p:80 → books:443"
    assert chosen("books", http_proxy="a:1", https_proxy="b:2", grpc_proxy="c:3") == "c:3 → books:443"
    assert chosen("books", http_proxy="a:1", https_proxy="b:2") == "b:2 → books:443"
    assert chosen("[2001:db8::1]:80", http_proxy="[::1]:3128") == "[::1]:3128 → [2001:db8::1]:80"
    assert chosen("ipv4:10.0.0.1:80", http_proxy="p:1") == "p:1 → 10.0.0.1:80"


def test_targets_that_no_proxy_leads_to() -> None:
    for target in ("unix:/run/x.sock", "unix-abstract:x", "ipv4:10.0.0.1:80,10.0.0.2:80"):
        assert chosen(target, http_proxy="p:1") is None
        with pytest.raises(RpcConfigurationError, match="cannot be reached through a proxy"):
            chosen(target, "http://p:1")
    for target in ("localhost:1", "LOCALHOST:1", "127.0.0.1:1", "127.8.0.1:1", "[::1]:1"):
        assert chosen(target, http_proxy="p:1") is None
        assert chosen(target, "http://p:1") is not None


def test_an_argument_has_precedence() -> None:
    assert chosen("books", None, http_proxy="p:1") is None
    assert chosen("books", "http://q:2", http_proxy="p:1", no_proxy="*") == "q:2 → books:443"
    assert chosen("books", grpc_proxy="", http_proxy="p:1") is None  # an empty one says: none


EXCEPTIONS = [
    ("books.example.com", "example.com", True),
    ("example.com", "example.com", True),
    ("EXAMPLE.com.", "Example.COM", True),
    ("badexample.com", "example.com", False),
    ("books.example.com", ".example.com", True),
    ("example.com", ".example.com", False),
    ("books", "*", True),
    ("books", "", False),
    ("books", "a, ,books ", True),
    ("books:50051", "books:50051", True),
    ("books:50051", "books:50052", False),
    ("10.1.2.3", "10.0.0.0/8", True),
    ("11.1.2.3", "10.0.0.0/8", False),
    ("10.1.2.3", "10.1.2.9/24", True),
    ("10.1.2.3", "10.1.2.3", True),
    ("10.1.2.30", "10.1.2.3", False),
    ("books", "10.0.0.0/8", False),
    ("[2001:db8::1]:80", "2001:db8::/32", True),
    ("[2001:db8::1]:80", "2001:0db8:0::1", True),
    ("[2001:db9::1]:80", "2001:db8::/32", False),
    ("books", "[", False),
    ("books", "10.0.0.0/99", False),
    ("books", "a:b", False),
]


@pytest.mark.parametrize(("target", "exceptions", "excepted"), EXCEPTIONS)
def test_exceptions(target: str, exceptions: str, excepted: bool) -> None:
    for name in ("no_proxy", "no_grpc_proxy"):
        assert (chosen(target, http_proxy="p:1", **{name: exceptions}) is None) is excepted
    assert chosen(target, http_proxy="p:1", no_grpc_proxy="elsewhere", no_proxy="*") is not None


@given(st.text(max_size=30))
def test_no_exception_breaks(text: str) -> None:
    chosen("books.example.com", http_proxy="p:1", no_proxy=text)


WRONG = [
    "socks5://p:1",
    "https://p:1",
    "http://",
    "http://p:99999",
    "http://p/path",
    "http://[::1",
    "http://p:1?q",
]


@pytest.mark.parametrize("text", WRONG)
def test_wrong_proxies(text: str, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(RpcConfigurationError, match="proxy"):
        chosen("books", text)
    assert chosen("books", http_proxy=text) is None  # it may be meant for other programs
    assert "http_proxy" in caplog.text


def test_passwords_are_not_shown() -> None:
    proxy = choose_proxy(parse_channel_target("books"), "http://me:p%40ss@p:1", {})
    assert proxy is not None
    assert proxy.credentials == b"me:p@ss"
    assert "p@ss" not in f"{proxy} {proxy!r}"
    with pytest.raises(RpcConfigurationError) as caught:
        chosen("books", "socks://me:hunter2@p:1")
    assert "hunter2" not in str(caught.value)


def test_names_that_cannot_be_asked_for() -> None:
    for target in ("böcks:1", "a b:1", "a\r\nx:1"):
        with pytest.raises(RpcConfigurationError):
            chosen(target, "http://p:1")


# -- the handshake ------------------------------------------------------------------------------------------------

PROXY = Proxy(Target("p", 3128), "books:50051")


def test_the_request() -> None:
    assert ConnectHandshake(PROXY).request == (b"CONNECT books:50051 HTTP/1.1\r\nHost: books:50051\r\n\r\n")
    basic = Proxy(PROXY.address, PROXY.connect_to, b"Aladdin:open sesame")
    assert (
        b"\r\nProxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n" in ConnectHandshake(basic).request
    )


REPLIES = [b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.0 200\r\nVia: x\r\n\r\n", b"HTTP/1.1 299 \r\nA: b\r\n\r\n"]


@pytest.mark.parametrize("reply", REPLIES)
def test_replies_whole_in_bytes_and_with_what_follows(reply: bytes) -> None:
    assert ConnectHandshake(PROXY).receive(reply) == b""
    assert ConnectHandshake(PROXY).receive(reply + b"early") == b"early"
    handshake = ConnectHandshake(PROXY)
    answers = [handshake.receive(bytes([byte])) for byte in reply]
    assert answers == [None] * (len(reply) - 1) + [b""]


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (b"HTTP/1.1 403 Filtered\r\n\r\n", "'HTTP/1.1 403 Filtered'"),
        (b"HTTP/1.1 407 Who?\r\nProxy-Authenticate: Basic\r\n\r\n", "other credentials"),
        (b"HTTP/1.1 100 Continue\r\n\r\n", "100 Continue"),
        (b"HTTP/1.1 2x0 OK\r\n\r\n", "2x0"),
        (b"HTTP/2 200 OK\r\n\r\n", "HTTP/2"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "did not answer in HTTP: 'SSH-2.0"),
        (b"HTTP/1.1 500 \x1b[31m\r\n\r\n", r"\\x1b"),
        (b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 4000, "more than 16384 bytes"),
        (b"", "closed the connection"),
    ],
)
def test_refusals(reply: bytes, said: str) -> None:
    with pytest.raises(ProxyError, match=said):
        ConnectHandshake(PROXY).receive(reply)


@given(st.lists(st.binary(min_size=1, max_size=40), max_size=60))
def test_no_reply_breaks_it(chunks: list[bytes]) -> None:
    handshake = ConnectHandshake(PROXY)
    try:
        for chunk in chunks:
            if handshake.receive(chunk) is not None:
                return
    except ProxyError:
        pass


# -- proxies ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tinyproxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A real proxy that asks for a password, and its log: {"url": …, "open": …, "log": …}."""
    program = shutil.which("tinyproxy")
    if program is None:
        missing("tinyproxy is not installed (Debian: apt-get install tinyproxy)")
    with reserved_port() as port:
        yield from run_tinyproxy(program, port, tmp_path_factory.mktemp("tinyproxy"))


def run_tinyproxy(program: str, port: int, folder: Path) -> Iterator[dict[str, str]]:
    log = folder / "log"
    (folder / "conf").write_text(
        f'Port {port}\nListen 127.0.0.1\nTimeout 60\nLogFile "{log}"\nLogLevel Connect\n'
        f"MaxClients 20\nAllow 127.0.0.1\nBasicAuth me s3cret\n"
    )
    process = subprocess.Popen([program, "-d", "-c", str(folder / "conf")], stderr=subprocess.DEVNULL)
    try:
        end = time.monotonic() + PATIENCE
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                assert time.monotonic() < end, "tinyproxy does not start"
                time.sleep(0.02)
        yield {
            "url": f"http://me:s3cret@127.0.0.1:{port}",
            "bare": f"http://127.0.0.1:{port}",
            "log": str(log),
        }
    finally:
        process.terminate()
        process.wait(PATIENCE)


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("shape", SHAPES)
def test_calls_through_a_proxy(tinyproxy: dict[str, str], shell: str, shape: str) -> None:
    server = serve()
    try:
        assert isinstance(call(shell, server, shape, proxy=tinyproxy["url"]), list)
    finally:
        server.close()
    assert f"CONNECT {server.target}" in Path(tinyproxy["log"]).read_text()


@pytest.mark.parametrize("shell", SHELLS)
def test_tls_through_a_proxy(tinyproxy: dict[str, str], shell: str) -> None:
    authority = trustme.CA()
    ours, theirs = ssl.create_default_context(), ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.configure_trust(ours)
    authority.issue_cert("localhost").configure_cert(theirs)
    server = serve(tls=theirs)
    try:
        target = f"localhost:{server.port}"  # the proxy looks the name up, the certificate is the server's
        answer = call(shell, server, "Unary", target=target, tls=ours, proxy=tinyproxy["url"])
        assert isinstance(answer, list)
    finally:
        server.close()


@pytest.mark.parametrize("shell", SHELLS)
def test_a_proxy_that_refuses(tinyproxy: dict[str, str], shell: str) -> None:
    server = serve()
    try:
        error = failure(call(shell, server, "Unary", proxy=tinyproxy["bare"]))
        assert error.code is StatusCode.UNAVAILABLE
        assert "HTTP/1.1 407" in error.message or "HTTP/1.0 407" in error.message
        error = failure(call(shell, server, "Unary", proxy=tinyproxy["url"].replace("s3cret", "wrong")))
        assert "40" in error.message  # tinyproxy says 401 to a wrong password
        assert "wrong" not in error.message
    finally:
        server.close()


@pytest.mark.parametrize("shell", SHELLS)
def test_the_shell_reads_the_environment(shell: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("grpc_proxy", "http://127.0.0.1:1")
    for name in ("no_grpc_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    make: Any = rpc.Channel if shell == "aio" else rpc.sync.Channel
    assert str(make("books.example.com:50051").proxy) == "proxy 127.0.0.1:1"
    assert make("books.example.com:50051", proxy=None).proxy is None
    monkeypatch.setenv("no_grpc_proxy", ".example.com")
    assert make("books.example.com:50051").proxy is None


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("reply", [b"", b"HTTP/1.1 502 Bad Gateway\r\n\r\n", b"220 mail.example.com\r\n"])
def test_proxies_that_break(shell: str, reply: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.settimeout(PATIENCE)
                received = b""
                while b"\r\n\r\n" not in received:
                    received += connection.recv(1000)
                connection.sendall(reply)

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        server = serve()
        try:
            error = failure(call(shell, server, "Unary", proxy=f"http://127.0.0.1:{port}"))
        finally:
            server.close()
        thread.join(PATIENCE)
    assert error.code is StatusCode.UNAVAILABLE
    assert f"proxy 127.0.0.1:{port}" in error.message


async def test_a_proxy_that_says_nothing_costs_the_connect_timeout() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # nobody accepts what the kernel does
        proxy = f"http://127.0.0.1:{silent.getsockname()[1]}"
        async with (
            asyncio.timeout(PATIENCE),
            rpc.Channel("books:1", proxy=proxy, connect_timeout=0.1) as channel,
        ):
            with pytest.raises(rpc.RpcError, match="connect_timeout"):
                await channel.unary_unary("/a/b")(b"")
