"""Google's C++ through `protoc`: what it decodes, and what it makes of that when it encodes it again.

Two processes per input: good for looking at single inputs and for runs of some thousand.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from ....wire.errors import WireError
from ...message import Message
from ..outcome import Outcome, Question, TreeMaker
from .descriptor_set import descriptor_set
from .peer import PeerError


class ProtocPeer:
    """`protoc --decode` and `--encode`. It has no JSON; unknown fields cannot be encoded from text, so an input that
    has some is compared by acceptance alone."""

    name = "protoc"

    def __init__(self, message_class: type[Message]) -> None:
        self._message_class = message_class
        self._trees = TreeMaker()
        self._folder = tempfile.TemporaryDirectory(prefix="barewire-fuzz-")
        files = Path(self._folder.name) / "files.binpb"
        files.write_bytes(descriptor_set(message_class))
        self._command = [*_protoc(), f"--descriptor_set_in={files}", message_class.__descriptor__.file.name]
        self._waiting: list[list[Outcome]] = []
        done = self._run("decode", b"")
        if done.returncode:
            self.close()
            raise PeerError(f"protoc cannot be used here: {done.stderr.decode(errors='replace').strip()}")

    def ask(self, questions: Sequence[Question]) -> None:
        self._waiting.append([self._examine(question.data) for question in questions])

    def answers(self) -> list[Outcome]:
        return self._waiting.pop(0)

    def close(self) -> None:
        self._folder.cleanup()

    def _run(self, verb: str, data: bytes) -> subprocess.CompletedProcess[bytes]:
        name = self._message_class.__plan__.full_name
        return subprocess.run([*self._command, f"--{verb}={name}"], input=data, capture_output=True)

    def _examine(self, data: bytes) -> Outcome:
        decoded = self._run("decode", data)
        complaint = decoded.stderr.decode(errors="replace")
        if decoded.returncode < 0:
            return Outcome(f"crash: protoc ended with status {decoded.returncode}")
        if decoded.returncode or "missing required" in complaint:
            return Outcome(complaint.strip().split("\n")[-1] or "refused")
        encoded = self._run("encode", decoded.stdout)
        if encoded.returncode:
            return Outcome("")
        try:
            return Outcome("", self._trees.tree(self._message_class.decode(encoded.stdout)))
        except WireError as error:
            return Outcome(f"crash: what protoc writes cannot be read: {error}")


def _protoc() -> list[str]:
    found = shutil.which("protoc")
    if found is not None:
        return [found]
    if find_spec("grpc_tools") is not None:
        return [sys.executable, "-m", "grpc_tools.protoc"]
    raise PeerError("there is no protoc here (install it, or: pip install grpcio-tools)")
