"""Messages → the text format (the text is put together by `text_format`).

Spec: https://protobuf.dev/reference/protobuf/textformat-spec. Known fields come in the order of their numbers, maps by
their keys, then what the schema does not know, under field numbers.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..wire.access import is_present, set_extensions
from ..wire.errors import WireError
from ..wire.message import Message as WireMessage
from ..wire.plan import Cardinality, FieldPlan, Kind
from ..wire.scalar import show
from ..wire.tag import WireType
from ..wire.unknown import parse_unknown
from .json_fields import JsonField, extension_field, json_table
from .json_scalars import shortest_float32
from .json_types import any_class
from .text_lexer import ANY_NAME

if TYPE_CHECKING:
    from .message import Message
    from .registry import Registry

_ESCAPES = {
    **{byte: f"\\{byte:03o}" for byte in (*range(32), 127)},
    ord("\n"): "\\n",
    ord("\r"): "\\r",
    ord("\t"): "\\t",
    ord('"'): '\\"',
    ord("'"): "\\'",
    ord("\\"): "\\\\",
}
_BYTE_ESCAPES = [_ESCAPES.get(byte, chr(byte) if byte < 128 else f"\\{byte:03o}") for byte in range(256)]
_MAX_UNKNOWN_DEPTH = 10  # bytes that happen to look like messages are not followed further down


@dataclass(slots=True)
class Printer:
    """Gathers lines, each with its depth."""

    registry: Registry | None
    as_utf8: bool
    unknown_too: bool
    depth: int = 0
    lines: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])

    def line(self, text: str) -> None:
        self.lines.append((self.depth, text))

    def message(self, message: Message) -> None:
        if message.__plan__.full_name == "google.protobuf.Any" and self.expanded_any(message):
            return
        for known, value in _present(message, self.registry):
            cardinality = known.plan.cardinality
            if cardinality is Cardinality.REPEATED:
                for item in value:
                    self.single(known, known.text_name, item)
            elif cardinality is Cardinality.MAP:
                self.map(known, value)
            else:
                self.single(known, known.text_name, value)
        if self.unknown_too and message._unknown:
            self.unknown(bytes(message._unknown), _MAX_UNKNOWN_DEPTH)

    def single(self, known: JsonField, name: str, value: Any) -> None:
        if known.holds_message:
            if not isinstance(value, WireMessage):
                raise ValueError(f"{name}: {show(value)} is not a message")
            self.block(name, value)  # pyright: ignore[reportArgumentType]  # schema messages hold schema messages
            return
        try:
            text = self.scalar(known, value)
        except (TypeError, ValueError, AttributeError):  # nothing checks what is assigned
            raise ValueError(f"{name}: {show(value)} is no {known.plan.kind.value}") from None
        self.line(f"{name}: {text}")

    def block(self, name: str, message: Message) -> None:
        self.line(f"{name} {{")
        self.depth += 1
        self.message(message)
        self.depth -= 1
        self.line("}")

    def map(self, known: JsonField, entries: dict[Any, Any]) -> None:
        assert known.value is not None
        assert known.plan.key is not None
        key_field = JsonField(known.plan.key)
        for key in sorted(entries):
            self.line(f"{known.text_name} {{")
            self.depth += 1
            self.single(key_field, "key", key)
            self.single(known.value, "value", entries[key])
            self.depth -= 1
            self.line("}")

    def expanded_any(self, message: Any) -> bool:
        """Print the message inside an Any, if its type is known and it can be decoded."""
        if not isinstance(message.type_url, str):
            return False
        inner_class = any_class(message.type_url, self.registry or message.__registry__)
        if inner_class is None or not ANY_NAME.fullmatch(message.type_url):
            return False
        try:
            inner = inner_class.decode(message.value)
        except WireError:
            return False
        self.block(f"[{message.type_url}]", inner)
        return True

    def scalar(self, known: JsonField, value: Any) -> str:
        kind = known.plan.kind
        if known.enum is not None:
            return known.enum.names.get(int(value), str(int(value)))
        if kind is Kind.BOOL:
            return "true" if value else "false"
        if kind is Kind.STRING:
            return self.string(value, known.plan)
        if kind is Kind.BYTES:
            return f'"{"".join(_BYTE_ESCAPES[byte] for byte in bytes(value))}"'
        if kind is Kind.FLOAT or kind is Kind.DOUBLE:
            return _float(float(value), kind)
        return str(int(value))

    def string(self, value: str, plan: FieldPlan) -> str:
        if self.as_utf8 and not any("\ud800" <= letter <= "\udfff" for letter in value):
            return f'"{value.translate(_ESCAPES)}"'
        # Surrogates stand for bytes that are no UTF-8 (proto2 lets them pass): octal says which ones.
        data = value.encode("utf-8", "strict" if plan.utf8 else "surrogateescape")
        return f'"{"".join(_BYTE_ESCAPES[byte] for byte in data)}"'

    def unknown(self, data: bytes, depth: int) -> None:
        for unknown in parse_unknown(data):
            value = unknown.value
            match unknown.wire_type:
                case WireType.VARINT:
                    self.line(f"{unknown.number}: {value}")
                case WireType.I32:
                    self.line(f"{unknown.number}: 0x{value:08x}")
                case WireType.I64:
                    self.line(f"{unknown.number}: 0x{value:016x}")
                case _:
                    assert isinstance(value, bytes)
                    self.unknown_bytes(unknown.number, value, unknown.wire_type == WireType.SGROUP, depth)

    def unknown_bytes(self, number: int, value: bytes, is_group: bool, depth: int) -> None:
        if is_group or (value and depth > 0 and _looks_like_message(value)):
            self.line(f"{number} {{")
            self.depth += 1
            self.unknown(value, depth - 1)
            self.depth -= 1
            self.line("}")
        else:
            self.line(f'{number}: "{"".join(_BYTE_ESCAPES[byte] for byte in value)}"')


def _present(message: Message, registry: Registry | None) -> Iterator[tuple[JsonField, Any]]:
    """Fields and extensions that are set, in the order of their numbers."""
    found: list[tuple[JsonField, Any]] = []
    for known in json_table(type(message)).fields:
        value = getattr(message, known.plan.attribute)
        if is_present(known.plan, value):
            found.append((known, value))
    extensions = set_extensions(message)
    for number, value in extensions.items():
        known = extension_field(type(message), number, registry or message.__registry__)
        if known is not None:
            found.append((known, value))
    if extensions:
        found.sort(key=lambda pair: pair[0].plan.number)
    yield from found


def _float(value: float, kind: Kind) -> str:
    if math.isnan(value):
        return "nan"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    return repr(shortest_float32(value) if kind is Kind.FLOAT else value)


def _looks_like_message(data: bytes) -> bool:
    try:
        return all(True for _ in parse_unknown(data))
    except WireError:
        return False
