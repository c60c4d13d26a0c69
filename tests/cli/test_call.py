from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.processes import ROOT, Child, reserved_port
from tests.support.protos import BOOKSTORE

Barewire = Callable[..., Any]
BOOKS = [{"id": "3"}, {"id": "4", "title": "Vier · 四"}]


def test_unary(barewire: Barewire, target: str) -> None:
    ran = barewire("call", target, "bookstore.Bookstore/GetBook", "-d", '{"id": "1"}')
    assert (ran.status, ran.error) == (0, "")
    assert ran.out == '{\n  "id": "1",\n  "title": "One"\n}\n'


def test_the_status_is_told(barewire: Barewire, target: str) -> None:
    ran = barewire("call", target, "bookstore.Bookstore.GetBook", "-d", '{"id": "404"}')
    assert (ran.status, ran.out) == (64 + 5, "")
    assert ran.error == "ERROR:\n  Code: NotFound\n  Message: book not found\n"


def test_a_peer_cannot_control_the_terminal(barewire: Barewire, target: str) -> None:
    ran = barewire("call", target, "bookstore.Bookstore/GetBook", "-d", '{"id": "evil"}')
    assert "\\x1b[2Jbook" in ran.error
    assert "\x1b" not in ran.error


def test_what_came_before_an_error_is_printed(barewire: Barewire, target: str) -> None:
    ran = barewire("call", target, "bookstore.Bookstore/ListBooks")
    assert ran.status == 64 + 10
    assert ran.out == '{\n  "id": "1"\n}\n{\n  "id": "2"\n}\n'


@pytest.mark.parametrize("sign", ["@", "-"])
def test_standard_input(target: str, sign: str) -> None:
    command = [
        sys.executable,
        "-m",
        "barewire.cli",
        "call",
        target,
        "bookstore.Bookstore/AddBooks",
        "-d",
        sign,
    ]
    text = "\n".join(json.dumps(book, indent=2, ensure_ascii=False) for book in BOOKS)
    done = subprocess.run(command, input=text.encode(), capture_output=True, cwd=ROOT, timeout=60)
    assert (done.returncode, done.stderr) == (0, b"")
    assert json.loads(done.stdout) == {"books": BOOKS}


