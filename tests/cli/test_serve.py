from __future__ import annotations

import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trustme

from tests.support.processes import Child

Barewire = Callable[..., Any]
GET_ONE = ["bookstore.Bookstore/GetBook", "-d", '{"id": "1"}']


def test_a_unix_socket_and_a_signal(barewire: Barewire, tmp_path: Path) -> None:
    address = f"unix:{tmp_path}/s"
    with Child(
        "barewire.cli", "serve", "tests.cli.bookstore_server:Bookstore", "--unix", f"{tmp_path}/s"
    ) as child:
        assert child.line() == f"serving bookstore.Bookstore on {address}"
        assert barewire("call", address, *GET_ONE).status == 0
        child.interrupt(signal.SIGTERM)
        assert child.wait() == 0
    assert not (tmp_path / "s").exists()


def test_tls(barewire: Barewire, tmp_path: Path) -> None:
    authority = trustme.CA()
    issued = authority.issue_cert("localhost")
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    issued.private_key_pem.write_to_path(str(tmp_path / "key.pem"))
    issued.cert_chain_pems[0].write_to_path(str(tmp_path / "cert.pem"))
    files = ["--tls-cert", str(tmp_path / "cert.pem"), "--tls-key", str(tmp_path / "key.pem")]
    with Child(
        "barewire.cli", "serve", "tests.cli.bookstore_server:Bookstore", "--port", "0", *files
    ) as child:
        line = child.line()
        assert line.endswith(" with TLS")
        port = line.split()[3].rpartition(":")[2]
        at = f"localhost:{port}"
        assert barewire("call", at, *GET_ONE, "--cacert", str(tmp_path / "ca.pem")).status == 0
        assert barewire("call", at, *GET_ONE, "--insecure").status == 0
        refused = barewire("call", at, *GET_ONE, "--tls")
        assert refused.status == 64 + 14
        assert "CERTIFICATE_VERIFY_FAILED" in refused.error


def test_a_port_that_is_taken(barewire: Barewire) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ran = barewire("serve", "tests.cli.bookstore_server:Bookstore", "--port", str(port))
    assert ran.status == 1
    assert f"cannot listen on 127.0.0.1:{port}" in ran.error
    assert "in use" in ran.error


def test_no_reflection(barewire: Barewire) -> None:
    flags = ["--port", "0", "--no-reflection"]
    with Child("barewire.cli", "serve", "tests.cli.bookstore_server:Bookstore", *flags) as child:
        at = child.line().split()[-1]
        ran = barewire("call", at, *GET_ONE)
    assert ran.status == 1
    assert "does not offer reflection; name its schema with --proto FILE" in ran.error


WRONG = [
    ("no_such_module:X", 1, "there is no module 'no_such_module'"),
    ("tests.cli.bookstore_server:Nope", 1, "has no 'Nope'; its servicers are: Bookstore"),
    ("tests.cli.bookstore_server:books", 1, "is no servicer"),
    ("tests.cli.bookstore_server", 2, "write MODULE:NAME"),
    ("tests.cli.test_serve:broken", 1, "ZeroDivisionError"),
]


def broken() -> object:
    return 1 // 0


@pytest.mark.parametrize(("name", "status", "reason"), WRONG)
def test_what_cannot_be_served(barewire: Barewire, name: str, status: int, reason: str) -> None:
    ran = barewire("serve", name)
    assert ran.status == status
    assert reason in ran.error
    assert "Traceback" not in ran.error


def test_workers(barewire: Barewire) -> None:
    arguments = ["tests.cli.bookstore_server:Bookstore", "--port", "0", "--workers", "2"]
    with Child("barewire.cli", "serve", *arguments) as child:
        line = child.line()
        assert line.startswith("serving tests.cli.bookstore_server:Bookstore on 127.0.0.1:")
        assert line.endswith(", 2 workers")
        assert barewire("call", line.split()[3].rstrip(","), *GET_ONE).status == 0
        child.interrupt(signal.SIGTERM)
        assert child.wait() == 0
        assert "received SIGTERM: the workers finish their calls" in child.errors
        assert child.errors.count("ended with status 0") == 2


def test_workers_that_cannot_start(barewire: Barewire) -> None:
    with Child(
        "barewire.cli", "serve", "tests.cli.test_serve:broken", "--port", "0", "--workers", "1"
    ) as child:
        assert child.wait() == 1
    assert "ZeroDivisionError" in child.errors
    assert "ended with status 1 before all were ready: giving up" in child.errors
    assert "Traceback" not in child.errors


def test_listen_and_limits(barewire: Barewire, tmp_path: Path) -> None:
    flags = ["--listen", "[::1]:0", "--listen", f"unix:{tmp_path}/s", "--max-concurrent-calls", "5"]
    with Child("barewire.cli", "serve", "tests.cli.bookstore_server:Bookstore", *flags) as child:
        for _ in range(2):
            assert barewire("call", child.line().split()[-1], *GET_ONE).status == 0


_MODULE = """
from pathlib import Path
from barewire import schema

books = schema.load(Path(__file__).with_name("greet.proto"))

class Greeter(books.GreeterServicer):
    async def Greet(self, request, context):
        return books.Greeting(text={text!r})
"""
_PROTO = """
syntax = "proto3";
package greet;
message Greeting { string text = 1; }
service Greeter { rpc Greet(Greeting) returns (Greeting); }
"""


def test_reload(barewire: Barewire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module, proto = tmp_path / "greeter.py", tmp_path / "greet.proto"
    module.write_text(_MODULE.format(text="one"))
    proto.write_text(_PROTO)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    with Child("barewire.cli", "serve", "greeter:Greeter", "--port", "0", "--reload") as child:
        at = child.line().split()[3].rstrip(",")

        def answers(text: str) -> bool:
            return text in barewire("call", at, "greet.Greeter/Greet", "-d", "{}").out

        def comes(true: Callable[[], bool]) -> None:
            deadline = time.monotonic() + 30
            while not true():
                assert time.monotonic() < deadline, child.errors
                time.sleep(0.05)

        assert answers("one")
        module.write_text(_MODULE.format(text="two"))
        comes(lambda: answers("two"))
        module.write_text("this is no Python")
        comes(lambda: "while reloading: the old workers stay" in child.errors)
        assert answers("two")
        module.write_text(_MODULE.format(text="three"))
        comes(lambda: answers("three"))
        proto.write_text(_PROTO.replace("text = 1", "text = 7"))
        comes(lambda: "text = 7" in barewire("describe", at, "greet.Greeting").out)
        child.interrupt(signal.SIGINT)
        assert child.wait() == 0
