"""Descriptors → the declarations of message classes, enums and extensions."""

from __future__ import annotations

from collections.abc import Mapping

from .build import base_class, enum_members
from .class_names import nested_attributes
from .descriptor import (
    EnumDescriptor,
    EnumValueDescriptor,
    FieldDescriptor,
    FileDescriptor,
    MessageDescriptor,
    OneofDescriptor,
)
from .generate_names import class_scope
from .generate_scope import MODULE_SCOPE, ModuleScope
from .generate_text import Text
from .generate_types import argument, attribute_type
from .lower import field_attributes
from .wkt.mixins import MIXINS


class MessageEmitter:
    """Writes what a file declares, services excepted. `comments` are those of the `.proto`, by full name.

    In a `stub` (`.pyi`) there is nothing but what type checkers read.
    """

    def __init__(
        self, text: Text, module: ModuleScope, comments: Mapping[str, str], *, stub: bool = False
    ) -> None:
        self.text = text
        self.module = module
        self.comments = comments
        self.stub = stub
        self.gap = 1 if stub else 2  # empty lines between top-level statements

    def file(self, file: FileDescriptor) -> None:
        names = self.module.names(file).top
        for name, declared in names.items():
            if isinstance(declared, MessageDescriptor):
                self.text.blank(self.gap)
                self.message(name, declared)
            elif isinstance(declared, EnumDescriptor):
                self.text.blank(self.gap)
                self.enum(name, declared)
        extensions = [(name, each) for name, each in names.items() if isinstance(each, FieldDescriptor)]
        values = [(name, each) for name, each in names.items() if isinstance(each, EnumValueDescriptor)]
        if values:
            self.text.blank(self.gap)
        for name, value in values:
            self.enum_value(name, value)
        if extensions:
            self.text.blank(self.gap)
        for name, extension in extensions:
            self.extension(name, extension)

    def message(self, name: str, message: MessageDescriptor) -> None:
        """A class. Nested ones are written by recursion: Python itself limits how deep class statements can nest."""
        scope = class_scope(message)
        with self.text.block(f"class {name}({self._base(message)}):"):
            self.text.docstring(self._comment(message) or f"Message {message.full_name}.")
            nested = nested_attributes(message, base_class(message))
            for attribute, each in nested.items():
                if isinstance(each, MessageDescriptor):
                    self.text.blank()
                    self.message(attribute, each)
                elif isinstance(each, EnumDescriptor):
                    self.text.blank()
                    self.enum(attribute, each)
            self._fields(message, scope)
            self._nested_values(nested, scope)
            self._typed_methods(message, scope)

    def enum(self, name: str, enum: EnumDescriptor) -> None:
        base = f"{self.module.use('barewire.schema', 'generated')}.Enum"
        with self.text.block(f"class {name}({base}):"):
            self.text.docstring(self._comment(enum) or f"Enum {enum.full_name}.")
            self.text.blank()
            for (member, number), value in zip(enum_members(enum), enum.values, strict=True):
                self.text.line(f"{member} = {number}{_EXCUSE if member in _PROPERTIES else ''}")
                self.text.docstring(self._comment(value))

    def enum_value(self, name: str, value: EnumValueDescriptor) -> None:
        enum = self.module.type_name(value.enum)
        member = dict(zip(value.enum.values, enum_members(value.enum), strict=True))[value][0]
        self.text.line(f"{name}: {enum}" if self.stub else f"{name} = {enum}.{member}")

    def extension(self, name: str, extension: FieldDescriptor) -> None:
        self._extension(name, extension, MODULE_SCOPE, "{}")

    def _extension(
        self, name: str, extension: FieldDescriptor, scope: set[str] | frozenset[str], form: str
    ) -> None:
        base = f"{self.module.use('barewire.schema', 'generated')}.Extension"
        annotation = form.format(f"{base}[{attribute_type(extension, self.module, scope)}]")
        self.text.line(
            f"{name}: {annotation}  # extends {extension.containing_type.full_name} = {extension.number}"
        )
        self.text.docstring(self._comment(extension))

    def _base(self, message: MessageDescriptor) -> str:
        mixin = MIXINS.get(message.full_name)
        if mixin is not None:
            return f"{self.module.use('barewire.schema.wkt', 'mixins')}.{mixin.__name__}"
        return f"{self.module.use('barewire.schema', 'generated')}.Message"

    def _comment(self, declared: object) -> str:
        return self.comments.get(getattr(declared, "full_name", ""), "")

    def _fields(self, message: MessageDescriptor, scope: set[str]) -> None:
        attributes = field_attributes(message)
        oneof: OneofDescriptor | None = None
        if message.fields:
            self.text.blank()
        for field in message.fields:
            inside = field.containing_oneof
            if inside is not None and not inside.is_synthetic and inside is not oneof:
                self.text.line(f"# oneof {inside.name}: at most one of the next {len(inside.fields)}")
                self._comment_lines(inside)
            oneof = inside
            annotation = attribute_type(field, self.module, scope)
            self.text.line(f"{attributes[field.name]}: {annotation}  # = {field.number}{_default(field)}")
            self.text.docstring(self._comment(field))

    def _comment_lines(self, declared: object) -> None:
        for line in self._comment(declared).splitlines():
            self.text.line(f"# {line}".rstrip())

    def _nested_values(self, nested: Mapping[str, object], scope: set[str]) -> None:
        members = {
            attribute: each
            for attribute, each in nested.items()
            if isinstance(each, FieldDescriptor | EnumValueDescriptor)
        }
        if not members:
            return
        class_var = self.module.use("typing", "ClassVar") + "[{}]"
        self.text.blank()
        for attribute, each in members.items():
            if isinstance(each, FieldDescriptor):
                self._extension(attribute, each, scope, class_var)
            else:
                enum = self.module.type_name(each.enum, scope)
                self.text.line(f"{attribute}: {class_var.format(enum)}")

    def _typed_methods(self, message: MessageDescriptor, scope: set[str]) -> None:
        """What the built class has, said more precisely than its base says it."""
        oneofs = [oneof for oneof in message.oneofs if not oneof.is_synthetic]
        if not message.fields:
            return
        self.text.blank()
        if self.stub:
            self._constructor(message, scope)
            self._which(message, oneofs, scope)
            return
        with self.text.block(f"if {self.module.use('typing', 'TYPE_CHECKING')}:"):
            self.text.line()
            self._constructor(message, scope)
            self._which(message, oneofs, scope)

    def _constructor(self, message: MessageDescriptor, scope: set[str]) -> None:
        attributes = field_attributes(message)
        this = "self"
        while this in scope:
            this = f"_{this}"
        arguments = [this, "/", "*"] if this != "self" else ["self", "*"]
        for field in message.fields:
            arguments.append(f"{attributes[field.name]}: {argument(field, self.module, scope)}")
        self.text.listed("def __init__(", arguments, ") -> None: ...")

    def _which(self, message: MessageDescriptor, oneofs: list[OneofDescriptor], scope: set[str]) -> None:
        if not oneofs:
            return
        attributes = field_attributes(message)
        literal = self.module.use("typing", "Literal")
        overload = self.module.use("typing", "overload")
        text = self.module.builtin("str", scope)
        for oneof in oneofs:
            self.text.blank(self.gap - 1)
            self.text.line(f"@{overload}")
            members = [f'"{attributes[field.name]}"' for field in oneof.fields]
            argument = f'self, oneof: {literal}["{oneof.name}"]'
            line = f"def which({argument}) -> {literal}[{', '.join(members)}] | None: ..."
            if self.text.fits(line):
                self.text.line(line)
                continue
            self.text.line("def which(")
            self.text.line(f"    {argument}")
            self.text.line(") -> (")
            with self.text.indented():
                self.text.listed(f"{literal}[", members, "]")
            self.text.line("    | None")
            self.text.line("): ...")
        otherwise = f"def which(self, oneof: {text}) -> {text} | None: ..."
        self.text.blank(self.gap - 1)
        self.text.line(f"@{overload}")
        self.text.line(otherwise)
        if not self.stub:
            self.text.line(otherwise)


# Python allows an enum to call its members so; type checkers see the properties of all enums.
_PROPERTIES = frozenset({"name", "value"})
_EXCUSE = "  # type: ignore  # pyright: ignore"


def _default(field: FieldDescriptor) -> str:
    """The declared default, for a comment."""
    return "" if field.default_text is None else f", default {field.default_text!r}"
