"""Life times that options and their values are declared with (`feature_support`): introduced, deprecated, removed.

Spec: descriptor.proto, FieldOptions.FeatureSupport.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .raw_fields import raw_fields

if TYPE_CHECKING:
    from . import ast
    from .descriptor import EnumValueDescriptor, FieldDescriptor
    from .unit import Place, Unit

_OF_FIELD, _OF_VALUE = 22, 4  # feature_support in FieldOptions and in EnumValueOptions
_INTRODUCED, _DEPRECATED, _WARNING, _REMOVED, _REMOVAL_ERROR = 1, 2, 3, 4, 5

Support = dict[int, "int | bytes"]


def check_field_support(unit: Unit, field: FieldDescriptor, node: ast.Field) -> None:
    support = _support(field.option_bytes, _OF_FIELD)
    if support:
        _check(unit, node.name, support, f"'{field.name}'")
    for value in field.enum_type.values if support and field.enum_type else ():
        inner = _support(value.option_bytes, _OF_VALUE)
        if inner:
            _check_bounds(unit, node.name, support, inner, f"value {value.name}")


def check_value_support(unit: Unit, value: EnumValueDescriptor, node: ast.EnumValue) -> None:
    support = _support(value.option_bytes, _OF_VALUE)
    if support:
        _check(unit, node.name, support, f"'{value.name}'")


def _support(option_bytes: bytes | None, number: int) -> Support:
    support: Support = {}
    for found, value in raw_fields(option_bytes or b""):
        if found == number and isinstance(value, bytes):
            support.update(raw_fields(value))
    return support


def _edition(support: Support, what: int) -> int:
    value = support.get(what, 0)
    return value if isinstance(value, int) else 0


def _check(unit: Unit, where: Place, support: Support, name: str) -> None:
    introduced, deprecated, removed = (_edition(support, n) for n in (_INTRODUCED, _DEPRECATED, _REMOVED))
    faults = (
        (deprecated and deprecated < introduced, "is deprecated before it is introduced"),
        (deprecated and _WARNING not in support, "is deprecated, but deprecation_warning is not given"),
        (not deprecated and _WARNING in support, "has a deprecation_warning, but edition_deprecated is not given"),
        (removed and deprecated >= removed, "is deprecated after it is removed"),
        (removed and removed < introduced, "is removed before it is introduced"),
        (
            removed and introduced != removed and _REMOVAL_ERROR not in support,
            "is removed, but removal_error is not given",
        ),
        (not removed and _REMOVAL_ERROR in support, "has a removal_error, but edition_removed is not given"),
    )  # fmt: skip
    fault = next((text for wrong, text in faults if wrong), None)
    if fault:
        unit.error(where, f"{name} {fault} in its feature_support")


def _check_bounds(unit: Unit, where: Place, outer: Support, inner: Support, name: str) -> None:
    for what, word in ((_REMOVED, "removed"), (_DEPRECATED, "deprecated")):
        if _edition(outer, what) and _edition(inner, what) > _edition(outer, what):
            unit.error(where, f"{name} is {word} after its option, in their feature_support")
    if _edition(inner, _INTRODUCED) < _edition(outer, _INTRODUCED):
        unit.error(where, f"{name} is introduced before its option, in their feature_support")
