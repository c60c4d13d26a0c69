"""The inputs of a run: number n of a seed is always the same bytes, whatever was asked before."""

from __future__ import annotations

import random

from ..message import Message
from ..registry import with_dependencies
from .faults import mutate
from .generate import Generator

_SHARES = (
    0.35,
    0.70,
)  # up to the first: valid; up to the second: faults inside fields; the rest: mutated bytes
_JSON_EVERY = 4  # JSON costs more than all the rest: it is compared for every fourth input


class Cases:
    """The inputs for one message type."""

    def __init__(self, message_class: type[Message], seed: int) -> None:
        plan = message_class.__plan__
        any_types = [held.__plan__ for held in _any_types(message_class)]
        self._valid = Generator(plan, any_types=any_types)
        self._faulty = Generator(plan, faults=0.12, any_types=any_types)
        self._seed = seed << 40
        self._random = random.Random()

    def case(self, number: int) -> bytes:
        """The bytes of one case."""
        chance = self._random
        chance.seed(self._seed + number)
        share = chance.random()
        if share < _SHARES[0]:
            return self._valid.generate(chance)
        if share < _SHARES[1]:
            return self._faulty.generate(chance)
        data = self._valid.generate(chance)
        return mutate(data, self._valid.generate(chance), chance.random)

    @staticmethod
    def wants_json(number: int) -> bool:
        return number % _JSON_EVERY == 0


def _any_types(message_class: type[Message]) -> list[type[Message]]:
    """What a google.protobuf.Any may hold: the messages of the file and of all that it imports."""
    registry = message_class.__registry__
    files = with_dependencies([message_class.__descriptor__.file])
    if registry is None or not any(file.name == "google/protobuf/any.proto" for file in files):
        return []
    return [registry.message_class(message) for file in files for message in file.messages]
