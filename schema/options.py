"""Interprets options: `option (a.b).c = { … };` → the encoded FileOptions, MessageOptions, … of each element."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import ast
from .descriptor import FieldDescriptor, HasOptions, Label, MessageDescriptor
from .imports import visible_files
from .option_rules import Use, check_uses
from .option_value import AggregateEncoder, Path, did_you_mean, is_unresolved, record, scalar_payload
from .raw_fields import raw_fields
from .symbol_table import describe, file_of
from .values import ValueFault

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .symbol_table import SymbolTable
    from .unit import Unit

_DESCRIPTOR_FILE = "google/protobuf/descriptor.proto"
_MESSAGE_SET = 1  # MessageOptions.message_set_wire_format
_MAP_ENTRY = b"\x38\x01"  # MessageOptions.map_entry = true


def interpret_options(units: list[Unit], table: SymbolTable) -> None:
    """Sets `option_bytes` of everything in the units. Options that mean nothing are reported."""
    for unit in units:
        if unit.encoded_options is not None:
            _take_encoded(unit, unit.encoded_options)
            continue
        if unit.option_imports:
            unit.visible = visible_files(unit.file, [*unit.file.dependencies, *unit.option_imports])
        interpreter: _Interpreter | None = None
        for descriptor, options, scope in _elements(unit):
            # descriptor.proto is compiled only when there is an option to interpret.
            interpreter = interpreter or _Interpreter(unit, table)
            data = interpreter.interpret(descriptor.OPTIONS, options, scope)
            descriptor.option_bytes = (descriptor.option_bytes or b"") + data
        if interpreter:
            check_uses(unit, interpreter.uses)
            _find_message_sets(unit)
            unit.used.add(_DESCRIPTOR_FILE)


def _find_message_sets(unit: Unit) -> None:
    """The option that makes a message set may be written in ways that are known only now."""
    for message, node in unit.messages:
        if node.options and message.option_bytes and (_MESSAGE_SET, 1) in raw_fields(message.option_bytes):
            message.message_set = True


def _take_encoded(unit: Unit, encoded: dict[object, bytes]) -> None:
    unit.file.option_bytes = encoded.get(unit.tree)
    for message, node in unit.messages:
        message.option_bytes = encoded.get(node)
        for extension_range, item in zip(message.extension_ranges, node.extension_ranges, strict=True):
            extension_range.option_bytes = encoded.get(item)
    for pairs in (unit.fields, unit.oneofs, unit.enums, unit.values, unit.services, unit.methods):
        for descriptor, node in pairs:
            descriptor.option_bytes = encoded.get(node)


def _elements(unit: Unit) -> Iterator[tuple[HasOptions, list[ast.Option], str]]:
    """Everything in the unit that has options, with the scope in which the names of custom options are looked up."""
    file = unit.file
    if unit.tree.options:
        yield file, unit.tree.options, f"{file.package}.-" if file.package else "-"
    for message, node in unit.messages:
        if node.is_map_entry:
            message.option_bytes = _MAP_ENTRY
        if node.options:
            yield message, node.options, message.full_name
        for extension_range, item in zip(message.extension_ranges, node.extension_ranges, strict=True):
            if item.options:
                yield extension_range, item.options, message.full_name
    named = (unit.fields, unit.oneofs, unit.enums, unit.values, unit.services, unit.methods)
    for pairs in named:
        for descriptor, node in pairs:
            if node.options:
                yield descriptor, node.options, descriptor.full_name
    for method, node in unit.methods:
        if node.has_block and not node.options:
            method.option_bytes = b""  # braces without content: protoc writes empty options


class _Interpreter:
    """Interprets the options of one file."""

    def __init__(self, unit: Unit, table: SymbolTable) -> None:
        self.unit = unit
        self.table = table
        self.known = _option_messages(table)
        self.uses: list[Use] = []

    def interpret(self, message_name: str, options: list[ast.Option], scope: str) -> bytes:
        message = self.known.get(message_name)
        if message is None:
            return b""  # the user's own descriptor.proto lacks it; protoc ignores such options too
        set_paths: set[Path] = set()
        paths, counts = self.unit.option_paths, dict[Path, int]()
        parts: list[bytes] = []
        for option in options:
            fields = self.path(message, option, scope)
            parts.append(self.option(message, option, fields, set_paths))
            if paths is not None:
                paths[option] = _path_with_index(fields, counts)
        return b"".join(parts)

    def option(
        self,
        message: MessageDescriptor,
        option: ast.Option,
        fields: list[FieldDescriptor],
        set_paths: set[Path],
    ) -> bytes:
        """The bytes of one option; empty, and reported, if it means nothing."""
        if not fields:
            return b""
        if (
            fields[0].name == "features"
            and not fields[0].is_extension
            and not self.check_features(option, fields)
        ):
            return b""
        self.uses += [Use(field, message.name, option) for field in fields]
        *outer, field = fields
        path = tuple(f.number for f in fields)
        if field.label is not Label.REPEATED:
            if path in set_paths:
                self.unit.error(option, f"option '{_written(option)}' is set twice")
                return b""
            set_paths.update(path[:count] for count in range(1, len(path) + 1))
        data = self.value(message, field, option, path, set_paths)
        for container in reversed(outer):
            data = record(container, data)
        return data

    def path(self, message: MessageDescriptor, option: ast.Option, scope: str) -> list[FieldDescriptor]:
        """The fields that the parts of an option's name lead through."""
        fields: list[FieldDescriptor] = []
        inside: MessageDescriptor | None = message
        for part in option.parts:
            if inside is None:
                self.unit.error(
                    part.name, f"'{fields[-1].name}' is no message and has no field '{part.name.text}'"
                )
                return []
            if fields and fields[-1].label is Label.REPEATED:
                help = f"give each value as a whole: {fields[-1].name} = {{ … }}"
                self.unit.error(
                    part.name, f"'{fields[-1].name}' is repeated, so its parts cannot be set", help
                )
                return []
            field = (
                self.extension(inside, part.name, scope)
                if part.is_extension
                else self.field(inside, part.name)
            )
            if field is None or is_unresolved(field):
                return []
            fields.append(field)
            inside = field.message_type
        return fields

    def field(self, message: MessageDescriptor, name: ast.Name) -> FieldDescriptor | None:
        for field in message.fields:
            if field.name == name.text:
                if field.name == "uninterpreted_option":
                    break
                return field
        help = did_you_mean(name.text, message)
        if not help and message.full_name.endswith("Options"):
            help = f"the name of a custom option stands in parentheses: ({name.text})"
        self.unit.error(name, f"{message.full_name} has no option '{name.text}'", help)
        return None

    def extension(self, message: MessageDescriptor, name: ast.Name, scope: str) -> FieldDescriptor | None:
        unit = self.unit
        found = self.table.lookup(unit, name.text, scope, types_only=False)
        symbol = found.symbol
        if symbol is None:
            if found.hidden is not None:
                hidden = file_of(found.hidden).name
                unit.error(
                    name,
                    f"'{name.text}' is defined in {hidden}, which is not imported",
                    f'add: import "{hidden}";',
                )
            elif not unit.incomplete and not unit.report.may_be_lost(name.text):
                close = self.table.suggest(unit, name.text, FieldDescriptor)
                unit.error(
                    name,
                    f"option '({name.text})' is not defined",
                    f"did you mean ({close})?" if close else None,
                )
            return None
        if isinstance(symbol, FieldDescriptor) and symbol.containing_type.full_name == message.full_name:
            return symbol  # even one that is no extension: its full name in parentheses means the same
        if not isinstance(symbol, FieldDescriptor) or not symbol.is_extension:
            unit.error(name, f"'{name.text}' is {describe(symbol)}, not an extension of {message.full_name}")
        else:
            extended = symbol.containing_type.full_name
            unit.error(
                name,
                f"'{name.text}' extends {extended}, so it is no option here: that takes {message.full_name}",
            )
        return None

    def check_features(self, option: ast.Option, fields: list[FieldDescriptor]) -> bool:
        if self.unit.file.syntax != "editions":
            self.unit.error(
                option, f"{self.unit.file.syntax} has no features", 'they came with: edition = "2023";'
            )
            return False
        if len(fields) > 1 and fields[1].is_extension and fields[1].file is self.unit.file:
            self.unit.error(option, "a feature cannot be used in the file that declares it")
            return False
        return True

    def value(
        self,
        message: MessageDescriptor,
        field: FieldDescriptor,
        option: ast.Option,
        path: Path,
        set_paths: set[Path],
    ) -> bytes:
        value = option.value
        if field.message_type is not None:
            if isinstance(value, ast.Aggregate):
                aggregate = AggregateEncoder(self.unit, self.table, set_paths)
                data = record(field, aggregate.encode(field.message_type, value, path))
                self.uses += [Use(inner, message.name, place) for inner, place in aggregate.uses]
                return data
            help = f"write {_written(option)} = {{ … }} or {_written(option)}.field = …"
            self.unit.error(value, f"'{_written(option)}' is a message: its value is written in braces", help)
        elif not isinstance(value, ast.Scalar):
            self.unit.error(value, f"'{_written(option)}' is {field.kind.value}: it takes a plain value")
        else:
            plain = 0 if value.value is ast.MINUS_ZERO else value.value
            try:
                return record(field, scalar_payload(field, plain, text_format=False))
            except ValueFault as fault:
                self.unit.error(value, str(fault), fault.help)
        return b""


def _path_with_index(fields: list[FieldDescriptor], counts: dict[Path, int]) -> Path:
    """The numbers of `fields`, and how many values came before if the last is repeated. `counts` remembers these."""
    path = tuple(field.number for field in fields)
    if not fields or fields[-1].label is not Label.REPEATED:
        return path
    index = counts[path] = counts.get(path, -1) + 1
    return (*path, index)


def _written(option: ast.Option) -> str:
    return ".".join(f"({p.name.text})" if p.is_extension else p.name.text for p in option.parts)


def _option_messages(table: SymbolTable) -> dict[str, MessageDescriptor]:
    """FileOptions, MessageOptions, … by name: from the run's own descriptor.proto if there is one."""
    own = table.names.get("google.protobuf.FileOptions")
    if isinstance(own, MessageDescriptor) and own.file.name == _DESCRIPTOR_FILE:
        return {message.name: message for message in own.file.messages}
    from .wkt.shared import well_known_file  # compiled from its text by this compiler, when first needed

    file = well_known_file(_DESCRIPTOR_FILE)
    return {message.name: message for message in file.messages} if file else {}
