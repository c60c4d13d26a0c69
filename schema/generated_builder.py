"""Builds the classes of one generated module: named, documented and annotated as the module declares them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ..wire.enum import Enum
from ..wire.record import record
from .build import Builder, base_class, enum_members
from .class_names import nested_attributes
from .descriptor import EnumDescriptor, FileDescriptor, MessageDescriptor
from .wkt.shared import DESCRIPTOR_FILE, shared_builder, well_known_descriptor, well_known_file

if TYPE_CHECKING:
    from .message import Message
    from .registry import Registry

Type = MessageDescriptor | EnumDescriptor

# What is taken over from a declared class; the last one is where `inspect` finds its source (Python 3.13).
_TAKEN_OVER = ("__doc__", "__annotations__", "__firstlineno__")


@record(frozen=True)
class Place:
    """Where the class of a message or an enum stands in its module, and the class that is written there."""

    qualname: str
    declared: Any = None  # None: not written there


class GeneratedBuilder(Builder):
    """The classes of `file`, which `places` finds in `module`; `registry` makes their registry.

    Every other file of a generated module has a builder of its own, which all of these share.
    """

    def __init__(
        self,
        file: FileDescriptor,
        module: str,
        places: Mapping[Type, Place],
        registry: Callable[[], Registry],
    ) -> None:
        super().__init__(shared=shared_builder())
        self._file = file
        self._module = module
        self._places = places
        self._lazy_registry = _LazyRegistry(registry)

    def _owner(self, file: FileDescriptor) -> Builder | None:
        if file is self._file:
            return None
        if file is well_known_file(DESCRIPTOR_FILE):
            return options_builder()
        return super()._owner(file)

    def _new_enum(self, descriptor: EnumDescriptor) -> type[Enum]:
        declared = self._places[descriptor].declared
        if isinstance(declared, type) and issubclass(declared, Enum):
            members = [(name, int(value)) for name, value in declared.__members__.items()]
            if members == enum_members(descriptor):
                return declared
        return super()._new_enum(descriptor)  # a class body cannot hold every name: `__x` for one

    def _namespace(self, descriptor: MessageDescriptor) -> dict[str, Any]:
        written: dict[str, Any] = getattr(self._places[descriptor].declared, "__dict__", {})
        return {
            **{name: written[name] for name in _TAKEN_OVER if written.get(name) is not None},
            "__descriptor__": descriptor,
            "__registry__": self._lazy_registry,
            "__importable__": True,  # see pickling
        }

    def _module_name(self, descriptor: Type) -> str:
        return self._module

    def _qualname(self, descriptor: Type) -> str:
        return self._places[descriptor].qualname


class OpenBuilder(Builder):
    """Builds what is loaded at run time into a registry of generated modules; these keep their own builders."""

    def __init__(self, registry: Registry) -> None:
        super().__init__(shared=shared_builder(), registry=registry)

    def _owner(self, file: FileDescriptor) -> Builder | None:
        return options_builder() if file is well_known_file(DESCRIPTOR_FILE) else super()._owner(file)


class _LazyRegistry:
    """`__registry__` of the classes of a module: made when it is first read."""

    def __init__(self, make: Callable[[], Registry]) -> None:
        self._make = make

    def __get__(self, instance: object, owner: type) -> Registry:
        return self._make()


def places_in(names: Mapping[str, Any], module: Mapping[str, Any]) -> dict[Type, Place]:
    """Where the types of a file, given by their top-level names, stand in the global names of a module."""
    places: dict[Type, Place] = {}
    # With a stack of our own: messages can be nested deeper than Python's stack.
    stack: list[tuple[Type, Place]] = [
        (declared, Place(name, module.get(name)))
        for name, declared in names.items()
        if isinstance(declared, Type)
    ]
    while stack:
        descriptor, place = stack.pop()
        places[descriptor] = place
        if isinstance(descriptor, MessageDescriptor):
            written: dict[str, Any] = getattr(place.declared, "__dict__", {})
            stack += [
                (nested, Place(f"{place.qualname}.{name}", written.get(name)))
                for name, nested in nested_attributes(descriptor, base_class(descriptor)).items()
                if isinstance(nested, Type)
            ]
    return places


def options_builder() -> Builder:
    """Who has the classes of descriptor.proto that generated modules use, and extend with their custom options."""
    from .wkt import descriptor_pb

    return descriptor_pb.__proto__.builder


def read_options(full_name: str, data: bytes) -> Message:
    """Options of something that a generated module declares, with the custom options of all such modules."""
    descriptor = well_known_descriptor(full_name)
    assert isinstance(descriptor, MessageDescriptor)
    return options_builder().message_class(descriptor).decode(data)
