"""Features of C++ and Java in encoded options: protoc knows their extensions, and writes each as one record.

Custom options stay as they were interpreted, one record for each statement; these two come out merged, with the fields
of a record in order of their numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..wire.skip import MAX_NESTING, skip_value
from ..wire.tag import WireType, decode_tag, encode_tag
from ..wire.varint import decode_length, encode_varint

if TYPE_CHECKING:
    from collections.abc import Iterator

_KNOWN = frozenset((1000, 1001))  # pb.cpp, pb.java


def merge_language_features(feature_set: bytes) -> bytes:
    """An encoded FeatureSet, its language features merged."""
    parts: list[tuple[int, bytes]] = []
    contents: dict[int, list[tuple[int, bytes]]] = {}
    for number, wire_type, record in _records(feature_set):
        if number in _KNOWN and wire_type is WireType.LEN:
            contents.setdefault(number, []).extend(
                (inner, data) for inner, _, data in _records(_payload(record))
            )
        else:
            parts.append((number, record))
    for number, inner in contents.items():
        payload = b"".join(data for _, data in sorted(inner, key=lambda item: item[0]))
        parts.append((number, encode_tag(number, WireType.LEN) + encode_varint(len(payload)) + payload))
    return b"".join(data for _, data in sorted(parts, key=lambda part: part[0]))


def _records(data: bytes) -> Iterator[tuple[int, WireType, bytes]]:
    position, end = 0, len(data)
    while position < end:
        start = position
        number, wire_type, position = decode_tag(data, position, end)
        position = skip_value(data, number, wire_type, position, end, MAX_NESTING)
        yield number, WireType(wire_type), data[start:position]


def _payload(record: bytes) -> bytes:
    _, _, position = decode_tag(record, 0, len(record))
    start, end = decode_length(record, position, len(record))
    return record[start:end]
