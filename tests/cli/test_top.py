"""`barewire top`: on servers under load, as JSON, as a table, and live in a terminal."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest
from grpc_channelz.v1 import channelz

from barewire.cli.top_view import Table, View, open_console, render
from tests.support.processes import ROOT, Child

Barewire = Callable[..., Any]
GET_BOOK = "/bookstore.Bookstore/GetBook"


@pytest.fixture(scope="module")
def with_stats() -> Iterator[str]:
    with Child("tests.cli.busy_server", "stats") as child:
        yield f"127.0.0.1:{child.line()}"


@pytest.fixture(scope="module")
def with_channelz() -> Iterator[str]:
    with Child("tests.cli.busy_server", "channelz") as child:
        yield f"127.0.0.1:{child.line()}"


def once(barewire: Barewire, target: str) -> Any:
    ran = barewire("top", target, "--once", "--json", "--interval", "0.2")
    assert ran.status == 0, ran.error
    return json.loads(ran.out)


def once_busy(barewire: Barewire, target: str, *tables: str) -> Any:
    """The same, from an interval in which calls were made: a server may stand still for as long as one takes."""
    while True:
        view = once(barewire, target)
        if all(_is_busy(view[table]) for table in tables):
            return view


def _is_busy(rows: list[dict[str, Any]]) -> bool:
    return any(row.get("calls_per_second", row.get("streams_per_second")) for row in rows)


def test_methods(barewire: Barewire, with_stats: str) -> None:
    view = once_busy(barewire, with_stats, "methods")
    assert view["source"] == "barewire.v1.Stats"
    assert view["seconds"] > 0
    row = next(row for row in view["methods"] if row["method"] == GET_BOOK)
    assert row["calls_per_second"] > 0
    assert row["calls"] == sum(row["codes"].values()) + row["active"]
    assert row["codes"].keys() == {"OK", "NOT_FOUND"}
    assert row["errors"] == row["codes"]["NOT_FOUND"]
    assert 2 / 1.2 <= row["p50_ms"] <= row["p95_ms"] <= row["p99_ms"]  # the handler sleeps for 2 ms
    watching = next(row for row in view["methods"] if row["method"] == "/barewire.v1.Stats/Watch")
    assert watching["active"] == 1
    assert watching["p50_ms"] is None


@pytest.mark.rule(100)
def test_servers_and_connections_where_there_is_channelz_alone(
    barewire: Barewire, with_channelz: str
) -> None:
    view = once_busy(barewire, with_channelz, "servers", "sockets")
    assert view["source"] == "grpc.channelz.v1"
    (server,) = view["servers"]
    assert server["server"] == f"ipv4:{with_channelz}"
    assert server["calls_per_second"] > 0
    assert server["errors"] > 0
    busy, *_ = view["sockets"]
    assert busy["streams_per_second"] > 0
    assert busy["streams"] > busy["failed"] == 0


@pytest.mark.rule(100)
def test_a_server_of_grpcio(barewire: Barewire) -> None:
    handler = grpc.unary_unary_rpc_method_handler(lambda request, context: request)
    server = grpc.server(ThreadPoolExecutor(4), options=[("grpc.enable_channelz", 1)])
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("x.X", {"Echo": handler}),))
    channelz.add_channelz_servicer(server)
    target = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    try:
        with grpc.insecure_channel(target) as channel:
            for _ in range(7):
                channel.unary_unary("/x.X/Echo")(b"", timeout=20)
            view = once(barewire, target)
    finally:
        server.stop(0).wait()
    assert view["source"] == "grpc.channelz.v1"
    assert max(row["calls"] for row in view["servers"]) >= 7
    assert max(row["streams"] for row in view["sockets"]) >= 7


def test_the_table(barewire: Barewire, with_stats: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    ran = barewire("top", with_stats, "--once", "--interval", "0.2")
    assert ran.status == 0
    assert re.search(r"METHOD +CALLS/S +ERR/S +P50 MS +P95 MS +P99 MS +ACTIVE", ran.out)
    assert re.search(rf"{GET_BOOK} +[\d.,]+ +[\d.,]+ +[\d.]+ +[\d.]+ +[\d.]+ +\d", ran.out)


def test_live_in_a_terminal(with_stats: str) -> None:
    """It is redrawn until Ctrl-C, which ends it well and gives the screen back."""
    terminal, its_end = pty.openpty()
    fcntl.ioctl(its_end, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-m", "barewire.cli", "top", with_stats, "--interval", "0.1"],
        cwd=ROOT,
        stdin=its_end,
        stdout=its_end,
        stderr=its_end,
        # An inherited width would count more than the terminal's, and a narrow one cuts off what is waited for.
        env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "100", "LINES": "24"},
        start_new_session=True,
    )
    os.close(its_end)
    try:
        seen = b""
        while seen.count(GET_BOOK.encode()) < 3:
            seen += os.read(terminal, 65536)
        process.send_signal(signal.SIGINT)
        while True:
            try:
                more = os.read(terminal, 65536)
            except OSError:  # its end is closed
                break
            if not more:
                break
            seen += more
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()
        os.close(terminal)
    text = seen.decode()
    assert text.index("\x1b[?1049h") < text.index("CALLS/S") < text.index("\x1b[?1049l")
    assert "Traceback" not in text


def test_lines_of_json_until_it_is_interrupted(with_stats: str) -> None:
    arguments = ["top", with_stats, "--interval", "0.1", "--json"]
    with Child("barewire.cli", *arguments) as child:
        views = [json.loads(child.line()) for _ in range(3)]
        child.interrupt(signal.SIGINT)
        assert child.wait() == 0
    calls = [row["calls"] for view in views for row in view["methods"] if row["method"] == GET_BOOK]
    assert calls == sorted(calls)


@pytest.mark.parametrize(
    ("flag", "source"), [("--stats", "barewire.v1.Stats"), ("--channelz", "grpc.channelz.v1")]
)
def test_what_serve_can_switch_on(barewire: Barewire, flag: str, source: str) -> None:
    arguments = ["serve", "tests.cli.bookstore_server:Bookstore", "--port", "0", flag]
    with Child("barewire.cli", *arguments) as child:
        assert once(barewire, child.line().split()[-1])["source"] == source


def test_a_server_that_has_neither(barewire: Barewire, target: str) -> None:
    ran = barewire("top", target, "--once", "--json")
    assert ran.status == 1
    assert "offers neither statistics nor channelz; start it with Server(…, stats=True)" in ran.error


def test_no_server(barewire: Barewire) -> None:
    ran = barewire("top", "127.0.0.1:1", "--once", "--json", "--connect-timeout", "5")
    assert ran.status == 64 + 14
    assert "cannot connect" in ran.error


def test_nothing_that_a_peer_sent_controls_the_terminal() -> None:
    console = open_console()
    rows = [{"name": "\x1b[31mred\x07[bold]", "calls": 1}]
    with console.capture() as captured:
        console.print(render(View("x", 1.0, [Table("rows", {"name": "NAME", "calls": "CALLS"}, rows)]), "y"))
    assert "\\x1b[31mred\\x07[bold]" in captured.get()
    assert "\x1b[31m" not in captured.get()


def test_what_does_not_fit_is_counted() -> None:
    console = open_console()
    rows = [{"name": f"row {number}", "calls": number} for number in range(50)]
    table = Table("rows", {"name": "NAME", "calls": "CALLS"}, rows)
    with console.capture() as captured:
        console.print(render(View("x", 1.0, [table]), "y", height=20))
    lines = captured.get().splitlines()
    assert len(lines) <= 20
    assert any("… and 36 more" in line for line in lines)
    assert any("row 13" in line for line in lines)
