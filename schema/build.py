"""Descriptors → message and enum classes.

Classes are built when they are first asked for, together with everything that they can reach: decoding a message
must be able to create any message inside it.

A class carries as attributes, next to its fields: the classes nested in it, the values of the enums nested in it and
the extensions declared in it. Where two of these would share a name, fields come first, then nested types, then
extensions, then enum values; a nested type or extension that comes too late gets a trailing underscore, an enum value
that comes too late is reachable through its enum alone.
"""

from __future__ import annotations

import keyword
from collections.abc import Mapping
from threading import RLock
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ..wire.enum import Enum
from ..wire.message import Extension, build_class
from ..wire.naming import attribute_name
from ..wire.plan import MessagePlan
from .descriptor import EnumDescriptor, FieldDescriptor, FileDescriptor, MessageDescriptor
from .lower import Lowering
from .message import Message
from .wkt.mixins import MIXINS

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
        self._extensions: dict[FieldDescriptor, Extension] = {}
        # Extensions of messages that nobody has asked for yet: registering them would build those messages.
        self._waiting: dict[MessageDescriptor, list[FieldDescriptor]] = {}
        self._lowering = Lowering(self._build_enum, self._lowering_elsewhere)

    def owns(self, descriptor: MessageDescriptor | EnumDescriptor) -> bool:
        """Whether a builder that shares this one leaves the descriptor to it."""
        return self._shared_files.get(descriptor.file.name) is descriptor.file

    def message_class(self, descriptor: MessageDescriptor) -> type[Message]:
        """The class of a message; built now, with all it refers to, if it does not exist yet."""
        if self._shared is not None and self._shared.owns(descriptor):
            return self._shared.message_class(descriptor)
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

    def extension(self, descriptor: FieldDescriptor) -> Extension:
        """The key of `msg[…]` for an extension field; from now on its message decodes it."""
        built = self._extensions.get(descriptor)
        if built is not None:
            return built
        with self._lock:
            if descriptor in self._extensions:
                return self._extensions[descriptor]
            extendee = self._lowering.message(descriptor.containing_type)
            plan = self._lowering.extension(descriptor)
            extension = self._extensions[descriptor] = Extension(plan, extendee)
            self._build_lowered()
            return extension

    def add_extension(self, descriptor: FieldDescriptor) -> None:
        """Make an extension known: it is registered no later than when the class of its message is built."""
        with self._lock:
            if descriptor.containing_type in self._messages:
                self.extension(descriptor)
            elif descriptor not in self._extensions:
                self._waiting.setdefault(descriptor.containing_type, []).append(descriptor)

    def _lowering_elsewhere(self, descriptor: MessageDescriptor | EnumDescriptor) -> Lowering | None:
        shared = self._shared
        if shared is None or not shared.owns(descriptor):
            return None
        # Not the shared lowering alone: the plans that come from there need their classes.
        if isinstance(descriptor, MessageDescriptor):
            shared.message_class(descriptor)
        else:
            shared.enum_class(descriptor)
        return shared._lowering

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
        base = MIXINS.get(descriptor.full_name, Message)
        built = build_class(
            plan,
            descriptor.name,
            module=_module_name(descriptor),
            qualname=_qualname(descriptor),
            bases=(base,),
            namespace={"__descriptor__": descriptor, "__registry__": self._registry},
        )
        assert issubclass(built, Message)
        return built

    def _attach_nested(self, descriptor: MessageDescriptor) -> None:
        owner = self._messages[descriptor]
        for message in descriptor.messages:
            if not message.is_map_entry:
                _attach(owner, message.name, self._messages[message])
        enums = [self.enum_class(enum) for enum in descriptor.enums]
        for enum in enums:
            _attach(owner, enum.__name__, enum)
        for extension in descriptor.extensions:
            _attach(owner, extension.name, _ScopedExtension(self, extension))
        for enum in enums:
            for name, value in enum.__members__.items():
                if name == attribute_name(name) and not hasattr(owner, name):
                    setattr(owner, name, value)

    def _build_enum(self, descriptor: EnumDescriptor) -> type[Enum]:
        built = self._enums.get(descriptor)
        if built is None:
            members = [(enum_member_name(value.name), value.number) for value in descriptor.values]
            built = Enum(  # pyright: ignore[reportCallIssue]: the functional API, which makes a class
                descriptor.name, members, module=_module_name(descriptor), qualname=_qualname(descriptor)
            )
            self._enums[descriptor] = built  # pyright: ignore[reportArgumentType]
        return built  # pyright: ignore[reportReturnType]


class _ScopedExtension:
    """An extension declared inside a message, as an attribute of its class: made when it is first read."""

    def __init__(self, builder: Builder, descriptor: FieldDescriptor) -> None:
        self._builder = builder
        self._descriptor = descriptor

    def __get__(self, instance: object, owner: type) -> Extension:
        return self._builder.extension(self._descriptor)


def enum_member_name(name: str) -> str:
    """The Python name of an enum value: an underscore is added where Python needs the name itself."""
    if keyword.iskeyword(name) or hasattr(Enum, name) or (name.startswith("_") and name.endswith("_")):
        return name + "_"
    return name


def _attach(owner: type, name: str, value: Any) -> None:
    attribute = attribute_name(name)
    while hasattr(owner, attribute):
        attribute += "_"
    setattr(owner, attribute, value)


def _module_name(descriptor: MessageDescriptor | EnumDescriptor) -> str:
    file = descriptor.file.name
    # The well-known types can be imported from a module; everything else says which file it was loaded from.
    return "barewire.schema.wkt" if file.startswith("google/protobuf/") else file


def _qualname(descriptor: MessageDescriptor | EnumDescriptor) -> str:
    names = [descriptor.name]
    outer = descriptor.containing_type
    while outer is not None:
        names.append(outer.name)
        outer = outer.containing_type
    return ".".join(reversed(names))
