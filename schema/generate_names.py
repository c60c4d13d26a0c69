"""What a file's modules call the things that it declares: the names that its Schema has, too."""

from __future__ import annotations

from dataclasses import dataclass, field

from .build import base_class
from .class_names import nested_attributes
from .descriptor import FileDescriptor, MessageDescriptor, ServiceDescriptor
from .generated_builder import Type, places_in
from .loaded import declared_names
from .lower import field_attributes
from .registry import Declared, symbol_file
from .service import Servicer, Stub, method_attribute


@dataclass(slots=True)
class ServiceNames:
    spec: str = ""
    servicer: str = ""
    stub: str = ""


@dataclass(slots=True)
class Names:
    """`top` are messages, enums, extensions and enum values; `paths` says where every type stands below them."""

    top: dict[str, Declared] = field(default_factory=dict)
    services: dict[ServiceDescriptor, ServiceNames] = field(default_factory=dict)
    paths: dict[Type, str] = field(default_factory=dict)

    def all_attributes(self) -> set[str]:
        """Every name that the top level or a class has."""
        found = set(self.top)
        for service, names in self.services.items():
            found |= {names.spec, names.servicer, names.stub, *map(method_attribute, service.methods)}
        for declared in self.paths:
            if isinstance(declared, MessageDescriptor):
                found |= class_scope(declared)
        return found


def names_of(file: FileDescriptor) -> Names:
    names = Names()
    for name, (what, declared) in declared_names(file).items():
        if symbol_file(declared) is not file:
            continue
        if not isinstance(declared, ServiceDescriptor):
            names.top[name] = declared
            continue
        service = names.services.setdefault(declared, ServiceNames())
        if what is Servicer:
            service.servicer = name
        elif what is Stub:
            service.stub = name
        else:
            service.spec = name
    names.paths = {declared: place.qualname for declared, place in places_in(names.top, {}).items()}
    return names


def class_scope(message: MessageDescriptor) -> set[str]:
    """The names in the body of a message's class: Python finds these before those of the module."""
    return {
        *field_attributes(message).values(),
        *nested_attributes(message, base_class(message)),
        "which",
    }
