"""Collects the locations of a SourceCodeInfo, gives each its comments, and encodes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..wire.varint import encode_varint
from .source_comments import Comments, comments_between

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .source_places import Places

Path = tuple[int, ...]


@dataclass(slots=True)
class Location:
    path: Path
    span: list[int]
    leading: str = ""
    trailing: str = ""
    detached: Iterable[str] = ()


class Locations:
    """The locations of one file, in the order in which they are added."""

    def __init__(self, places: Places) -> None:
        self.places = places
        self._all: list[Location] = []
        self._commented: dict[
            int, Location
        ] = {}  # by the offset of the token that ends or opens a declaration

    def add(self, path: Path, start: int, end: int) -> Location:
        location = Location(path, self.places.span(start, end))
        self._all.append(location)
        return location

    def comments_at(self, location: Location, offset: int) -> None:
        """Says that the comments at the token at `offset` (a `;` or a `{`) are about `location`."""
        self._commented[offset] = location

    def encode(self) -> bytes:
        self._attach_comments()
        return b"".join(_field(1, _encode(location)) for location in self._all)

    def _attach_comments(self) -> None:
        places = self.places
        first = comments_between(places.text[: places.starts[0]], places.texts[0], at_start=True)
        leading, detached = first.leading, list(first.detached)  # of what ends next
        for index in self._declaration_ends():
            gap = places.text[places.end_of(index) : places.starts[index + 1]]
            comments = comments_between(gap, places.texts[index + 1], at_start=False) if gap else Comments()
            location = self._commented.get(places.starts[index])
            if location:
                location.leading, location.trailing = leading, comments.trailing
                location.detached, detached = detached, list(comments.detached)
            elif places.texts[index] == "}":
                detached = list(comments.detached)
            else:
                detached += comments.detached
            leading = comments.leading

    def _declaration_ends(self) -> Iterator[int]:
        """The tokens `;`, `{` and `}`, except those inside the values of options."""
        depth = 0
        texts = self.places.texts
        for index, text in enumerate(texts):
            if text == "{":
                if depth or texts[index - 1] == "=":
                    depth += 1
                    continue
            elif depth:
                depth -= text == "}"
                continue
            elif text not in (";", "}"):
                continue
            yield index


def _encode(location: Location) -> bytes:
    # Fields 1 path, 2 span (both packed), 3 leading, 4 trailing, 6 detached comments.
    parts = [_field(1, _numbers(location.path))] if location.path else []
    parts.append(_field(2, _numbers(location.span)))
    if location.leading:
        parts.append(_text(3, location.leading))
    if location.trailing:
        parts.append(_text(4, location.trailing))
    parts += [_text(6, comment) for comment in location.detached]
    return b"".join(parts)


def _numbers(values: Iterable[int]) -> bytes:
    return b"".join(map(encode_varint, values))


def _text(number: int, text: str) -> bytes:
    return _field(number, text.encode("utf-8", "surrogateescape"))


def _field(number: int, payload: bytes) -> bytes:
    return bytes((number << 3 | 2,)) + encode_varint(len(payload)) + payload
