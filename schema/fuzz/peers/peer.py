"""What a peer is: another implementation that is asked about the same inputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ..outcome import Outcome, Question


class PeerError(RuntimeError):
    """The peer cannot be used here; the text says why, and what to install."""


class Peer(Protocol):
    """`ask` hands over questions without waiting, `answers` gives the outcomes in the order of asking."""

    name: str

    def ask(self, questions: Sequence[Question]) -> None: ...

    def answers(self) -> list[Outcome]: ...

    def close(self) -> None: ...
