"""Makes an input smaller while it still shows the same difference: whole fields first, then stretches of bytes.

`shows` is asked whether an input still does; its answers are remembered.
"""

from __future__ import annotations

from collections.abc import Callable

from ...wire.plan import MessagePlan
from ...wire.tag import WireType
from .parts import Part, join, split, walk

_MAX_QUESTIONS = 3000


class _Limited:
    """Counts the questions: past the limit, nothing shows the difference any more."""

    def __init__(self, shows: Callable[[bytes], bool]) -> None:
        self._shows = shows
        self._known: dict[bytes, bool] = {}

    def __call__(self, data: bytes) -> bool:
        if data not in self._known:
            self._known[data] = len(self._known) < _MAX_QUESTIONS and self._shows(data)
        return self._known[data]


def shrink(plan: MessagePlan, data: bytes, shows: Callable[[bytes], bool]) -> bytes:
    """The smallest input that was found; `data` itself when nothing smaller shows the difference."""
    asked = _Limited(shows)
    while True:
        smaller = _shorter_contents(plan, _fewer_fields(plan, data, asked), asked)
        smaller = _fewer_bytes(smaller, asked)
        if smaller == data:
            return _simpler_bytes(data, asked)
        data = smaller


def _fewer_fields(plan: MessagePlan, data: bytes, shows: Callable[[bytes], bool]) -> bytes:
    """Drop fields at every level; the lengths around them are written anew."""
    position = 0
    while True:
        parts = split(plan, data)
        places = [(siblings, index) for siblings in walk(parts) for index in range(len(siblings))]
        if position >= len(places):
            return data
        siblings, index = places[position]
        del siblings[index]
        smaller = join(parts)
        if len(smaller) < len(data) and shows(smaller):
            data = smaller
        else:
            position += 1


def _shorter_contents(plan: MessagePlan, data: bytes, shows: Callable[[bytes], bool]) -> bytes:
    """Cut stretches out of texts, bytes and packed lists at every level."""
    parts = split(plan, data)
    for part in [part for siblings in walk(parts) for part in siblings]:
        if part.kind is WireType.LEN and part.children is None:
            whole = part.content

            def shows_with(content: bytes, part: Part = part) -> bool:
                part.content = content
                return shows(join(parts))

            part.content = _fewer_bytes(whole, shows_with)
    return join(parts)


def _fewer_bytes(data: bytes, shows: Callable[[bytes], bool]) -> bytes:
    """Delta debugging: cut stretches out, long ones first."""
    size = len(data) // 2
    while size >= 1:
        at = 0
        while at < len(data):
            smaller = data[:at] + data[at + size :]
            if shows(smaller):
                data = smaller
            else:
                at += size
        size //= 2
    return data


def _simpler_bytes(data: bytes, shows: Callable[[bytes], bool]) -> bytes:
    """Bytes that do not matter become zero, or at least lose their top bit."""
    for at in range(len(data)):
        for byte in (0, 1, data[at] & 0x7F):
            simpler = data[:at] + bytes([byte]) + data[at + 1 :]
            if byte < data[at] and shows(simpler):
                data = simpler
                break
    return data
