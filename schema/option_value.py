"""The value of an option → the bytes of a field.

Options are encoded straight from the syntax tree. That needs descriptors only, no message classes; a message that is
set piece by piece (`option (a).x = 1; option (a).y = 2;`) comes out as two records, which decoding merges.
Spec: text format, https://protobuf.dev/reference/protobuf/textformat-spec.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..wire.plan import Kind
from ..wire.scalar import SCALARS
from ..wire.tag import WireType, encode_tag
from ..wire.varint import encode_varint
from . import ast
from .descriptor import FieldDescriptor, Label, MessageDescriptor
from .values import ValueFault, scalar_value, text_value

if TYPE_CHECKING:
    from .symbol_table import SymbolTable
    from .unit import Unit

Path = tuple[int, ...]

_ANY_HOSTS = ("type.googleapis.com", "type.googleprod.com")


def item_record(field: FieldDescriptor, payload: bytes) -> bytes:
    """Like `record`; but the extension of a message set is an item there: group 1 of type_id (2) and message (3)."""
    if not (field.is_extension and field.containing_type.message_set):
        return record(field, payload)
    item = b"\x10" + encode_varint(field.number) + b"\x1a" + encode_varint(len(payload)) + payload
    return b"\x0b" + item + b"\x0c"


def is_unresolved(field: FieldDescriptor) -> bool:
    """Whether the field's type was not found; that has been reported."""
    return field.message_type is None and field.kind in (Kind.MESSAGE, Kind.GROUP)


def record(field: FieldDescriptor, payload: bytes) -> bytes:
    """Tag and framing around the encoded value of `field`."""
    number = field.number
    if field.message_type is None:
        return encode_tag(number, SCALARS[field.kind].wire_type) + payload
    if field.kind is Kind.GROUP:
        return encode_tag(number, WireType.SGROUP) + payload + encode_tag(number, WireType.EGROUP)
    return encode_tag(number, WireType.LEN) + encode_varint(len(payload)) + payload


def _zero(field: FieldDescriptor) -> bytes:
    """The encoded zero value of a singular field."""
    if field.message_type:
        return b""
    first = field.enum_type.values[0].number if field.enum_type and field.enum_type.values else 0
    if first.bit_length() < 32:  # a larger one is an error of the enum
        return SCALARS[field.kind].write(first or SCALARS[field.kind].zero)
    return SCALARS[field.kind].write(SCALARS[field.kind].zero)


def packed_record(field: FieldDescriptor, payloads: list[bytes]) -> bytes:
    """All values of a packed field under one tag."""
    data = b"".join(payloads)
    return encode_tag(field.number, WireType.LEN) + encode_varint(len(data)) + data


def scalar_payload(field: FieldDescriptor, value: bytes | int | float | str, *, text_format: bool) -> bytes:
    """The bytes of a literal, without its tag. Raises ValueFault if it does not fit the field."""
    converted = text_value(field, value) if text_format else scalar_value(field, value)
    if isinstance(value, bytes):
        # As written, UTF-8 or not, where the field does not mind.
        if field.kind is Kind.STRING and field.features.utf8_validation == "VERIFY" and not _is_utf8(value):
            raise ValueFault(f"'{field.name}' is a string, and this is not valid UTF-8")
        return encode_varint(len(value)) + value
    return SCALARS[field.kind].write(converted)


