"""Programs written for grpc.aio print the same on grpcio and, with one import changed, on barewire."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import trustme

from tests.support.protos import generate

HERE = Path(__file__).parent
PROGRAMS = sorted((HERE / "programs").glob("*.py"))
OURS = "from barewire.rpc import grpcio_compat as grpc"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the programs find what they import and read."""
    folder = tmp_path_factory.mktemp("programs")
    generate([HERE / "guide.proto"], folder)
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost", "127.0.0.1")
    authority.cert_pem.write_to_path(folder / "root.pem")
    (folder / "chain.pem").write_bytes(b"".join(blob.bytes() for blob in certificate.cert_chain_pems))
    certificate.private_key_pem.write_to_path(folder / "key.pem")
    return folder


def start(text: str, folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-X", "dev", "-W", "error::RuntimeWarning", "-c", text],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def output(program: subprocess.Popen[str]) -> str:
    out, error = program.communicate(timeout=60)
    assert program.returncode == 0, error
    return out


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)
def test_program(program: Path, folder: Path) -> None:
    text = program.read_text()
    changed, count = re.subn(r"^import grpc$", OURS, text, flags=re.MULTILINE)
    assert count == 1
    with start(text, folder) as grpcios, start(changed, folder) as ours:
        expected = output(grpcios)
        assert expected.strip()
        assert output(ours) == expected


def test_there_are_programs() -> None:
    assert len(PROGRAMS) >= 8
