"""Random plans, the same schemas as Google's message classes, and random messages: for holding our codec to upb's.

Plans mix what one `.proto` file cannot in proto2 or proto3, so the Google side is declared in edition 2023.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from google.protobuf import descriptor_pb2 as pb
from google.protobuf import descriptor_pool, message_factory
from hypothesis import strategies as st

from barewire.schema import strategies
from barewire.wire import (
    Cardinality,
    Enum,
    EnumPlan,
    Extension,
    FieldPlan,
    Kind,
    Message,
    MessagePlan,
    build_class,
)
from barewire.wire.access import message_class

_serial = itertools.count()
_PROTO_TYPES = {kind: getattr(pb.FieldDescriptorProto, f"TYPE_{kind.name}") for kind in Kind}
MESSAGES = (Kind.MESSAGE, Kind.GROUP)
SCALARS = tuple(kind for kind in Kind if kind not in MESSAGES)
MAP_KEYS = tuple(kind for kind in SCALARS if kind not in (Kind.DOUBLE, Kind.FLOAT, Kind.BYTES, Kind.ENUM))
ENUM_NUMBERS = (0, 1, 2, 100, -1, 70000)


@dataclass
class Schema:
    """`plans[i]` and `google[i]` describe the same message; the extensions all extend `plans[0]`."""

    plans: list[MessagePlan]
    google: list[type]
    extensions: list[tuple[Extension, Any]]

    def google_class(self, plan: MessagePlan) -> type:
        return self.google[self.plans.index(plan)]


def _enum(name: str, closed: bool) -> EnumPlan:
    members = {f"V{index}": number for index, number in enumerate(ENUM_NUMBERS)}
    made: Any = Enum(name, members)  # a class, which checkers cannot tell
    return EnumPlan(name, made, closed)


def build(
    package: str, specs: list[list[dict[str, Any]]], extensions: Sequence[dict[str, Any]] = ()
) -> Schema:
    """Plans and Google classes from field specs: arguments of FieldPlan, `message` an index and `enum` a word."""
    enums = {name: _enum(f"E_{name}", name == "closed") for name in ("open", "closed")}
    plans = [MessagePlan(f"{package}.M{index}") for index in range(len(specs))]
    for plan, spec in zip(plans, specs, strict=True):
        plan.fields = tuple(
            _field(each, plans, enums) for each in sorted(spec, key=lambda each: each["number"])
        )
        plan.oneofs = tuple(dict.fromkeys(field.oneof for field in plan.fields if field.oneof))
    for index, plan in enumerate(plans):
        build_class(plan, f"M{index}", module=__name__)
    extension_plans = [_field(each, plans, enums) for each in extensions]
    google, pool = _google_classes(package, plans, extension_plans)
    keys = [
        (Extension(each, plans[0]), pool.FindExtensionByName(f"{package}.{each.name}"))
        for each in extension_plans
    ]
    return Schema(plans, google, keys)


def _field(spec: dict[str, Any], plans: list[MessagePlan], enums: dict[str, EnumPlan]) -> FieldPlan:
    spec = dict(spec)
    if spec.get("message") is not None:
        spec["message"] = plans[spec["message"]]
    if spec.get("enum") is not None:
        spec["enum"] = enums[spec["enum"]]
    for part in ("key", "value"):
        if spec.get(part) is not None:
            spec[part] = _field(spec[part], plans, enums)
    return FieldPlan(**spec)


def _google_classes(
    package: str, plans: list[MessagePlan], extensions: list[FieldPlan]
) -> tuple[list[type], descriptor_pool.DescriptorPool]:
    file = pb.FileDescriptorProto(
        name=f"{package}.proto", package=package, syntax="editions", edition=pb.EDITION_2023
    )
    for name in ("open", "closed"):
        enum = file.enum_type.add(name=f"E_{name}")
        enum.options.features.enum_type = getattr(pb.FeatureSet, name.upper())
        for index, number in enumerate(ENUM_NUMBERS):
            enum.value.add(name=f"{name.upper()}_V{index}", number=number)
    for plan in plans:
        message = file.message_type.add(name=plan.full_name.rpartition(".")[2])
        for oneof in plan.oneofs:
            message.oneof_decl.add(name=oneof)
        for field in plan.fields:
            _declare(package, message, message.field.add(), field, plan)
        if plan is plans[0]:
            message.extension_range.add(start=1000, end=2000)
    for field in extensions:
        declared = file.extension.add(extendee=f".{plans[0].full_name}")
        _declare(package, None, declared, field, None)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return [
        message_factory.GetMessageClass(pool.FindMessageTypeByName(plan.full_name)) for plan in plans
    ], pool


def _declare(package: str, message: Any, declared: Any, field: Any, plan: MessagePlan | None) -> None:
    declared.name, declared.number = field.name, field.number
    declared.label = (
        declared.LABEL_REPEATED if field.cardinality in (Cardinality.REPEATED, Cardinality.MAP) else 1
    )
    features = declared.options.features
    if field.cardinality is Cardinality.MAP:
        entry_name = "".join(part.capitalize() for part in field.name.split("_")) + "Entry"
        entry = message.nested_type.add(name=entry_name)
        entry.options.map_entry = True
        for part in (field.key, field.value):
            _declare(package, entry, entry.field.add(), part, None)
        declared.type, declared.type_name = declared.TYPE_MESSAGE, f".{plan.full_name}.{entry_name}"
        return
    declared.type = declared.TYPE_MESSAGE if field.kind is Kind.GROUP else _PROTO_TYPES[field.kind]
    if field.kind is Kind.GROUP:
        features.message_encoding = pb.FeatureSet.DELIMITED
    if field.message is not None:
        declared.type_name = f".{field.message.full_name}"
    if field.enum is not None:
        declared.type_name = f".{package}.E_{'closed' if field.enum.closed else 'open'}"
    if field.cardinality is Cardinality.IMPLICIT and plan is not None:
        features.field_presence = pb.FeatureSet.IMPLICIT
    if field.cardinality is Cardinality.REQUIRED:
        features.field_presence = pb.FeatureSet.LEGACY_REQUIRED
    if field.cardinality is Cardinality.REPEATED and field.kind not in (*MESSAGES, Kind.STRING, Kind.BYTES):
        features.repeated_field_encoding = pb.FeatureSet.PACKED if field.packed else pb.FeatureSet.EXPANDED
    if field.kind is Kind.STRING and not field.utf8:
        features.utf8_validation = pb.FeatureSet.NONE
    if field.oneof is not None:
        declared.oneof_index = plan.oneofs.index(field.oneof)


# Random schemas ---------------------------------------------------------------------------------------------------

FIELD_NUMBERS = st.one_of(
    st.integers(1, 15), st.integers(1, 15), st.integers(16, 900), st.integers(2048, 18999)
)


@st.composite
def field_specs(draw: Any, number: int, messages: int, name: str, extension: bool = False) -> dict[str, Any]:
    spec: dict[str, Any] = {"number": number, "name": name}
    choices = [Cardinality.EXPLICIT, Cardinality.REPEATED]
    if not extension:
        choices += [Cardinality.IMPLICIT, Cardinality.IMPLICIT, Cardinality.MAP]
        if draw(st.integers(0, 7)) == 0:
            choices = [Cardinality.REQUIRED]
    spec["cardinality"] = draw(st.sampled_from(choices))
    if spec["cardinality"] is Cardinality.MAP:
        spec["kind"] = Kind.MESSAGE
        spec["key"] = {"number": 1, "name": "key", "kind": draw(st.sampled_from(MAP_KEYS))}
        value = {"number": 2, "name": "value", "kind": draw(st.sampled_from((*SCALARS, Kind.MESSAGE)))}
        spec["value"] = _complete(draw, value, messages)
        return spec
    if spec["cardinality"] in (Cardinality.IMPLICIT, Cardinality.REQUIRED):
        spec["kind"] = draw(st.sampled_from(SCALARS))
    else:
        spec["kind"] = draw(st.sampled_from((*SCALARS, *MESSAGES, Kind.MESSAGE, Kind.MESSAGE)))
    if spec["cardinality"] is Cardinality.REPEATED and spec["kind"] not in (
        *MESSAGES,
        Kind.STRING,
        Kind.BYTES,
    ):
        spec["packed"] = draw(st.booleans())
    if spec["cardinality"] is Cardinality.EXPLICIT and not extension:
        spec["oneof"] = draw(st.sampled_from((None, None, "o1", "o2")))
    return _complete(draw, spec, messages)


def _complete(draw: Any, spec: dict[str, Any], messages: int) -> dict[str, Any]:
    if spec["kind"] in MESSAGES:
        spec["message"] = draw(st.integers(0, messages - 1))
    if spec["kind"] is Kind.ENUM:
        implicit = spec.get("cardinality") is Cardinality.IMPLICIT
        spec["enum"] = "open" if implicit else draw(st.sampled_from(("open", "closed")))
    if spec["kind"] is Kind.STRING and spec.get("cardinality") is not None:
        spec["utf8"] = draw(st.booleans())
    return spec


@st.composite
def schemas(draw: Any, max_fields: int = 8) -> Schema:
    count = draw(st.integers(1, 3))
    specs = []
    for _ in range(count):
        if draw(st.integers(0, 3)) == 0:  # messages of strings alone have a fast path of their own
            numbers = range(1, draw(st.integers(1, 5)) + 1)
            specs.append(
                [{"number": number, "name": f"f{number}", "kind": Kind.STRING} for number in numbers]
            )
            continue
        numbers = draw(st.lists(FIELD_NUMBERS, max_size=max_fields, unique=True))
        specs.append([draw(field_specs(number, count, f"f{number}")) for number in numbers])
    extensions = [
        draw(field_specs(number, count, f"x{number}", extension=True))
        for number in draw(st.lists(st.integers(1000, 1999), max_size=2, unique=True))
        if all(spec["number"] != number for spec in specs[0])
    ]
    specs[0] = [spec for spec in specs[0] if not 1000 <= spec["number"] < 2000]
    return build(f"random{next(_serial)}", specs, extensions)


# Random messages --------------------------------------------------------------------------------------------------


def messages(plan: MessagePlan, depth: int = 3) -> st.SearchStrategy[Any]:
    """Messages of a plan, with about every third field set."""
    return strategies.messages(message_class(plan), max_depth=depth)


# Comparing --------------------------------------------------------------------------------------------------------


def tree(message: Message) -> dict[str, Any]:
    """What is set in one of our messages, as plain values."""
    found: dict[str, Any] = {}
    plan = message.__plan__
    for field in [*plan.fields, *plan.extensions.values()]:
        if field.number in plan.extensions:
            value = (message._extensions or {}).get(field.number)
        else:
            value = getattr(message, field.attribute)
        if value is None or (value in ([], {})):
            continue
        if field.cardinality is Cardinality.IMPLICIT and not value and repr(value) != "-0.0":
            continue
        if field.cardinality is Cardinality.MAP:
            found[field.name] = {key: _plain(field.value, item) for key, item in value.items()}
        elif field.cardinality is Cardinality.REPEATED:
            found[field.name] = [_plain(field, item) for item in value]
        else:
            found[field.name] = _plain(field, value)
    return found


def _plain(field: Any, value: Any) -> Any:
    if isinstance(value, Message):
        return tree(value)
    if isinstance(value, float):
        return "nan" if math.isnan(value) else repr(value)
    if field.kind is Kind.ENUM:
        return int(value)
    if isinstance(value, str) and not field.utf8:
        return value.encode("utf-8", "surrogateescape")
    return value


def google_tree(message: Any, plan: MessagePlan) -> dict[str, Any]:
    """The same of one of Google's."""
    found: dict[str, Any] = {}
    by_name = {field.name: field for field in [*plan.fields, *plan.extensions.values()]}
    for descriptor, value in message.ListFields():
        field = by_name[descriptor.name]
        if field.cardinality is Cardinality.MAP:
            found[field.name] = {key: _google_plain(field.value, value[key]) for key in value}
        elif field.cardinality is Cardinality.REPEATED:
            found[field.name] = [_google_plain(field, item) for item in value]
        else:
            found[field.name] = _google_plain(field, value)
    return found


def _google_plain(field: Any, value: Any) -> Any:
    if field.kind in MESSAGES:
        return google_tree(value, field.message)
    if isinstance(value, float):
        return "nan" if math.isnan(value) else repr(value)
    if isinstance(value, str) and not field.utf8:
        return value.encode()
    return value
