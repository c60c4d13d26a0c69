"""Descriptors → message and enum classes.

Classes are built when they are first asked for, together with everything that they can reach: decoding a message
must be able to create any message inside it.

A class carries as attributes, next to its fields: the classes nested in it, the values of the enums nested in it and
the extensions declared in it (`class_names`).
"""

from __future__ import annotations

from collections.abc import Mapping
from threading import RLock
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ..wire.enum import Enum
from ..wire.message import Extension, build_class
from ..wire.plan import FieldPlan, MessagePlan
from .class_names import enum_member_name, nested_attributes
from .descriptor import (
    EnumDescriptor,
    EnumValueDescriptor,
    FieldDescriptor,
    FileDescriptor,
    MessageDescriptor,
)
from .lower import Lowering, cardinality
from .message import Message

if TYPE_CHECKING:
    from .registry import Registry


class Builder:
    """The classes of a set of descriptors, each built once.

    `shared` owns the well-known types: what stands in one of its `shared_files` is built there and not here.
    `registry` becomes the classes' `__registry__`, which resolves the types named inside an Any.
    """

    def __init__(
        self,
        *,
        shared: Builder | None = None,
        registry: Registry | None = None,
        shared_files: Mapping[str, FileDescriptor] = MappingProxyType({}),
    ) -> None:
        self._shared = shared
        self._registry = registry
        self._shared_files = shared_files
        self._lock = RLock()
        self._enums: dict[EnumDescriptor, type[Enum]] = {}
        self._messages: dict[MessageDescriptor, type[Message]] = {}
        self._extensions: dict[FieldDescriptor, Extension[Any]] = {}
        # Extensions of messages that nobody has asked for yet: registering them would build those messages.
        self._waiting: dict[MessageDescriptor, list[FieldDescriptor]] = {}
        self._lowering = Lowering(self._build_enum, self._lowering_elsewhere)

    def owns(self, file: FileDescriptor) -> bool:
        """Whether a builder that shares this one leaves the types of a file to it."""
        return self._shared_files.get(file.name) is file

    def _owner(self, file: FileDescriptor) -> Builder | None:
        """Who builds the types of a file, where it is not this builder."""
        if file.builder is not None:
            return file.builder if file.builder is not self else None
        return self._shared if self._shared is not None and self._shared.owns(file) else None

    def message_class(self, descriptor: MessageDescriptor) -> type[Message]:
        """The class of a message; built now, with all it refers to, if it does not exist yet."""
        owner = self._owner(descriptor.file)
        if owner is not None:
            return owner.message_class(descriptor)
        built = self._messages.get(descriptor)
        if built is not None:
            return built
        with self._lock:
            self._lowering.message(descriptor)
            self._build_lowered()
            return self._messages[descriptor]

    def enum_class(self, descriptor: EnumDescriptor) -> type[Enum]:
        """The class of an enum."""
        with self._lock:
            return self._lowering.enum(descriptor).enum_class

    def extension(self, descriptor: FieldDescriptor) -> Extension[Any]:
        """The key of `msg[…]` for an extension field; from now on its message decodes it."""
        owner = self._owner(descriptor.file)
        if owner is not None:
            return owner.extension(descriptor)
        built = self._extensions.get(descriptor)
        if built is not None:
            return built
        with self._lock:
            if descriptor in self._extensions:
                return self._extensions[descriptor]
            extendee = self._lowering.message(descriptor.containing_type)
            # Within a registry no number is taken twice. But generated modules share the messages that they extend
            # (options, mostly): two packages may have copies of one file, which then share its extensions, or have
            # given one number to two of them; then the first keeps it, and using the other is a KeyError.
            taken = extendee.extensions.get(descriptor.number)
            if taken is not None and _is_same_extension(taken, descriptor):
                extension: Extension[Any] = Extension(taken, extendee)
            else:
                extension = Extension(self._lowering.extension(descriptor), extendee)
                if taken is not None:
                    extendee.add_extension(taken)
            self._extensions[descriptor] = extension
            self._build_lowered()
            return extension

    def add_extension(self, descriptor: FieldDescriptor) -> None:
        """Make an extension known: it is registered no later than when the class of its message is built."""
        if self._owner(descriptor.file) is not None:
            return  # known since its module was imported
        with self._lock:
            if descriptor.containing_type in self._messages:
                self.extension(descriptor)
            elif descriptor not in self._extensions:
                self._waiting.setdefault(descriptor.containing_type, []).append(descriptor)

    def _lowering_elsewhere(self, descriptor: MessageDescriptor | EnumDescriptor) -> Lowering | None:
        owner = self._owner(descriptor.file)
        if owner is None:
            return None
        # Not the owner's lowering alone: the plans that come from there need their classes.
        if isinstance(descriptor, MessageDescriptor):
            owner.message_class(descriptor)
        else:
            owner.enum_class(descriptor)
        return owner._lowering

    def _build_lowered(self) -> None:
        """Give every plan that has been lowered a class; registering extensions may lower more."""
        while lowered := self._lowering.take_lowered():
            for descriptor in lowered:
                self._messages[descriptor] = self._build_message(
                    descriptor, self._lowering.message(descriptor)
                )
            for descriptor in lowered:
                self._attach_nested(descriptor)
            for descriptor in lowered:
                for extension in self._waiting.pop(descriptor, ()):
                    self.extension(extension)

    def _build_message(self, descriptor: MessageDescriptor, plan: MessagePlan) -> type[Message]:
        built = build_class(
            plan,
            descriptor.name,
            module=self._module_name(descriptor),
            qualname=self._qualname(descriptor),
            bases=(base_class(descriptor),),
            namespace=self._namespace(descriptor),
        )
        assert issubclass(built, Message)
        return built

    def _attach_nested(self, descriptor: MessageDescriptor) -> None:
        owner = self._messages[descriptor]
        for name, nested in nested_attributes(descriptor, base_class(descriptor)).items():
            match nested:
                case MessageDescriptor():
                    setattr(owner, name, self._messages[nested])
                case EnumDescriptor():
                    setattr(owner, name, self.enum_class(nested))
                case FieldDescriptor():
                    setattr(owner, name, _ScopedExtension(self, nested))
                case EnumValueDescriptor():
                    setattr(owner, name, self.enum_class(nested.enum)(nested.number))

    def _build_enum(self, descriptor: EnumDescriptor) -> type[Enum]:
        built = self._enums.get(descriptor)
        if built is None:
            built = self._enums[descriptor] = self._new_enum(descriptor)
        return built

    # What a builder of classes that stand in modules does in another way:

    def _new_enum(self, descriptor: EnumDescriptor) -> type[Enum]:
        return Enum(  # pyright: ignore[reportCallIssue, reportReturnType]: the functional API, which makes a class
            descriptor.name,
            enum_members(descriptor),
            module=self._module_name(descriptor),
            qualname=self._qualname(descriptor),
        )

    def _namespace(self, descriptor: MessageDescriptor) -> dict[str, Any]:
        return {"__descriptor__": descriptor, "__registry__": self._registry}

    def _module_name(self, descriptor: MessageDescriptor | EnumDescriptor) -> str:
        file = descriptor.file.name
        # The well-known types can be imported from a module; everything else says which file it was loaded from.
        return "barewire.schema.wkt" if file.startswith("google/protobuf/") else file

    def _qualname(self, descriptor: MessageDescriptor | EnumDescriptor) -> str:
        names = [descriptor.name]
        outer = descriptor.containing_type
        while outer is not None:
            names.append(outer.name)
            outer = outer.containing_type
        return ".".join(reversed(names))


def base_class(descriptor: MessageDescriptor) -> type[Message]:
    """What the class of a message derives from."""
    if not descriptor.full_name.startswith("google.protobuf."):
        return Message
    from .wkt.mixins import MIXINS  # with datetime, for programs that use one of these

    return MIXINS.get(descriptor.full_name, Message)


def enum_members(descriptor: EnumDescriptor) -> list[tuple[str, int]]:
    """The Python names and the numbers of an enum's values, aliases included."""
    return [(enum_member_name(value.name), value.number) for value in descriptor.values]


def _is_same_extension(plan: FieldPlan, descriptor: FieldDescriptor) -> bool:
    return (
        plan.name == descriptor.full_name
        and plan.kind is descriptor.kind
        and plan.cardinality is cardinality(descriptor)
    )


class _ScopedExtension:
    """An extension declared inside a message, as an attribute of its class: made when it is first read."""

    def __init__(self, builder: Builder, descriptor: FieldDescriptor) -> None:
        self._builder = builder
        self._descriptor = descriptor

    def __get__(self, instance: object, owner: type) -> Extension[Any]:
        return self._builder.extension(self._descriptor)
