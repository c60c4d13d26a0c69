from __future__ import annotations

import signal
import socket
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
