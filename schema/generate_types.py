"""The Python types of fields, as annotations."""

from __future__ import annotations

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


def attribute_type(field: FieldDescriptor, module: ModuleScope, scope: Scope) -> str:
    """What reading a field or an extension gives, in a class body with the names `scope`."""
    match cardinality(field):
        case Cardinality.MAP:
            return f"{module.builtin('dict', scope)}[{_key_and_value(field, module, scope)}]"
        case Cardinality.REPEATED:
            return f"{module.builtin('list', scope)}[{_single(field, module, scope)}]"
        case Cardinality.IMPLICIT:
            return _single(field, module, scope)
        case Cardinality.EXPLICIT | Cardinality.REQUIRED:
            return f"{_single(field, module, scope)} | None"


def argument(field: FieldDescriptor, module: ModuleScope, scope: Scope) -> str:
    """The type and the default of a field's argument of the constructor: `int = 0`."""
    match cardinality(field):
        case Cardinality.MAP:
            mapping = module.use("collections.abc", "Mapping")
            return f"{mapping}[{_key_and_value(field, module, scope)}] | None = None"
        case Cardinality.REPEATED:
            iterable = module.use("collections.abc", "Iterable")
            return f"{iterable}[{_single(field, module, scope)}] = ()"
        case Cardinality.IMPLICIT:
            return f"{_single(field, module, scope)} = {_zero(field)}"
        case Cardinality.EXPLICIT | Cardinality.REQUIRED:
            return f"{_single(field, module, scope)} | None = None"


def _key_and_value(field: FieldDescriptor, module: ModuleScope, scope: Scope) -> str:
    assert field.message_type is not None
    parts = sorted(field.message_type.fields, key=lambda part: part.number)
    return ", ".join(_single(part, module, scope) for part in parts)


def _zero(field: FieldDescriptor) -> str:
    return "..." if field.enum_type is not None else _ZEROS[_SCALARS.get(field.kind, "int")]


def _single(field: FieldDescriptor, module: ModuleScope, scope: Scope) -> str:
    named = field.message_type or field.enum_type
    if named is not None:
        return module.type_name(named, scope)
    return module.builtin(_SCALARS.get(field.kind, "int"), scope)
