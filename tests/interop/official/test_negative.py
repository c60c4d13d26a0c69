"""Every negative case of HTTP/2 with every client in Python; grpcio's say that the cases are right."""

from __future__ import annotations

import pytest

from ..conftest import Connect
from .cases import Setting
from .columns import NEGATIVE_COLUMNS, Column, why_not
from .negative import NEGATIVE, large_response
from .scripted_server import ScriptedServer

CELLS = [
    pytest.param(case, column, marks=[pytest.mark.rule(number) for number in negative.rules])
    for column in NEGATIVE_COLUMNS
    for case, negative in NEGATIVE.items()
    if why_not(case, column) is None
]


@pytest.mark.parametrize(("case", "column"), CELLS, ids=str)
def test_case(case: str, column: Column, connect: Connect) -> None:
    server = ScriptedServer(NEGATIVE[case].script(large_response()))
    try:
        client = connect(column.client, f"127.0.0.1:{server.port}")
        NEGATIVE[case].run(Setting(client, lambda: client), server)
    finally:
        server.close()
