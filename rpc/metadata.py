"""Metadata: the key-value pairs that travel with a call (PROTOCOL-HTTP2, "Custom-Metadata").

Keys are lower-case ASCII (0-9 a-z _ . -). A key ending in "-bin" holds bytes, any other key printable ASCII text.
A key may occur several times; the order of its values is kept.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

MetadataValue = str | bytes
MetadataPairs = Sequence[tuple[str, MetadataValue]] | Mapping[str, MetadataValue]

_KEY = re.compile(r"[0-9a-z_.\-]+")
_TEXT = re.compile(r"[\x20-\x7e]*")

# Header names that are part of the protocol: never delivered as metadata, never accepted from an application (R25).
_RESERVED = frozenset(
    {
        *("content-type", "te", "user-agent", "host", "content-length"),
        # HTTP/2 calls a message with one of these malformed (RFC 9113, section 8.2.2).
        *("connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"),
    }
)
STATUS_DETAILS = "grpc-status-details-bin"
RETRY_PUSHBACK = "grpc-retry-pushback-ms"
_SENDABLE = frozenset({STATUS_DETAILS, RETRY_PUSHBACK})  # by an application, though they begin with "grpc-"
# gRPC lets these through (R25); grpcio's status helpers look for the details among the trailing metadata.
_DELIVERED = frozenset({RETRY_PUSHBACK.encode(), b"grpc-previous-rpc-attempts", STATUS_DETAILS.encode()})


class Metadata:
    """An ordered multimap of metadata.

    Iterating yields `(key, value)` pairs. `metadata[key]` and `metadata.get(key)` give the first value of a key,
    `metadata.get_all(key)` all of them. Keys are matched in lower case.
    """

    __slots__ = ("_pairs",)

    def __init__(self, pairs: Metadata | MetadataPairs | Iterable[tuple[str, MetadataValue]] = ()) -> None:
        # The checker cannot tell which of the union's members is left after isinstance.
        items: Any = pairs.items() if isinstance(pairs, Mapping) else pairs  # pyright: ignore[reportUnknownVariableType]
        try:
            self._pairs: list[tuple[str, MetadataValue]] = [(key.lower(), value) for key, value in items]
        except (TypeError, ValueError, AttributeError):
            raise TypeError(
                f"metadata has to be a mapping, or pairs of a key (str) and a value; not {pairs!r}"
            ) from None

    def add(self, key: str, value: MetadataValue) -> None:
        """Append one pair."""
        self._pairs.append((key.lower(), value))

    def set(self, key: str, value: MetadataValue) -> None:
        """Replace all values of `key` by one."""
        self.discard(key)
        self.add(key, value)

    def discard(self, key: str) -> None:
        """Remove all values of `key`, if there are any."""
        key = key.lower()
        self._pairs = [pair for pair in self._pairs if pair[0] != key]

    def get(self, key: str, default: MetadataValue | None = None) -> MetadataValue | None:
        """The first value of `key`, or `default`."""
        key = key.lower()
        return next((value for name, value in self._pairs if name == key), default)

    def get_all(self, key: str) -> list[MetadataValue]:
        """All values of `key`, in order."""
        key = key.lower()
        return [value for name, value in self._pairs if name == key]

    def keys(self) -> list[str]:
        """The distinct keys, in order of first occurrence."""
        return list(dict.fromkeys(name for name, _ in self._pairs))

    def copy(self) -> Metadata:
        """An independent copy."""
        other = Metadata()
        other._pairs = list(self._pairs)
        return other

    def __getitem__(self, key: str) -> MetadataValue:
        value = self.get(key)
        if value is None:
            raise KeyError(key)
        return value

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and self.get(key) is not None

    def __iter__(self) -> Iterator[tuple[str, MetadataValue]]:
        return iter(self._pairs)

    def __len__(self) -> int:
        return len(self._pairs)

    def __bool__(self) -> bool:
        return bool(self._pairs)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Metadata):
            return self._pairs == other._pairs
        if isinstance(other, (list, tuple)):
            return self._pairs == list(other)  # pyright: ignore[reportUnknownArgumentType]
        return NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Metadata({self._pairs!r})"


def encode_metadata(pairs: Iterable[tuple[str, MetadataValue]]) -> list[tuple[bytes, bytes]]:
    """Metadata as HTTP/2 header fields; binary values in base64 without padding (R24-R26).

    Raises ValueError that names the pair if a key or a value may not be sent, TypeError if a value has the wrong type.
    """
    return [_encode_pair(key, value) for key, value in pairs]


def _encode_pair(key: str, value: MetadataValue) -> tuple[bytes, bytes]:
    name = key.lower()
    if not _KEY.fullmatch(name):
        raise ValueError(f"metadata key {key!r} may hold only the characters 0-9 a-z _ . -")
    if (name.startswith("grpc-") and name not in _SENDABLE) or name in _RESERVED:
        raise ValueError(f"metadata key {key!r} is reserved for the protocol")
    if name.endswith("-bin"):
        if not isinstance(value, (bytes, bytearray, memoryview)):
            raise TypeError(
                f"metadata {key!r} ends in -bin, so its value must be bytes, not {type(value).__name__}"
            )
        return name.encode(), base64.b64encode(value).rstrip(b"=")
    if isinstance(value, bytes):  # grpcio lets ASCII bytes through too
        value = value.decode("latin-1")
    if not isinstance(value, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"metadata {key!r} must be a str, not {type(value).__name__}")
    if not _TEXT.fullmatch(value):
        raise ValueError(
            f"metadata {key!r} may hold only printable ASCII; end its key in -bin to send any bytes"
        )
    return name.encode(), value.encode()


class BadMetadata(ValueError):
    """A received `-bin` value is not base64 (R31)."""


def decode_metadata(headers: Iterable[tuple[bytes, bytes]]) -> Metadata:
    """The application's metadata among received header fields; the protocol's own fields are left out.

    Raises BadMetadata for a binary value that is not base64.
    """
    metadata = Metadata()
    add = metadata.add
    for name, value in headers:
        if name.startswith(b":") or (name.startswith(b"grpc-") and name not in _DELIVERED):
            continue
        key = name.decode("latin-1")
        if (
            key in _RESERVED and key != "user-agent"
        ):  # the peer's user-agent is useful to servers, as in grpcio
            continue
        if key.endswith("-bin"):
            for part in value.split(b","):  # duplicates may have been joined on the way (R27)
                add(key, decode_binary(key, part.strip()))
        else:
            add(key, value.decode("latin-1").strip(" "))
    return metadata


def decode_binary(key: str, text: bytes) -> bytes:
    """A base64 value, padded or not (R26). Raises BadMetadata."""
    try:
        return base64.b64decode(text + b"=" * (-len(text) % 4), validate=True)
    except binascii.Error as error:
        raise BadMetadata(f"metadata {key[:64]!r} is not base64: {error}") from error
