"""HPACK with a memory (RFC 7541).

The header blocks of one gRPC connection repeat: the same request to the same method, the same response head. hpack
works each of them out anew, byte by byte. Here a block that changes no table state is remembered with its fields
(decoding) and a field with its bytes (encoding), for as long as the dynamic table stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import hpack
from hpack.table import HeaderTable

HeaderField = tuple[bytes, bytes]

_MAX_REMEMBERED = 256
_MAX_REMEMBERED_SIZE = 4096  # of one block; longer ones hardly repeat
# A compressed block may name large table entries over and over. Past this the connection is under attack.
_MAX_INFLATED_SIZE = 1024 * 1024


class HeaderBlock:
    """The fields of one received header block, and what later layers worked out from them.

    `parsed` is theirs to fill in: a block that comes again brings it along.
    """

    __slots__ = ("fields", "parsed", "size")

    def __init__(self, fields: list[HeaderField]) -> None:
        self.fields = fields
        self.size = sum(len(name) + len(value) + 32 for name, value in fields)
        self.parsed: Any = None


class _VersionedTable(HeaderTable):
    """A dynamic table that counts its changes."""

    version = 0

    def add(self, name: bytes, value: bytes) -> None:
        self.version += 1
        super().add(name, value)

    @property
    def maxsize(self) -> int:
        return self._maxsize

    @maxsize.setter
    def maxsize(self, newmax: int) -> None:
        self.version += 1
        HeaderTable.maxsize.__set__(self, newmax)  # type: ignore[attr-defined]


class RememberingDecoder(hpack.Decoder):
    """Decodes header blocks; see the module."""

    def __init__(self) -> None:
        super().__init__(max_header_list_size=_MAX_INFLATED_SIZE)
        self._table = self.header_table = _VersionedTable()
        self._remembered: dict[bytes, HeaderBlock] = {}
        self._remembered_version = 0

    def decode_block(self, data: bytes) -> HeaderBlock:
        """The block with its fields. Raises hpack.HPACKError."""
        if self._table.version != self._remembered_version:
            self._remembered.clear()
            self._remembered_version = self._table.version
        known = self._remembered.get(data)
        if known is not None:
            return known
        fields: Iterable[Any] = self.decode(data, raw=True)
        block = HeaderBlock([(bytes(name), bytes(value)) for name, value in fields])
        # A block names each field in a byte, so its own size says little about what it takes to remember it.
        settled = self._table.version == self._remembered_version
        if settled and max(len(data), block.size) <= _MAX_REMEMBERED_SIZE:
            if len(self._remembered) >= _MAX_REMEMBERED:
                self._remembered.clear()
            self._remembered[bytes(data)] = block
        return block


class RememberingEncoder(hpack.Encoder):
    """Encodes header lists; see the module.

    A field is put into the dynamic table when it is sent for the second time, and only while that evicts nothing:
    then the table settles, and a field once worked out costs one dictionary lookup. A field seen for the first time
    goes out as a literal, so that values which never repeat (timeouts, request ids) leave no trace.
    """

    def __init__(self) -> None:
        super().__init__()
        self._table = self.header_table = _VersionedTable()
        self._known: dict[HeaderField, bytes] = {}  # fields with an index, and their bytes
        self._known_version = 0
        self._seen_once: dict[HeaderField, None] = {}

    @property
    def header_table_size(self) -> int:
        """The size of the dynamic table in bytes. The peer allows one; more than HPACK's default is not used: it would
        be memory of ours that the peer decides on."""
        return self._table.maxsize

    @header_table_size.setter
    def header_table_size(self, value: int) -> None:
        size = min(value, HeaderTable.DEFAULT_SIZE)
        if size == self._table.maxsize:
            return
        self._table.maxsize = size
        # Of several changes before the next block, the smallest and the last are told (RFC 7541, section 4.2).
        lowest = min([size, *self.table_size_changes])
        self.table_size_changes = [lowest, size] if lowest < size else [size]

    def encode(self, headers: Iterable[Any], huffman: bool = False) -> bytes:
        """The block for `headers`, (name, value) pairs of bytes. `huffman` is there for h2 and not used: it saves few
        bytes on a connection whose fields are indexed, and costs much."""
        if self._table.version != self._known_version:
            self._known.clear()
            self._known_version = self._table.version
        parts: list[bytes] = []
        if self.table_size_changes:
            parts.append(self._encode_table_size_change())
        known = self._known
        for header in headers:
            part = known.get(header)
            parts.append(part if part is not None else self._encode_field(header))
        return b"".join(parts)

    def _encode_field(self, header: HeaderField) -> bytes:
        name, value = header
        match = self._table.search(name, value)
        if match is not None and match[2] is not None:
            part = self._known[header] = self._encode_indexed(match[0])
            return part
        if not self._fits(header):
            return self.add(header, sensitive=True)
        if header in self._seen_once:
            del self._seen_once[header]
            part = self.add(header, sensitive=False)
            # Older entries have moved by one: their bytes are out of date.
            self._known.clear()
            self._known_version = self._table.version
            return part
        if len(self._seen_once) >= _MAX_REMEMBERED:
            self._seen_once.clear()
        self._seen_once[header] = None
        return self.add(header, sensitive=True)

    def _fits(self, header: HeaderField) -> bool:
        size = len(header[0]) + len(header[1]) + 32
        return self._table._current_size + size <= self._table.maxsize