def test_requests_are_sent_as_they_come(target: str) -> None:
    """The second request depends on the answer to the first, as it would when a person types."""
    command = [sys.executable, "-m", "barewire.cli", "call", target, "rich.Svc/Zed", "-d", "-"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for number in (1, 2):
            process.stdin.write(f'{{"x": {number}}}\n')
            process.stdin.flush()
            lines = iter(process.stdout.readline, "}\n")
            assert f'    "x": {number}\n' in list(lines)
        process.stdin.close()
        assert process.wait(30) == 0


def test_a_call_may_end_before_its_input(target: str) -> None:
    command = [sys.executable, "-m", "barewire.cli", "call", target, "bookstore.Bookstore/Chat", "-d", "-"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT, text=True
    ) as process:
        assert process.wait(30) == 64 + 12
        assert process.stderr is not None
        assert "Code: Unimplemented" in process.stderr.read()


def test_a_schema_from_files(barewire: Barewire, target: str) -> None:
    proto = ["--proto", str(BOOKSTORE)]
    assert barewire("call", *proto, target, "bookstore.Bookstore/GetBook", "-d", '{"id": "1"}').status == 0
    by_name = ["-proto", BOOKSTORE.name, "-import-path", str(BOOKSTORE.parent)]
    assert barewire("call", *by_name, target, "bookstore.Bookstore/GetBook", "-d", '{"id": "1"}').status == 0


def test_a_deadline(barewire: Barewire, target: str) -> None:
    ran = barewire("call", target, "grpc.health.v1.Health/Watch", "--timeout", "0.2")
    assert ran.status == 64 + 4
    assert not ran.out or json.loads(ran.out) == {"status": "SERVING"}  # a slow machine has not come so far
    assert "Code: DeadlineExceeded" in ran.error


def test_a_dead_port(barewire: Barewire) -> None:
    with reserved_port() as port:
        at = f"127.0.0.1:{port}"
        for command in (["call", at, "a.B/C"], ["list", at]):
            ran = barewire(*command)
            assert ran.status == 64 + 14
            assert ran.error == (
                f"ERROR:\n  Code: Unavailable\n  Message: cannot connect to {at}: Connection refused\n"
            )


BAD_DATA = [
    ('{"nope": 1}', "has no field 'nope'"),
    ('{"id"', "not JSON"),
    ('{"id": 1}', "id"),
    ("{}{}", "takes one request, but the data holds 2"),
]


@pytest.mark.parametrize(("data", "reason"), BAD_DATA)
def test_bad_data(barewire: Barewire, target: str, data: str, reason: str) -> None:
    ran = barewire("call", target, "bookstore.Bookstore/GetBook", "-d", data)
    assert (ran.status, ran.out) == (1, "")
    assert reason in ran.error


def test_bad_data_in_a_stream(barewire: Barewire, target: str) -> None:
    ran = barewire("call", target, "bookstore.Bookstore/AddBooks", "-d", '{"id": "1"} {"id": 2}')
    assert ran.status == 1
    assert ran.error.startswith("barewire call: request 2 is no bookstore.Book: line 1, column")


def test_unknown_fields_may_be_allowed(barewire: Barewire, target: str) -> None:
    flags = ["-d", '{"id": "1", "nope": 1}', "--allow-unknown-fields"]
    assert barewire("call", target, "bookstore.Bookstore/GetBook", *flags).status == 0


WRONG = [
    (["a.Nope/X"], 1, "there is no service 'a.Nope'; there are: bookstore.Bookstore"),
    (["bookstore.Bookstore/X"], 1, 'does not include a method named "X"; it has: AddBooks'),
    (["X"], 2, "write pkg.Service/Method"),
    (["a.B/C", "-H", "x-bin: !"], 2, "must be base64"),
    (["a.B/C", "-H", "content-type: x"], 2, "reserved"),
    (["a.B/C", "--cert", "x"], 2, "--cert and --key go together"),
    (["a.B/C", "--cacert", "/nope"], 1, "cannot use the certificates"),
    (["a.B/C", "--timeout", "x"], 2, "invalid seconds value"),
    (["a.B/C", "--proto", "/nope.proto"], 1, "nope.proto: error: no such file"),
]


@pytest.mark.parametrize(("flags", "status", "reason"), WRONG)
def test_what_cannot_be_done(
    barewire: Barewire, target: str, flags: list[str], status: int, reason: str
) -> None:
    ran = barewire("call", target, *flags)
    assert (ran.status, ran.out) == (status, "")
    assert reason in ran.error


def test_a_broken_schema_is_told_with_carets(barewire: Barewire, tmp_path: Path) -> None:
    broken = tmp_path / "broken.proto"
    broken.write_text('syntax = "proto3";\nmessage A {\n  Foo x = 1;\n  int32 y = 1;\n}\n')
    for command in (["check"], ["list", "--proto"]):
        ran = barewire(*command, str(broken))
        assert (ran.status, ran.out) == (1, "")
        assert f"{broken}:3:3: error: 'Foo' is not defined\n    Foo x = 1;\n    ^^^\n" in ran.error
        assert f"{broken}:4:13: error:" in ran.error


def test_check_is_silent_when_all_is_well(barewire: Barewire) -> None:
    ran = barewire("check", str(BOOKSTORE))
    assert (ran.status, ran.out, ran.error) == (0, "", "")


def test_files_need_no_server(barewire: Barewire) -> None:
    assert barewire("list", "--proto", str(BOOKSTORE)).out == "bookstore.Bookstore\n"
    assert barewire("describe", "--proto", str(BOOKSTORE), "bookstore.GetBookRequest").out == (
        "bookstore.GetBookRequest is a message:\nmessage GetBookRequest {\n  string id = 1;\n}\n"
    )
    assert barewire("describe", "--proto", str(BOOKSTORE), "no.Such").status == 1


def test_the_command_line_itself(barewire: Barewire) -> None:
    assert barewire().status == 2
    assert barewire("no-such-command").status == 2
    assert barewire("list").status == 2
    assert "64 + N" in barewire("call", "--help").out
    assert barewire("--version").out.startswith("barewire ")


def test_the_type_inside_an_any_is_asked_for(barewire: Barewire) -> None:
    with Child("barewire.cli", "serve", "tests.cli.any_server:servicers", "--port", "0") as child:
        at = child.line().split()[-1]
        box = {"content": {"@type": "t/hidden.Hidden", "s": "found"}}
        ran = barewire("call", at, "carrier.Carrier/Echo", "-d", json.dumps(box))
        assert (ran.status, ran.error) == (0, "")
        assert json.loads(ran.out) == box
        ran = barewire("call", at, "carrier.Carrier/Echo")
        assert ran.status == 1
        assert (
            "cannot be printed as JSON: content: the Any holds 't/no.Such', which is not known here"
            in ran.error
        )
