"""The official interop programs of grpc-go, built by `make peers`: a server, and a client that knows its cases."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

from tests.support.peers import missing
from tests.support.processes import ROOT, Program, reserved_port

FOLDER = ROOT / ".cache" / "bin" / "grpc-go"
PATIENCE = 60.0
# What a case wants of its channel: here, a balancer that hears what servers report.
_HEARING = '{"loadBalancingConfig": [{"test_backend_metrics_load_balancer": {}}]}'
SERVICE_CONFIGS = {"orca_per_rpc": _HEARING, "orca_oob": _HEARING}


def _find(name: str) -> str:
    path = FOLDER / name
    if not os.access(path, os.X_OK):
        missing("no official interop programs in Go: `make peers` builds them where Go is installed")
    return str(path)


class GoServer(Program):
    """The official server. `line()` tells the port, as it does for the servers in Python."""

    def __init__(self, address: str, certificate: str | None = None) -> None:
        del address  # it listens everywhere, on the port that it is told
        self._stack = ExitStack()
        self._port = self._stack.enter_context(reserved_port())
        secure = ["-use_tls", f"-tls_cert_file={certificate}", f"-tls_key_file={certificate}"]
        super().__init__(_find("server"), f"-port={self._port}", *(secure if certificate else []))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)
        self._stack.close()

    def line(self) -> str:
        end = time.monotonic() + PATIENCE
        while True:
            try:
                socket.create_connection(("127.0.0.1", self._port), 1).close()
            except OSError:
                assert time.monotonic() < end, self.errors
                time.sleep(0.02)
            else:
                return str(self._port)


def run_official_client(case: str, port: int, roots: Path | str | None) -> None:
    """Runs one case. Raises AssertionError, with what the client said, if it fails."""
    arguments = [f"-test_case={case}", f"-server_port={port}"]
    if roots:
        arguments += ["-use_tls", "-use_test_ca", f"-ca_file={roots}", "-server_host=localhost"]
    else:
        arguments += ["-server_host=127.0.0.1"]
    if case.endswith("_soak"):
        # Not a test of speed: a look-up of "localhost" in DNS that nobody answers takes it five seconds.
        milliseconds = round(PATIENCE * 1000)
        arguments += [
            f"-soak_per_iteration_max_acceptable_latency_ms={milliseconds}",
            f"-soak_overall_timeout_seconds={round(PATIENCE)}",
        ]
    if case in SERVICE_CONFIGS:
        arguments += [f"-service_config_json={SERVICE_CONFIGS[case]}"]
    done = subprocess.run(
        [_find("client"), *arguments],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stderr