def _is_utf8(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


class AggregateEncoder:
    """Encodes `{ … }` values. `set_paths` collects which singular fields have been set, as paths of numbers."""

    def __init__(self, unit: Unit, table: SymbolTable, set_paths: set[Path]) -> None:
        self.unit = unit
        self.table = table
        self.set_paths = set_paths
        self.uses: list[tuple[FieldDescriptor, ast.Name]] = []  # every field that was set

    def encode(self, message: MessageDescriptor, value: ast.Aggregate, path: Path) -> bytes:
        """The bytes of the message that `value` describes. Faults are reported."""
        parts: list[tuple[int, bytes]] = []
        packed: dict[FieldDescriptor, list[bytes]] = {}
        seen: dict[FieldDescriptor, ast.AggregateField] = {}
        for item in value.fields:
            if item.is_extension and "/" in item.name.text:
                parts.append((0, self.any_value(message, item)))
                continue
            field = self.field(message, item)
            if field is None or is_unresolved(field):
                continue
            here = (*path, field.number)
            self.uses.append((field, item.name))
            if field.label is not Label.REPEATED:
                self.check_once(field, item, seen)
                self.set_paths.add(here)
            seen[field] = item
            payloads = self.payloads(field, item, here)
            if field.packed:
                packed.setdefault(field, []).extend(payloads)
            else:
                parts += [(field.number, item_record(field, payload)) for payload in payloads]
        for field in message.fields:
            if field.label is Label.REQUIRED and field not in seen:
                self.unit.error(value, f"'{field.name}' of {message.full_name} is required and not given")
        if message.is_map_entry:
            # A map's entry always has both its fields.
            parts += [
                (f.number, record(f, _zero(f)))
                for f in message.fields
                if f not in seen and not is_unresolved(f)
            ]
        parts += [(field.number, packed_record(field, payloads)) for field, payloads in packed.items()]
        return b"".join(data for _, data in sorted(parts, key=lambda part: part[0]))

    def field(self, message: MessageDescriptor, item: ast.AggregateField) -> FieldDescriptor | None:
        name = item.name.text
        if item.is_extension:
            return self.extension(message, item.name)
        for field in message.fields:
            if name in (field.name, _group_name(field)):
                return field
        self.unit.error(item.name, f"{message.full_name} has no field '{name}'", did_you_mean(name, message))
        return None

    def extension(self, message: MessageDescriptor, name: ast.Name) -> FieldDescriptor | None:
        found = self.table.lookup(self.unit, name.text, message.full_name, types_only=False).symbol
        if isinstance(found, MessageDescriptor) and message.message_set:
            # In a message set, an extension may go by the name of its message.
            found = next(
                (e for e in found.extensions if e.containing_type is message and e.message_type is found),
                found,
            )
        if isinstance(found, FieldDescriptor) and found.is_extension and found.containing_type is message:
            return found
        if not self.unit.incomplete and not self.unit.report.may_be_lost(name.text):
            self.unit.error(name, f"{message.full_name} has no extension '{name.text}'")
        return None

    def check_once(
        self,
        field: FieldDescriptor,
        item: ast.AggregateField,
        seen: dict[FieldDescriptor, ast.AggregateField],
    ) -> None:
        if field in seen:
            self.unit.error(item.name, f"'{item.name.text}' is given twice")
        oneof = field.containing_oneof
        for other in oneof.fields if oneof else ():
            if other in seen and other is not field:
                self.unit.error(item.name, f"'{item.name.text}' and '{other.name}' exclude each other")

    def payloads(self, field: FieldDescriptor, item: ast.AggregateField, path: Path) -> list[bytes]:
        """The encoded values of one statement, which may be a list, without their tags."""
        values = item.value.values if isinstance(item.value, ast.ValueList) else [item.value]
        if isinstance(item.value, ast.ValueList) and field.label is not Label.REPEATED:
            self.unit.error(
                item.value, f"'{item.name.text}' is not repeated: it takes one value, without brackets"
            )
            return []
        encoded = [self.payload(field, value, path) for value in values]
        return [data for data in encoded if data is not None]

    def payload(self, field: FieldDescriptor, value: ast.Value, path: Path) -> bytes | None:
        unit = self.unit
        if field.message_type is not None:
            if isinstance(value, ast.Aggregate):
                return self.encode(field.message_type, value, path)
            unit.error(value, f"'{field.name}' is a message: write its fields in braces")
        elif not isinstance(value, ast.Scalar):
            unit.error(value, f"'{field.name}' is no message: it takes a plain value")
        else:
            try:
                return scalar_payload(field, value.value, text_format=True)
            except ValueFault as fault:
                unit.error(value, str(fault), fault.help)
        return None

    def any_value(self, message: MessageDescriptor, item: ast.AggregateField) -> bytes:
        """`[type.googleapis.com/pkg.Message] { … }` inside a google.protobuf.Any."""
        host, _, name = item.name.text.partition("/")
        content = self.table.names.get(name)
        if isinstance(content, MessageDescriptor):
            self.unit.used.add(content.file.name)
        if message.full_name != "google.protobuf.Any":
            self.unit.error(
                item.name,
                f"{message.full_name} is no google.protobuf.Any: only that takes a type in brackets",
            )
        elif host not in _ANY_HOSTS or not isinstance(content, MessageDescriptor):
            self.unit.error(item.name, f"'{item.name.text}' names no known message type")
        elif not isinstance(item.value, ast.Aggregate):
            self.unit.error(item.value, "the content of an Any is written in braces")
        else:
            url = item.name.text.encode()
            data = AggregateEncoder(self.unit, self.table, set()).encode(content, item.value, ())
            return b"\x0a" + encode_varint(len(url)) + url + b"\x12" + encode_varint(len(data)) + data
        return b""


def _group_name(field: FieldDescriptor) -> str | None:
    """In text format, a group goes by the name of its message too."""
    return field.message_type.name if field.kind is Kind.GROUP and field.message_type else None


def did_you_mean(name: str, message: MessageDescriptor) -> str | None:
    """A help line with the field whose name is most like `name`."""
    from difflib import get_close_matches

    names = [field.name for field in message.fields if field.name != name]
    close = get_close_matches(name[:80], names, 1)
    return f"did you mean '{close[0]}'?" if close else None
