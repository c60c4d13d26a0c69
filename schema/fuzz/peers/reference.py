"""The readable codec as a peer of the fast one. It needs nothing installed."""

from __future__ import annotations

from collections.abc import Sequence

from ....wire import interpret
from ....wire.errors import WireError
from ...message import Message
from ..outcome import Outcome, Question, TreeMaker


class ReferencePeer:
    """`wire.interpret`: the same values and the same bytes; it has no JSON of its own."""

    name = "reference"

    def __init__(self, message_class: type[Message]) -> None:
        self._plan = message_class.__plan__
        self._trees = TreeMaker()
        self._waiting: list[list[Outcome]] = []

    def ask(self, questions: Sequence[Question]) -> None:
        self._waiting.append([self._examine(question.data) for question in questions])

    def answers(self) -> list[Outcome]:
        return self._waiting.pop(0)

    def close(self) -> None:
        """Nothing to end."""

    def _examine(self, data: bytes) -> Outcome:
        try:
            message = interpret.decode(self._plan, data)
        except WireError as error:
            return Outcome(str(error))
        return Outcome("", self._trees.tree(message), interpret.encode(message))
