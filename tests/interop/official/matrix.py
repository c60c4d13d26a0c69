"""A pytest plugin that prints what came of the official cases as a matrix: `pytest -p tests.interop.official.matrix`.

With `--matrix FILE` it also writes it to FILE, as a page of the documentation.
"""

from __future__ import annotations

import datetime
import json
import platform
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from tests.support.processes import ROOT

from .cases import CASES, FULL, SMALL
from .columns import LEFT_OUT, NAMES, NEGATIVE_COLUMNS, TABLES, Column, why_not
from .negative import NEGATIVE

PASSED, FAILED, NOT_RUN = "✓", "✗", "–"
INTRODUCTION = """\
# Interoperability

Printed by `make interop` on {date}, not written by hand: the official interop cases of gRPC, each one with every pair
of a client and a server that can take part in it.

{versions}.

- ✓ the case passed; ✗ it failed; – it was not run (on this machine the peer was missing).
- A letter: the case cannot be asked of this pair, for the reason below the table. That counts as nothing.
- Where neither end is barewire, the column is a control: it says that the case is right.
- Go is the official client and server of grpc-go, with their own procedures; the other clients run ours, which are
  written once, after the official descriptions (`tests/interop/official/cases.py`).
- Where both ends are barewire, in plaintext, `concurrent_large_unary` makes {full.concurrent} calls at once, as the
  list says, and the soaks make {full.soak}, as the official client in C++ does unless told otherwise. With the other
  pairs it is {small.concurrent} at once and soaks of {small.soak} (what the official client in Go does): our code is
  the same, and there are too many columns to make each of them that long.
"""


@dataclass(frozen=True)
class Table:
    title: str
    rows: list[str]
    columns: list[Column]


ALL = [
    *(Table(title, list(CASES), columns) for title, columns in TABLES.items()),
    Table("Negative cases of HTTP/2", list(NEGATIVE), NEGATIVE_COLUMNS),
]


class Matrix:
    def __init__(self) -> None:
        self._cells: dict[str, tuple[str, Column]] = {}
        self.results: dict[tuple[str, Column], str] = {}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        for item in items:
            parameters: dict[str, Any] = getattr(getattr(item, "callspec", None), "params", {})
            if isinstance(parameters.get("column"), Column):
                self._cells[item.nodeid] = (parameters["case"], parameters["column"])

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        cell = self._cells.get(report.nodeid)
        if cell is None:
            return
        if report.failed:
            self.results[cell] = FAILED
        elif report.when == "call" and report.passed:
            self.results.setdefault(cell, PASSED)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        terminalreporter.write_line("\n".join(self.lines()))

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        file = session.config.getoption("--matrix")
        if file and self.results:
            introduction = INTRODUCTION.format(
                date=datetime.date.today().isoformat(),
                versions=versions(),
                full=FULL,
                small=SMALL,
            )
            Path(file).write_text("\n".join([introduction, *self.lines()]) + "\n")

    def lines(self) -> Iterable[str]:
        for table in ALL:
            yield from self._table(table)
        yield "## Official cases that are not here"
        yield ""
        yield from (f"- `{case}`: {reason}" for case, reason in LEFT_OUT.items())

    def _table(self, table: Table) -> Iterable[str]:
        reasons: dict[str, str] = {}  # reason → its letter

        def cell(case: str, column: Column) -> str:
            reason = why_not(case, column)
            if reason is None:
                return self.results.get((case, column), NOT_RUN)
            return reasons.setdefault(reason, chr(ord("a") + len(reasons)))

        rows = [[f"`{case}`", *(cell(case, column) for column in table.columns)] for case in table.rows]
        yield f"## {table.title}"
        yield ""
        yield from _legend(table.columns)
        yield from _aligned([["case", *map(str, range(1, len(table.columns) + 1))], *rows])
        yield ""
        counts = {mark: sum(row.count(mark) for row in rows) for mark in (PASSED, FAILED, NOT_RUN)}
        yield f"{counts[PASSED]} passed, {counts[FAILED]} failed, {counts[NOT_RUN]} not run."
        yield ""
        yield from (f"- {letter}: {reason}" for reason, letter in reasons.items())
        if reasons:
            yield ""


def _legend(columns: list[Column]) -> Iterable[str]:
    for number, column in enumerate(columns, 1):
        control = "" if "barewire" in f"{column.client} {column.server}" else " (control)"
        yield f"{number}. {NAMES[column.client]} → {NAMES[column.server]}{control}"
    yield ""


def _aligned(rows: list[list[str]]) -> Iterable[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]

    def line(cells: Iterable[str], fill: Callable[[str, int], str] = str.ljust) -> str:
        return "| " + " | ".join(map(fill, cells, widths)) + " |"

    yield line(rows[0])
    yield line("-" * width for width in widths)
    yield from map(line, rows[1:])


def versions() -> str:
    """Who took part."""
    peers = (ROOT / ".ci" / "get-peers").read_text()
    (go,) = re.findall(r"grpc-go/server .*@v(\S+)'", peers)
    node = json.loads((ROOT / "tests/interop/peers/node/package.json").read_text())["dependencies"]
    cpp = ROOT / ".cache" / "peers" / "cpp" / "version"
    return (
        f"CPython {platform.python_version()}, grpcio {version('grpcio')}, grpc-go {go}, grpc-js "
        f"{node['@grpc/grpc-js']}, gRPC for C++ {cpp.read_text().strip() if cpp.exists() else '(not here)'}"
    )


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--matrix", metavar="FILE", help="write the matrix of the official cases to FILE")


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Matrix())
