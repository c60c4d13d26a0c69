"""Every official case in every pair that can take part in it (see `columns`); over TLS, or long, in the slow tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ..clients.outcome import Client
from ..conftest import Connect, Servers
from ..peers.go import run_official_client
from .cases import CASES, FULL, Setting
from .columns import COLUMNS, Column, why_not
from .wire import Wire

LONG = ("rpc_soak", "channel_soak", "concurrent_large_unary")


def is_slow(case: str, column: Column) -> bool:
    """Whether it is for the slow tests."""
    return column.tls or (case in LONG and column.size is FULL)


CELLS = [
    pytest.param(case, column, marks=[pytest.mark.slow] if is_slow(case, column) else [])
    for column in COLUMNS
    for case in CASES
    if why_not(case, column) is None
]


@pytest.fixture
def wire() -> Iterator[Callable[[int], Wire]]:
    """`wire(port)` stands before the server at that port, until the test ends."""
    wires: list[Wire] = []

    def put_before(port: int) -> Wire:
        wires.append(Wire(port))
        return wires[-1]

    yield put_before
    for each in wires:
        each.close()


@pytest.mark.parametrize(("case", "column"), CELLS, ids=str)
def test_case(
    case: str,
    column: Column,
    server: Servers,
    connect: Connect,
    wire: Callable[[int], Wire],
    roots: bytes,
    tmp_path: Path,
) -> None:
    port = server(column.server, column.tls).port
    if column.client == "go":
        (tmp_path / "roots.pem").write_bytes(roots)
        run_official_client(case, port, tmp_path / "roots.pem" if column.tls else None)
        return
    between = wire(port) if CASES[case].needs_wire else None
    target = f"{'localhost' if column.tls else '127.0.0.1'}:{between.port if between else port}"

    def another() -> Client:
        return connect(column.client, target, roots if column.tls else None)

    CASES[case].run(Setting(another(), another, between, column.size))
