"""A peer in a process of its own: it may be another build of the same library, and it may crash."""

from __future__ import annotations

import marshal
import os
import struct
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ...message import Message
from ..outcome import Outcome, Question
from .descriptor_set import descriptor_set
from .peer import PeerError

_PROGRAM = Path(__file__).parent / "google_program.py"


class GooglePeer:
    """google.protobuf of the running interpreter, as `upb` (its C core) or as `python` (what it does without)."""

    def __init__(self, name: str, message_class: type[Message]) -> None:
        self.name = name
        self._opening = (descriptor_set(message_class), message_class.__plan__.full_name)
        self._waiting: list[Sequence[Question]] = []
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115  # open as long as the process
        self._process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        environment = {**os.environ, "PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION": self.name}
        process = subprocess.Popen(
            [sys.executable, "-P", str(_PROGRAM)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._complaints,
            env=environment,
        )
        self._send(process, self._opening)
        running = self._receive(process)
        if running != self.name:
            process.kill()
            process.communicate()
            self._complaints.seek(0)
            said = self._complaints.read().decode(errors="replace")
            raise PeerError(
                f"google.protobuf runs as {running!r}, not {self.name!r}"
                if running
                else f"google.protobuf cannot be used here (pip install protobuf):\n{said.strip()[-2000:]}"
            )
        return process

    def ask(self, questions: Sequence[Question]) -> None:
        """Hand over questions; `answers` gives what the peer says to them, while we do something else."""
        self._waiting.append(questions)
        self._send(self._process, [tuple(question) for question in questions])

    def answers(self) -> list[Outcome]:
        """The outcomes of the questions that were handed over first."""
        questions = self._waiting.pop(0)
        answers = self._receive(self._process)
        if answers is None:
            return self._one_by_one(questions)
        return [Outcome(*answer) for answer in answers]

    def _one_by_one(self, questions: Sequence[Question]) -> list[Outcome]:
        """The process died over one of these questions: find out which, with a new process after every death."""
        outcomes: list[Outcome] = []
        later, self._waiting = self._waiting, []
        self._end()
        self._process = self._start()
        for question in questions:
            self._send(self._process, [tuple(question)])
            answer = self._receive(self._process)
            if answer is None:
                self._end()
                outcomes.append(Outcome(f"crash: the process ended with status {self._process.returncode}"))
                self._process = self._start()
            else:
                outcomes.append(Outcome(*answer[0]))
        for batch in later:
            self.ask(batch)
        return outcomes

    def close(self) -> None:
        """End the process."""
        self._end()
        self._complaints.close()

    def _end(self) -> None:
        self._process.kill()
        self._process.communicate()

    @staticmethod
    def _send(process: subprocess.Popen[bytes], value: Any) -> None:
        data = marshal.dumps(value)
        assert process.stdin is not None
        try:
            process.stdin.write(struct.pack("<I", len(data)) + data)
            process.stdin.flush()
        except BrokenPipeError:
            pass  # noticed when the answer is awaited

    @staticmethod
    def _receive(process: subprocess.Popen[bytes]) -> Any:
        assert process.stdout is not None
        head = process.stdout.read(4)
        if len(head) < 4:
            return None
        return marshal.loads(process.stdout.read(struct.unpack("<I", head)[0]))
