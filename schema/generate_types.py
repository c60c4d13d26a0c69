"""The Python types of fields, as annotations."""

from __future__ import annotations

from dataclasses import dataclass

from ..wire.plan import Cardinality, Kind
from .descriptor import FieldDescriptor
from .generate_scope import ModuleScope, Scope
from .lower import cardinality

_SCALARS = {
    Kind.DOUBLE: "float",
    Kind.FLOAT: "float",
    Kind.BOOL: "bool",
    Kind.STRING: "str",
    Kind.BYTES: "bytes",
}
_ZEROS = {"float": "0.0", "bool": "False", "str": '""', "bytes": 'b""', "int": "0"}


@dataclass(frozen=True, slots=True)
class FieldTypes:
    """`attribute` is what reading gives; `argument` what the constructor takes, and `default` what it takes it for."""

    attribute: str
    argument: str
    default: str


def field_types(field: FieldDescriptor, module: ModuleScope, scope: Scope) -> FieldTypes:
    """The types of a field, in a class body with the names `scope`."""
    shape = cardinality(field)
    if shape is Cardinality.MAP:
        assert field.message_type is not None
        key, value = (
            _single(part, module, scope)
            for part in sorted(field.message_type.fields, key=lambda part: part.number)
        )
        mapping = module.use("collections.abc", "Mapping")
        dictionary = module.builtin("dict", scope)
        return FieldTypes(f"{dictionary}[{key}, {value}]", f"{mapping}[{key}, {value}] | None", "None")
    single = _single(field, module, scope)
    if shape is Cardinality.REPEATED:
        iterable = module.use("collections.abc", "Iterable")
        return FieldTypes(f"{module.builtin('list', scope)}[{single}]", f"{iterable}[{single}]", "()")
    if shape is Cardinality.IMPLICIT:
        return FieldTypes(single, single, _zero(field))
    return FieldTypes(f"{single} | None", f"{single} | None", "None")


def extension_type(field: FieldDescriptor, module: ModuleScope, scope: Scope) -> str:
    """What `message[extension]` gives."""
    return field_types(field, module, scope).attribute


def _zero(field: FieldDescriptor) -> str:
    return "..." if field.enum_type is not None else _ZEROS[_SCALARS.get(field.kind, "int")]


def _single(field: FieldDescriptor, module: ModuleScope, scope: Scope) -> str:
    named = field.message_type or field.enum_type
    if named is not None:
        return module.type_name(named, scope)
    return module.builtin(_SCALARS.get(field.kind, "int"), scope)
