"""Child processes for tests: servers that say when they are ready, their memory, free ports."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Self

ROOT = Path(__file__).resolve().parents[2]


def free_port() -> int:
    """A TCP port on 127.0.0.1 that nothing listens on. Only for what cannot be told to choose port 0 itself."""
    with reserved_port() as port:
        return port


@contextmanager
def reserved_port() -> Iterator[int]:
    """The same, and meanwhile it is given to nobody else: to connect to it is refused until a server of the test
    listens on it (with SO_REUSEADDR, as servers do), and again when that has closed."""
    with socket.socket() as keeper:
        keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        keeper.bind(("127.0.0.1", 0))
        yield keeper.getsockname()[1]


def memory(pid: int, field: str = "VmRSS") -> int:
    """Bytes of a process's memory by the kernel's account: VmRSS is now, VmHWM its peak."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) * 1024
    raise LookupError(f"/proc/{pid}/status has no {field}")


class Program:
    """A command that prints lines.

    At the end of the `with` block it gets a SIGTERM. If that does not end it, its standard input closes, as it does
    when this process dies: see `die_with_parent`.
    """

    def __init__(self, *command: str, **environment: str) -> None:
        self._process = subprocess.Popen(
            command,
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **environment},
        )
        self._errors: deque[str] = deque(maxlen=50)
        self._drain = threading.Thread(target=self._read_errors, daemon=True)
        self._drain.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def errors(self) -> str:
        """The last lines that it wrote to standard error."""
        return "".join(self._errors)

    def line(self) -> str:
        """The next line that it prints. Raises RuntimeError, with what it said last, when it has ended instead."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self._process.wait(10)
            self._drain.join(10)
            raise RuntimeError(f"the child ended with status {self._process.returncode}:\n{self.errors}")
        return line.rstrip("\n")

    def tell(self, line: str) -> None:
        """Writes a line to its standard input."""
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def interrupt(self, signal: int) -> None:
        self._process.send_signal(signal)

    def wait(self, timeout: float = 30) -> int:
        """Its exit status, once it has ended."""
        return self._process.wait(timeout)

    def _read_errors(self) -> None:
        assert self._process.stderr is not None
        self._errors.extend(self._process.stderr)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        streams = (self._process.stdin, self._process.stdout, self._process.stderr)
        self._process.terminate()
        if not self._ends_within(10):
            self._close(streams[0])
            if not self._ends_within(10):
                self._process.kill()
                self._process.wait()
        self._close(streams[0])
        self._drain.join(10)
        for stream in streams[1:]:
            self._close(stream)

    def _ends_within(self, seconds: float) -> bool:
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    @staticmethod
    def _close(stream: IO[str] | None) -> None:
        assert stream is not None
        with suppress(BrokenPipeError):
            stream.close()


class Child(Program):
    """A `python -m MODULE ARGUMENTS`."""

    def __init__(self, module: str, *arguments: str) -> None:
        super().__init__(sys.executable, "-m", module, *arguments, PYTHONUNBUFFERED="1")


def die_with_parent() -> None:
    """In a child: ends it as soon as its standard input closes. Only for when it will not end otherwise: coverage that
    is written by a second thread while the first one runs leaves half a file, or a crash."""

    def watch() -> None:
        while sys.stdin.readline():
            pass
        os._exit(0)

    threading.Thread(target=watch, daemon=True).start()
