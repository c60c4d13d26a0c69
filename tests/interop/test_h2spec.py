"""h2spec against our server: all of it, the strict cases too, in plain text and over TLS."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import trustme

from tests.support.h2spec import find_h2spec, run_h2spec

from .conftest import start_server


def check(text: str) -> None:
    """Every test has passed. h2spec's summary comes with each failure in front of it."""
    found = re.search(r"(\d+) tests, (\d+) passed, 0 skipped, 0 failed", text)
    assert found, text[-20_000:]
    assert int(found[1]) == int(found[2]) >= 146


@pytest.mark.rule(5)
@pytest.mark.rule(75)
def test_r05_r75_every_case_in_plain_text() -> None:
    find_h2spec()
    with start_server("barewire") as child:
        check(run_h2spec(int(child.line()), "--strict"))


@pytest.mark.rule(74)
def test_r74_every_case_over_tls(tmp_path: Path) -> None:
    find_h2spec()
    certificate = tmp_path / "server.pem"
    trustme.CA().issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(certificate)
    with start_server("barewire", "localhost:0", str(certificate)) as child:
        check(run_h2spec(int(child.line()), "--strict", "--tls", "--insecure"))
