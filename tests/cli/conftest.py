from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from barewire.cli.main import main
from tests.support.processes import Child


@pytest.fixture(scope="session")
def target() -> Iterator[str]:
    """The address of a server of rich.proto and the bookstore, run by `barewire serve`."""
    with Child("barewire.cli", "serve", "tests.cli.rich_server:servicers", "--port", "0") as child:
        line = child.line()
        assert line.startswith("serving rich.Svc, bookstore.Bookstore on 127.0.0.1:")
        yield line.split()[-1]


@dataclass(frozen=True)
class Ran:
    status: int
    out: str
    error: str


@pytest.fixture
def barewire(capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    """Runs a command line in this process."""

    def run(*arguments: str) -> Ran:
        try:
            status = main(arguments)
        except SystemExit as end:  # argparse's
            status = int(end.code or 0)
        captured = capsys.readouterr()
        return Ran(status, captured.out, captured.err)

    return run
